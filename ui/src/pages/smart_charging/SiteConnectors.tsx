import { Anchor, Badge, Button, Checkbox, Chip, Group, NumberInput, Select, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { Await, Empty, Failure } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { StateBadge } from "../../components/StateBadge";
import { useSession } from "../../session";
import type { Site } from "./SitesPage";

type Connector = Schemas["SiteConnectorView"];

const PHASES = ["L1", "L2", "L3"] as const;
const FOUND = 20;

/** The stations of a site and how their connectors are wired: phases, least and most current, priority. */
export function SiteConnectors({ site }: { site: Site }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const [editing, setEditing] = useState<Connector | null>(null);
  const key = ["site", site.id, "connectors"];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/sites/{site_id}/connectors", { params: { path: { site_id: site.id } } })) });
  return (
    <Stack>
      {may("stations:write") && <AddStation site={site} />}
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Empty title={t("site.noStations.title")}>{t("site.noStations.text")}</Empty> : (
          <Table.ScrollContainer className="stacked" minWidth={720}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>{t("transaction.station")}</Table.Th><Table.Th>{t("site.phases")}</Table.Th><Table.Th ta="right">{t("site.least")}</Table.Th><Table.Th ta="right">{t("site.most")}</Table.Th><Table.Th ta="right">{t("site.priority")}</Table.Th><Table.Th>{t("station.state")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {page.items.map((row) => (
                  <Table.Tr key={`${row.station_id}|${row.connector_id}`} data-wiring={`${row.station_id}|${row.connector_id}`}>
                    <Table.Td><Anchor component={Link} to={`/stations/${encodeURIComponent(row.station_id)}`} size="sm">{row.station_name ?? row.station_id}</Anchor> <Text span size="sm" c="dimmed">· {row.connector_id}</Text></Table.Td>
                    <Table.Td data-label={t("site.phases")}>{row.phases ? row.phases.join(" ") : <Badge color="yellow" title={t("site.phasesUnknownHelp")}>{t("site.phasesUnknown")}</Badge>}</Table.Td>
                    <Table.Td ta="right" className="tabular" data-label={t("site.least")}>{row.min_a} A</Table.Td>
                    <Table.Td ta="right" className="tabular" data-label={t("site.most")}>{row.max_a} A</Table.Td>
                    <Table.Td ta="right" className="tabular" data-label={t("site.priority")}>{row.priority}</Table.Td>
                    <Table.Td><StateBadge state={row.connected ? "online" : "offline"} /></Table.Td>
                    <Table.Td>{may("sites:write") && <Button size="compact-xs" variant="default" onClick={() => setEditing(row)}>{t("action.edit")}</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Await>
      {editing && <WiringForm site={site} row={editing} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

/** A station is made to belong to this site. */
function AddStation({ site }: { site: Site }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [search, setSearch] = useState("");
  const [station, setStation] = useState<string | null>(null);
  const stations = useQuery({ queryKey: ["site", site.id, "choice", search], queryFn: () => ask(api.GET("/api/v1/stations", { params: { query: { search: search || undefined, limit: FOUND } } })), placeholderData: keepPreviousData });
  const add = useMutation({
    mutationFn: (station_id: string) => ask(api.PATCH("/api/v1/stations/{station_id}", { params: { path: { station_id } }, body: { site_id: site.id } })),
    onSuccess: async () => {
      setStation(null);
      await client.invalidateQueries({ queryKey: ["site", site.id] });
    },
  });
  const choices = (stations.data?.items ?? []).filter((each) => each.site_id !== site.id).map((each) => ({ value: each.id, label: [each.id, each.name, each.site_id && t("site.elsewhere", { name: each.site_id })].filter(Boolean).join(" · ") }));
  return (
    <Stack gap="xs">
      <Group align="flex-end" gap="xs">
        <Select label={t("site.addStation")} data={choices} searchable value={station} onChange={setStation} searchValue={search} onSearchChange={setSearch} nothingFoundMessage={t("palette.nothing")} filter={({ options }) => options} w="22rem" maw="100%" />
        <Button variant="default" disabled={station === null} loading={add.isPending} onClick={() => station && add.mutate(station)}>{t("site.addStationDo")}</Button>
      </Group>
      {add.error && <Failure error={add.error} />}
    </Stack>
  );
}

/** What can be declared of a connector, out of what is told of it. */
function wiringOf({ phases, min_a, max_a, pause_a, standby_a, step_a, worst_case_a, by_power, all_phases, limits_outlive_transactions, forgets_offline, priority, stack_level }: Connector) {
  return { phases: phases ?? [], min_a, max_a, pause_a, standby_a, step_a, worst_case_a, by_power, all_phases, limits_outlive_transactions, forgets_offline, priority, stack_level };
}

function WiringForm({ site, row, onClose }: { site: Site; row: Connector; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { station_id, connector_id } = row;
  const form = useForm({ initialValues: wiringOf(row) });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => {
      const phases = values.phases.length > 0 ? values.phases : null;
      return ask(api.PUT("/api/v1/sites/{site_id}/connectors/{station_id}/{connector_id}", { params: { path: { site_id: site.id, station_id, connector_id } }, body: { ...values, phases } as never }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["site", site.id] });
      onClose();
    },
  });
  const amperes = (name: "min_a" | "max_a" | "pause_a" | "standby_a" | "step_a" | "worst_case_a") => <NumberInput key={name} label={t(`site.wiring.${name}`)} min={0} decimalScale={1} hideControls suffix=" A" {...form.getInputProps(name)} />;
  const check = (name: "by_power" | "all_phases" | "limits_outlive_transactions" | "forgets_offline") => <Checkbox key={name} label={t(`site.wiring.${name}`)} {...form.getInputProps(name, { type: "checkbox" })} />;
  return (
    <FormModal title={`${station_id} · ${connector_id}`} size="lg" onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}>
      <Text size="sm" fw={500}>{t("site.phases")}</Text>
      <Text size="xs" c="dimmed">{t("site.wiring.phasesHelp")}</Text>
      <Chip.Group multiple value={form.values.phases} onChange={(value) => form.setFieldValue("phases", value)}><Group gap={4}>{PHASES.map((phase) => <Chip key={phase} size="sm" value={phase}>{phase}</Chip>)}</Group></Chip.Group>
      <Text size="xs">{form.values.phases.length > 0 ? form.values.phases.join(", ") : t("site.phasesUnknown")}</Text>
      <SimpleGrid cols={{ base: 2, sm: 3 }}>{(["min_a", "max_a", "step_a", "pause_a", "standby_a", "worst_case_a"] as const).map(amperes)}</SimpleGrid>
      <NumberInput label={t("site.priority")} description={t("site.wiring.priorityHelp")} min={-1000} max={1000} w="12rem" {...form.getInputProps("priority")} />
      {(["by_power", "all_phases", "limits_outlive_transactions", "forgets_offline"] as const).map(check)}
    </FormModal>
  );
}
