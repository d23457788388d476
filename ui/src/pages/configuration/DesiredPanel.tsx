import { Alert, Anchor, Button, Group, MultiSelect, Paper, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { Await, useProblemText } from "../../components/Feedback";
import { When } from "../../components/When";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { KeyState, KeyValue, MODES } from "./KeyState";

type Desired = Schemas["DesiredConfigurationView"];

/** On a station's page: what is desired of its keys, how they stand, and what to consider about them. */
export function DesiredPanel({ stationId }: { stationId: string }) {
  const { t } = useTranslation();
  const path = { station_id: stationId };
  const key = ["desired-configuration", stationId];
  const adviceKey = ["configuration-advice", stationId];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/desired-configuration", { params: { path } })) });
  const advice = useQuery({ queryKey: adviceKey, queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/configuration-advice", { params: { path } })) });
  useLiveRefresh(["configuration.", "job.changed", "station.booted"], [key, adviceKey], (event) => event.station_id === stationId);
  return (
    <Stack>
      {advice.data?.items.map((each) => <Alert key={each.code} color={each.severity === "warning" ? "yellow" : "blue"} title={t(`desired.advice.${each.code}`, { defaultValue: each.code })}>{each.words}</Alert>)}
      <Paper withBorder p="md">
        <Await query={query}>{(desired) => <Standing desired={desired} />}</Await>
      </Paper>
    </Stack>
  );
}

function Standing({ desired }: { desired: Desired }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const problemText = useProblemText();
  const mayWrite = may("configuration:write");
  const path = { station_id: desired.station_id };
  const renew = () => client.invalidateQueries({ queryKey: ["desired-configuration", desired.station_id] });
  const templates = useQuery({ queryKey: ["configuration-templates", "all"], queryFn: () => ask(api.GET("/api/v1/configuration-templates", { params: { query: { limit: 500 } } })), enabled: mayWrite });
  const choose = useMutation({
    mutationFn: (body: { mode?: Desired["mode"]; template_ids?: string[] }) => ask(api.PUT("/api/v1/stations/{station_id}/desired-configuration", { params: { path }, body })),
    onSuccess: renew,
  });
  const apply = useMutation({ mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/desired-configuration/apply", { params: { path, query: { wait: 0 } }, body: {} })), onSettled: renew });
  const agree = useMutation({ mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/desired-configuration/agree-to-reset", { params: { path } })), onSettled: renew });
  const error = choose.error ?? apply.error ?? agree.error;
  const names = new Map(desired.templates.map((each) => [each.id, each.name]));
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start">
        <Title order={2} size="h4">{t("desired.title")}</Title>
        {may("commands:send") && (desired.mode === "on_demand" || desired.mode === "on_connect") && <Button onClick={() => apply.mutate()} loading={apply.isPending} disabled={desired.job_id !== null}>{t("desired.applyNow")}</Button>}
      </Group>
      <Group align="flex-end" gap="md">
        <Select label={t("desired.mode")} disabled={!mayWrite || choose.isPending} allowDeselect={false} w="16rem" data={MODES.map((value) => ({ value, label: t(`desired.modes.${value}`) }))} value={desired.mode} onChange={(value) => choose.mutate({ mode: (value ?? "off") as Desired["mode"] })} />
        {mayWrite && <MultiSelect label={t("desired.assigned")} flex="1 1 16rem" disabled={choose.isPending} data={(templates.data?.items ?? []).map((each) => ({ value: each.id, label: each.name }))} value={desired.template_ids} onChange={(template_ids) => choose.mutate({ template_ids })} />}
      </Group>
      {error && <Alert color="red" role="alert">{problemText(error)}</Alert>}
      {desired.step === "consent" && (
        <Alert color="blue" title={t("desired.consent.title")}>
          <Group justify="space-between"><Text size="sm">{t("desired.consent.text")}</Text>{may("commands:send") && <Button size="xs" onClick={() => agree.mutate()} loading={agree.isPending}>{t("desired.consent.do")}</Button>}</Group>
        </Alert>
      )}
      {desired.left_alone_until && <Alert color="yellow">{t("desired.leftAlone")} <When at={desired.left_alone_until} /></Alert>}
      {apply.data && <CommandResult job={apply.data} />}
      {desired.mode === "off" ? (
        <Text size="sm" c="dimmed">{t("desired.off")}</Text>
      ) : desired.keys.length === 0 ? (
        <Text size="sm" c="dimmed">{t("desired.noTemplate")} <Anchor component={Link} to="/configuration?tab=templates">{t("desired.templates")}</Anchor></Text>
      ) : (
        <Table.ScrollContainer className="stacked" minWidth={760}>
          <Table>
            <Table.Thead><Table.Tr><Table.Th>{t("configuration.key")}</Table.Th><Table.Th>{t("station.state")}</Table.Th><Table.Th>{t("desired.desired")}</Table.Th><Table.Th>{t("desired.actual")}</Table.Th><Table.Th>{t("desired.template")}</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {desired.keys.map((row) => (
                <Table.Tr key={row.key} data-key={row.key}>
                  <Table.Td>{row.key}</Table.Td>
                  <Table.Td>
                    <KeyState row={row} />
                    {row.state !== "in_step" && <Text size="xs" c="dimmed">{t(`desired.reason.${row.reason}`, { defaultValue: row.reason })}</Text>}
                    {row.next_attempt_at && <Text size="xs" c="dimmed">{t("desired.attempts", { count: row.attempts })} <When at={row.next_attempt_at} /></Text>}
                  </Table.Td>
                  <Table.Td data-line data-label={t("desired.desired")}><KeyValue row={row} value={row.desired} /></Table.Td>
                  <Table.Td data-line data-label={t("desired.actual")}><KeyValue row={row} value={row.actual} /></Table.Td>
                  <Table.Td data-label={t("desired.template")} title={row.overridden.map((id) => names.get(id) ?? id).join(", ")}>{names.get(row.template_id) ?? row.template_id}{row.overridden.length > 0 && ` (+${row.overridden.length})`}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}
