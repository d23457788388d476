import { Alert, Button, Card, Group, NumberInput, SegmentedControl, SimpleGrid, Stack, Table, TagsInput, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { Facts } from "../../components/DataTable";
import { Await, useProblemText } from "../../components/Feedback";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import type { Station } from "../stations/StationPage";

type LocalList = Schemas["LocalListView"];

/** Which tokens the station can accept by itself, as we want it and as it has acknowledged. */
export function LocalListTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const key = ["local-list", station.id];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/stations/{station_id}/local-list", { params: { path: { station_id: station.id } } })) });
  useLiveRefresh(["local_list."], [key], (event) => event.station_id === station.id);
  return (
    <Await query={query}>
      {(list) => (
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Stack><State station={station} list={list} />{may("tokens:write") && <Wanted station={station} list={list} />}</Stack>
          <Stack>{list.changes.length > 0 && <Entries title={t("localList.changes")} entries={list.changes} />}<Entries title={t("localList.acknowledged")} entries={list.acknowledged} /></Stack>
        </SimpleGrid>
      )}
    </Await>
  );
}

function State({ station, list }: { station: Station; list: LocalList }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const problemText = useProblemText();
  const path = { station_id: station.id };
  const synchronise = useMutation({
    mutationFn: (full: boolean) => ask(api.POST("/api/v1/stations/{station_id}/local-list/synchronise", { params: { path }, body: { ask_version: true, full } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["local-list", station.id] }),
  });
  return (
    <Card>
      <Facts rows={[[t("station.state"), <StateBadge key="s" state={list.state} />], [t("localList.ourVersion"), list.version], [t("localList.stationVersion"), list.station_version], [t("localList.synchronised"), <When key="w" at={list.synchronised_at} ago />], [t("localList.changes"), list.changes.length], ...(list.left_out > 0 ? ([[t("localList.leftOut"), list.left_out]] as const) : [])]} />
      {list.problem && <Alert color="yellow" mt="xs">{list.problem}</Alert>}
      {synchronise.error && <Alert color="red" role="alert" mt="xs">{problemText(synchronise.error)}</Alert>}
      {synchronise.data?.jobs.map((job) => <CommandResult key={job.id} job={job} />)}
      {may("tokens:write") && (
        <Group justify="flex-end" mt="xs">
          <Button variant="default" disabled={!station.connected} loading={synchronise.isPending} onClick={() => synchronise.mutate(true)}>{t("localList.full")}</Button>
          <Button disabled={!station.connected} loading={synchronise.isPending} onClick={() => synchronise.mutate(false)}>{t("localList.synchronise")}</Button>
        </Group>
      )}
    </Card>
  );
}

function Wanted({ station, list }: { station: Station; list: LocalList }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const [mode, setMode] = useState(list.mode);
  const [selection, setSelection] = useState(list.selection);
  const [hours, setHours] = useState<number | "">(list.schedule_hours ?? "");
  const save = useMutation({
    mutationFn: () => ask(api.PUT("/api/v1/stations/{station_id}/local-list", { params: { path: { station_id: station.id } }, body: { mode: mode as "none", selection, schedule_hours: hours === "" ? null : hours } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["local-list", station.id] }),
  });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("localList.wanted")}</Title>
      <Stack gap="xs">
        <SegmentedControl aria-label={t("localList.wanted")} value={mode} onChange={setMode} data={["none", "all", "selection"].map((value) => ({ value, label: t(`localList.mode.${value}`) }))} />
        {mode === "selection" && <TagsInput label={t("nav.tokens")} value={selection} onChange={setSelection} />}
        <NumberInput label={t("localList.schedule")} description={t("localList.scheduleHelp")} min={1} value={hours} onChange={(value) => setHours(typeof value === "number" ? value : "")} />
        {save.error && <Alert color="red" role="alert">{problemText(save.error)}</Alert>}
        <Group justify="flex-end">{save.isSuccess && <Text size="sm" role="status">{t("state.saved")}</Text>}<Button loading={save.isPending} onClick={() => save.mutate()}>{t("action.save")}</Button></Group>
      </Stack>
    </Card>
  );
}

function Entries({ title, entries }: { title: string; entries: LocalList["changes"] }) {
  const { t } = useTranslation();
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{title}</Title>
      {entries.length === 0 ? <Text c="dimmed">{t("localList.empty")}</Text> : (
        <Table.ScrollContainer className="stacked" minWidth={320} mah="60vh">
          <Table><Table.Tbody>
            {entries.map((entry) => <Table.Tr key={entry.id_tag}><Table.Td className="wrap-anywhere">{entry.id_tag}</Table.Td><Table.Td><StateBadge state={entry.status ?? "removed"} /></Table.Td><Table.Td><When at={entry.expires_at} /></Table.Td></Table.Tr>)}
          </Table.Tbody></Table>
        </Table.ScrollContainer>
      )}
    </Card>
  );
}
