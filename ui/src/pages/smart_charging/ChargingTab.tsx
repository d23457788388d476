import { Alert, Badge, Button, Card, Group, NumberInput, Select, SimpleGrid, Stack, Switch, Table, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, problemCode, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { useConfirm } from "../../components/confirm";
import { Await, useProblemText } from "../../components/Feedback";
import { StepChart, type Steps } from "../../components/StepChart";
import { When } from "../../components/When";
import { formatClock } from "../../lib/clock";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import type { Station } from "../stations/StationPage";
import { stepsOf } from "./draft";
import { LINE } from "./ProfileEditor";
import { stepsIn } from "./stack";

const DAY_S = 86_400;
const THEIRS = "var(--mantine-color-pink-6)";
const LAYERS = ["var(--mantine-color-grape-5)", "var(--mantine-color-orange-6)", "var(--mantine-color-green-6)", "var(--mantine-color-indigo-5)", "var(--mantine-color-yellow-7)", "var(--mantine-color-gray-6)"];
type Installed = Schemas["InstalledProfileView"];

/** What the station holds as far as we know, what comes of it, and what the station says comes of it. */
export function ChargingTab({ station }: { station: Station }) {
  const { may } = useSession();
  return (
    <Stack>
      <Composite station={station} />
      <InstalledProfiles station={station} />
      {may("charging_profiles:write") && may("commands:send") && <Install station={station} />}
    </Stack>
  );
}

function useInstalled(station: Station) {
  return useQuery({ queryKey: ["installed-profiles", station.id], queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/charging-profiles", { params: { path: { station_id: station.id } } })) });
}

/** The order in which they count: what belongs to one transaction first, then the higher stack level. */
const RANK: Record<string, number> = { station_external: 0, station_max: 1, tx: 2, tx_default: 3 };

function stacked(items: readonly Installed[]): Installed[] {
  return [...items].sort((a, b) => (RANK[a.profile.purpose] ?? 9) - (RANK[b.profile.purpose] ?? 9) || b.profile.stack_level - a.profile.stack_level || a.connector_id - b.connector_id);
}

const nameOf = ({ profile, connector_id }: Installed) => `${profile.profile_id} · ${profile.stack_level} @ ${connector_id}`;

function InstalledProfiles({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const query = useInstalled(station);
  useLiveRefresh(["charging_profiles."], [["installed-profiles", station.id], ["composite", station.id]], (event) => event.station_id === station.id);
  const clear = (profile_id: number) =>
    confirm({
      title: t("profile.clear.title", { id: profile_id }),
      text: t("profile.clear.text"),
      confirm: t("profile.clear.do"),
      act: async () => {
        await ask(api.POST("/api/v1/stations/{station_id}/charging-profiles/clear", { params: { path: { station_id: station.id } }, body: { profile_id } }));
        await client.invalidateQueries({ queryKey: ["installed-profiles", station.id] });
      },
    });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("profile.held")}</Title>
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Text c="dimmed">{t("profile.holdsNone")}</Text> : (
          <Table.ScrollContainer className="stacked" minWidth={640}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("profile.number")}</Table.Th><Table.Th>{t("profile.purpose")}</Table.Th><Table.Th ta="right">{t("profile.stackLevel")}</Table.Th><Table.Th ta="right">{t("transaction.connector")}</Table.Th><Table.Th>{t("profile.steps")}</Table.Th><Table.Th>{t("profile.installed")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {stacked(page.items).map(({ connector_id, profile, installed_at, certainty, local_time_zone, out_of_step }) => (
                  <Table.Tr key={`${connector_id}|${profile.profile_id}|${installed_at}`} data-profile={profile.profile_id}>
                    <Table.Td className="tabular">{profile.profile_id}</Table.Td>
                    <Table.Td>{t(`profile.purposes.${profile.purpose}`, { defaultValue: profile.purpose })} <Badge color="gray">{t(`profile.certainty.${certainty}`, { defaultValue: certainty })}</Badge></Table.Td>
                    <Table.Td ta="right" data-label={t("profile.stackLevel")}>{profile.stack_level}</Table.Td>
                    <Table.Td ta="right" data-label={t("transaction.connector")}>{connector_id === 0 ? t("connector.station") : connector_id}</Table.Td>
                    <Table.Td data-line data-label={t("profile.steps")}>
                      {profile.schedule.periods.map((period) => `${formatClock(period.start_period_s)} ${period.limit ?? "–"} ${profile.schedule.unit}`).join(" → ")}
                      {local_time_zone !== null && <Text size="xs" c="dimmed">{t("profile.localTime", { zone: local_time_zone })}</Text>}
                      {out_of_step && <Text size="xs" data-out-of-step>{t("profile.outOfStep")}</Text>}
                    </Table.Td>
                    <Table.Td data-label={t("profile.installed")}><When at={installed_at} ago /></Table.Td>
                    <Table.Td>{may("charging_profiles:write") && may("commands:send") && <Button size="compact-xs" variant="default" disabled={!station.connected} onClick={() => clear(profile.profile_id)}>{t("profile.clear.do")}</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
    </Card>
  );
}

function Composite({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const problemText = useProblemText();
  const [connector, setConnector] = useState(1);
  const [unit, setUnit] = useState<"A" | "W">("A");
  const [stack, setStack] = useState(true);
  const installed = useInstalled(station);
  const path = { station_id: station.id, connector_id: connector };
  const ours = useQuery({
    queryKey: ["composite", station.id, connector, unit],
    queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/connectors/{connector_id}/composite-schedule", { params: { path, query: { duration_s: DAY_S, unit } } })),
  });
  const compare = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/connectors/{connector_id}/composite-schedule/compare", { params: { path, query: { duration_s: DAY_S, unit } } })),
  });
  const theirs: Steps[] = compare.data?.station ? [{ label: t("profile.theirs"), color: THEIRS, dashed: true, periods: stepsOf(compare.data.station) }] : [];
  const layers = (start: string): Steps[] =>
    stack
      ? stacked((installed.data?.items ?? []).filter((each) => each.connector_id === 0 || each.connector_id === connector)).map((each, index) => ({
          label: nameOf(each), color: LAYERS[index % LAYERS.length] ?? LINE, thin: true, periods: stepsIn(each.profile, Date.parse(start), DAY_S, unit),
        }))
      : [];
  return (
    <Card>
      <Group justify="space-between" align="flex-end" mb="xs">
        <Title order={2} size="h4">{t("profile.composite")}</Title>
        <Group gap="xs" align="flex-end">
          <NumberInput label={t("transaction.connector")} w="7rem" min={0} value={connector} onChange={(value) => { if (typeof value === "number") setConnector(value); compare.reset(); }} />
          <Select label={t("profile.unit")} w="7rem" data={["A", "W"]} allowDeselect={false} value={unit} onChange={(value) => { setUnit(value === "W" ? "W" : "A"); compare.reset(); }} />
          <Switch label={t("profile.stack")} checked={stack} onChange={(event) => setStack(event.currentTarget.checked)} mb={8} />
          {may("commands:send") && <Button variant="default" loading={compare.isPending} disabled={!station.connected} onClick={() => compare.mutate()}>{t("profile.askStation")}</Button>}
        </Group>
      </Group>
      {compare.error && <Alert color="red" role="alert">{problemText(compare.error)}</Alert>}
      <Await query={ours}>
        {(schedule) => (
          <>
            <StepChart label={t("profile.composite")} unit={schedule.unit} duration_s={schedule.duration_s} origin={new Date(schedule.start)} series={[...layers(schedule.start), { label: t("profile.ours"), color: LINE, periods: stepsOf(schedule.periods) }, ...theirs]} />
            {stack && (installed.data?.items.length ?? 0) > 0 && <Text size="xs" c="dimmed" ta="center">{t("profile.layers")}</Text>}
            {!schedule.certain && <Text size="sm" c="dimmed">{t("profile.uncertain")}</Text>}
          </>
        )}
      </Await>
      {compare.data && (compare.data.station === null ? <CommandResult job={compare.data.job} /> : (
        <Alert color={compare.data.differences.length === 0 ? "teal" : "yellow"} mt="xs" data-compared>{compare.data.differences.length === 0 ? t("profile.same") : t("profile.different", { count: compare.data.differences.length })}</Alert>
      ))}
    </Card>
  );
}

function Install({ station }: { station: Station }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const [library, setLibrary] = useState<string | null>(null);
  const [connector, setConnector] = useState(1);
  const [idTag, setIdTag] = useState("");
  const profiles = useQuery({ queryKey: ["charging-profiles", "all"], queryFn: () => ask(api.GET("/api/v1/charging-profiles", { params: { query: { limit: 1000 } } })) });
  const install = useMutation({
    mutationFn: (send_anyway: boolean) => {
      const params = { path: { station_id: station.id } };
      const body = { connector_id: connector, library_id: library as never, send_anyway };
      return idTag
        ? ask(api.POST("/api/v1/stations/{station_id}/charging-profiles/remote-start", { params, body: { ...body, id_tag: idTag as never } }))
        : ask(api.POST("/api/v1/stations/{station_id}/charging-profiles", { params, body }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["installed-profiles", station.id] }),
  });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("profile.install")}</Title>
      <Stack gap="xs">
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <Select label={t("profile.fromLibrary")} searchable data={(profiles.data?.items ?? []).map((row) => ({ value: row.id, label: row.name }))} value={library} onChange={setLibrary} nothingFoundMessage={t("profile.none.title")} />
          <NumberInput label={t("transaction.connector")} min={0} value={connector} onChange={(value) => { if (typeof value === "number") setConnector(value); }} />
          <TextInput label={t("profile.withStart")} description={t("profile.withStartHelp")} inputWrapperOrder={["label", "input", "description"]} maxLength={20} value={idTag} onChange={(event) => setIdTag(event.currentTarget.value)} />
        </SimpleGrid>
        {install.error && <Alert color="red" role="alert">{problemText(install.error)}</Alert>}
        {install.data?.violations.map((violation) => <Alert key={violation.rule} color="yellow" p="xs">{violation.message}</Alert>)}
        {install.data?.refusal && <Alert color="yellow" p="xs">{t(`profile.refusal.${install.data.refusal.kind}`)}</Alert>}
        {install.data && <CommandResult job={install.data.job} />}
        <Group justify="flex-end">
          {problemCode(install.error) === "needs_send_anyway" && <Button variant="default" onClick={() => install.mutate(true)}>{t("command.anyway")}</Button>}
          <Button disabled={library === null || !station.connected} loading={install.isPending} onClick={() => install.mutate(false)}>{t("action.send")}</Button>
        </Group>
      </Stack>
    </Card>
  );
}
