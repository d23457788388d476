import { Accordion, Alert, Badge, Button, Card, Group, Progress, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { IconDownload, IconReport } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Await, Failure } from "../../components/Feedback";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useLiveRefresh } from "../../live/refresh";

type Progressing = Schemas["ConformanceProgressView"];
type Case = Schemas["CaseView"];

const GOES_ON = new Set(["running"]);
const FAILED = "fail";
const REFRESH_MS = 500;

/** A run, watched case by case; its report once it has ended. */
export default function ConformanceRunPage() {
  const { t } = useTranslation();
  const { runId = "" } = useParams();
  const client = useQueryClient();
  const confirm = useConfirm();
  const navigate = useNavigate();
  const key = ["conformance-runs", runId];
  const path = { run_id: runId };
  const run = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/conformance-runs/{run_id}", { params: { path } })), refetchInterval: (query) => (query.state.data && GOES_ON.has(query.state.data.state) ? 2_000 : false) });
  useLiveRefresh(["conformance."], [key], undefined, REFRESH_MS);
  const fresh = () => client.invalidateQueries({ queryKey: ["conformance-runs"] });
  const cancel = () => confirm({ title: t("conformance.cancel.title"), text: t("conformance.cancel.text"), confirm: t("conformance.cancel.do"), act: async () => { await ask(api.POST("/api/v1/conformance-runs/{run_id}/cancel", { params: { path } })); await fresh(); } });
  const remove = () => confirm({ title: t("conformance.delete.title"), text: t("conformance.delete.text"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/conformance-runs/{run_id}", { params: { path } })); await navigate("/conformance"); await fresh(); } });
  const actions = run.data && (
    <Group gap="xs">
      {run.data.has_report && <Report id={runId} />}
      {GOES_ON.has(run.data.state) ? <Button variant="default" onClick={cancel}>{t("conformance.cancel.do")}</Button> : <Button variant="light" color="red" onClick={remove}>{t("action.delete")}</Button>}
    </Group>
  );
  return (
    <Page title={t("conformance.run")} lead={run.data && <>{run.data.target === "self" ? t("conformance.self") : (run.data.product ?? run.data.url)} {run.data.version} · <When at={run.data.created_at} /> · {run.data.created_by}</>} crumbs={[{ label: t("nav.conformance"), to: "/conformance" }]} actions={actions}>
      <Await query={run}>{(found) => <Watched run={found} />}</Await>
    </Page>
  );
}

function Report({ id }: { id: string }) {
  const { t } = useTranslation();
  const base = `/api/v1/conformance-runs/${encodeURIComponent(id)}`;
  return (
    <>
      <Button component="a" href={`${base}/report.html`} target="_blank" rel="noreferrer" leftSection={<IconReport size={16} aria-hidden />}>{t("conformance.report")}</Button>
      <Button component="a" variant="default" href={`${base}/report.json`} download leftSection={<IconDownload size={16} aria-hidden />}>JSON</Button>
      <Button component="a" variant="default" href={`${base}/junit.xml`} download leftSection={<IconDownload size={16} aria-hidden />}>JUnit</Button>
    </>
  );
}

function Watched({ run }: { run: Progressing }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState("all");
  const cases = shown === "failed" ? run.cases.filter((each) => each.verdict === FAILED) : run.cases;
  const groups = [...new Set(run.cases.map((each) => each.functionality))];
  const share = (count: number) => (run.total > 0 ? (count / run.total) * 100 : 0);
  return (
    <Stack>
      {run.prompt && <Prompt run={run} />}
      {run.detail && <Alert color={run.state === "broken" ? "red" : "yellow"}>{run.detail}</Alert>}
      <Card>
        <Group gap="lg" mb="xs"><StateBadge state={run.state} /><Count name={t("conformance.passed")} count={run.passed} color="teal" /><Count name={t("conformance.failed")} count={run.failed} color="red" /><Count name={t("conformance.notRun")} count={run.not_run} color="gray" /><Text size="sm" c="dimmed">{t("conformance.ofAll", { count: run.total })}</Text></Group>
        <Progress.Root size={14} aria-hidden>
          <Progress.Section value={share(run.passed)} color="teal" animated={GOES_ON.has(run.state)} withAria={false} />
          <Progress.Section value={share(run.failed)} color="red" withAria={false} />
        </Progress.Root>
      </Card>
      <Group justify="flex-end"><SegmentedControl size="xs" aria-label={t("conformance.cases")} value={shown} onChange={setShown} data={[{ value: "all", label: t("settings.all") }, { value: "failed", label: t("conformance.onlyFailed") }]} /></Group>
      <Accordion multiple variant="separated" defaultValue={groups}>
        {groups.map((group) => {
          const mine = run.cases.filter((each) => each.functionality === group);
          const rows = cases.filter((each) => each.functionality === group);
          return rows.length === 0 ? null : (
            <Accordion.Item key={group} value={group}>
              <Accordion.Control><Group gap="xs"><Text fw={600}>{group}</Text><Badge color={mine.some((each) => each.verdict === FAILED) ? "red" : "gray"}>{mine.filter((each) => each.verdict === "pass").length} / {mine.length}</Badge></Group></Accordion.Control>
              <Accordion.Panel><Cases rows={rows} /></Accordion.Panel>
            </Accordion.Item>
          );
        })}
      </Accordion>
      <Text size="xs" c="dimmed">{t("conformance.noCertificate")}</Text>
    </Stack>
  );
}

function Count({ name, count, color }: { name: string; count: number; color: string }) {
  return <Group gap={6}><Text size="sm">{name}</Text><Badge color={color}>{count}</Badge></Group>;
}

function Cases({ rows }: { rows: Case[] }) {
  return (
    <Table.ScrollContainer className="stacked" minWidth={400}><Table verticalSpacing={4}>
      <Table.Tbody>
        {rows.map((each) => (
          <Table.Tr key={each.number} data-case={each.number} data-verdict={each.verdict}>
            <Table.Td w="6.5rem" className="mono">{each.number}</Table.Td>
            <Table.Td><Text size="sm">{each.title}</Text>{each.reason && <Text size="xs" c="dimmed" className="wrap-anywhere">{each.reason}</Text>}</Table.Td>
            <Table.Td w="7rem">{each.verdict !== "waiting" && <StateBadge state={each.verdict} />}</Table.Td>
            <Table.Td w="5rem" ta="right" className="tabular">{each.seconds === null ? "" : `${each.seconds.toFixed(1)} s`}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table></Table.ScrollContainer>
  );
}

/** A person presses the buttons of the other system: what to press, and the way to say that it is done. */
function Prompt({ run }: { run: Progressing }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const proceed = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/conformance-runs/{run_id}/proceed", { params: { path: { run_id: run.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["conformance-runs", run.id] }),
  });
  return (
    <Alert color="blue" title={t("conformance.prompt")} role="alert">
      <Stack gap="xs">
        <Text size="sm" className="wrap-anywhere">{run.prompt}</Text>
        {run.prompt_waits && <Group><Button size="xs" loading={proceed.isPending} onClick={() => proceed.mutate()}>{t("conformance.proceed")}</Button></Group>}
        {proceed.error && <Failure error={proceed.error} />}
      </Stack>
    </Alert>
  );
}
