import { Anchor, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { FilterBar } from "../../components/FilterBar";
import { ListTable } from "../../components/ListTable";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { KEY_STATES, KeyState, KeyValue } from "./KeyState";

type Row = Schemas["DriftView"];

/** Keys of all stations that are not as desired. */
export function Drift() {
  const { t } = useTranslation();
  const [filters, setFilter] = useFilters(["state", "station_id", "key"] as const);
  const list = usePagedList(["configuration-drift", filters], (cursor) => ask(api.GET("/api/v1/configuration-drift", { params: { query: { ...filters, limit: 200, cursor } as never } })));
  const summary = useQuery({ queryKey: ["configuration-drift-summary"], queryFn: () => ask(api.GET("/api/v1/configuration-drift-summary")) });
  useLiveRefresh(["configuration.", "job.changed"], [["configuration-drift"], ["configuration-drift-summary"]]);
  const columns: Column<Row>[] = [
    { key: "station", header: t("transaction.station"), width: "minmax(7rem, 1fr)", sort: (row) => row.station_id, cell: (row) => <Anchor size="sm" component={Link} to={`/stations/${encodeURIComponent(row.station_id)}/configuration`}>{row.station_id}</Anchor> },
    { key: "key", header: t("configuration.key"), width: "minmax(9rem, 1.4fr)", sort: (row) => row.key, cell: (row) => row.key },
    { key: "state", header: t("station.state"), width: "10rem", sort: (row) => row.state, cell: (row) => <KeyState row={row} /> },
    { key: "desired", header: t("desired.desired"), width: "minmax(7rem, 1fr)", wide: true, cell: (row) => <KeyValue row={row} value={row.desired} cut /> },
    { key: "actual", header: t("desired.actual"), width: "minmax(7rem, 1fr)", wide: true, cell: (row) => <KeyValue row={row} value={row.actual} cut /> },
    { key: "since", header: t("desired.since"), width: "9rem", wide: true, sort: (row) => row.since, cell: (row) => <When at={row.since} ago /> },
  ];
  const states = summary.data?.states ?? {};
  const followed = summary.data?.followed_stations ?? 0;
  return (
    <Stack>
      {summary.data && (
        <Group gap="lg">
          <Text size="sm">{t("desired.followed", { count: followed })}</Text>
          {KEY_STATES.filter((state) => states[state]).map((state) => <Text key={state} size="sm" c="dimmed">{t(`desired.state.${state}`)}: {states[state]}</Text>)}
        </Group>
      )}
      <FilterBar filters={filters} set={setFilter} csv="/api/v1/configuration-drift"
        texts={[{ name: "station_id", label: t("transaction.station") }, { name: "key", label: t("configuration.key") }]}
        choices={[{ name: "state", label: t("station.state"), options: KEY_STATES.map((value) => ({ value, label: t(`desired.state.${value}`) })) }]} />
      <ListTable label={t("desired.drift")} list={list} columns={columns} rowKey={(row) => `${row.station_id}|${row.key}`} filters={filters}
        none={followed ? { title: t("desired.allInStep.title"), text: t("desired.allInStep.text") } : { title: t("desired.nobody.title"), text: t("desired.nobody.text") }} />
    </Stack>
  );
}
