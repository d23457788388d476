import { Button, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { type Column, DataTable, RowLink } from "../../components/DataTable";
import { EmptyList } from "../../components/EmptyList";
import { Failure, Loading } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { formatCount } from "../../lib/units";
import { useSession } from "../../session";
import { AddStation } from "./AddStation";
import { BulkActions } from "./BulkActions";
import { useLiveRows } from "./liveRows";

type Station = Schemas["StationView"];
const PAGE_SIZE = 1000;
/** So many are read without being asked for, so that sorting and selecting mean all of them. */
const READ_AHEAD = 20_000;
const MOST_NAMES = 200;

export default function StationsPage() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const { may } = useSession();
  const [{ new: adding }, setAdding] = useFilters(["new"] as const);
  const add = () => setAdding("new", "1");
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [filters, setFilter] = useFilters(["search", "connected", "operator_state", "vendor", "model", "site_id"] as const);
  const list = usePagedList(["stations", filters], (cursor) =>
    ask(
      api.GET("/api/v1/stations", {
        params: {
          query: {
            ...filters,
            connected: filters.connected === undefined ? undefined : filters.connected === "true",
            operator_state: filters.operator_state as Station["operator_state"] as "Accepted" | undefined,
            limit: PAGE_SIZE,
            cursor,
          },
        },
      }),
    ),
  );
  useLiveRows();
  const { more, loadMore, error } = list;
  const count = list.rows.length;
  useEffect(() => {
    if (more && error === null && count < READ_AHEAD) loadMore();
  }, [more, loadMore, error, count]);
  const columns = useMemo<Column<Station>[]>(() => [
    { key: "id", header: t("station.id"), width: "minmax(8rem, 1.4fr)", sort: (row) => row.id, cell: (row) => <RowLink to={`/stations/${encodeURIComponent(row.id)}`}>{row.id}</RowLink> },
    { key: "state", header: t("station.state"), width: "7rem", sort: (row) => Number(row.connected), cell: (row) => <StateBadge state={row.connected ? "online" : "offline"} /> },
    { key: "registration", header: t("station.registration"), width: "8rem", wide: true, sort: (row) => row.reported_state, cell: (row) => <StateBadge state={row.reported_state ?? row.operator_state} /> },
    { key: "name", header: t("station.name"), width: "minmax(7rem, 1fr)", wide: true, sort: (row) => row.name, cell: (row) => row.name ?? "" },
    { key: "model", header: t("station.model"), width: "minmax(8rem, 1fr)", wide: true, sort: (row) => `${row.vendor} ${row.model}`, cell: (row) => [row.vendor, row.model].filter(Boolean).join(" ") },
    { key: "firmware", header: t("station.firmware"), width: "7rem", wide: true, sort: (row) => row.firmware_version, cell: (row) => row.firmware_version ?? "" },
    { key: "profile", header: t("station.securityProfile"), width: "8rem", wide: true, large: true, align: "right", sort: (row) => row.security_profile, cell: (row) => row.security_profile },
    { key: "seen", header: t("station.lastSeen"), width: "9rem", sort: (row) => row.last_seen_at, cell: (row) => <When at={row.last_seen_at} ago /> },
  ], [t]);
  const vendors = useNames(list.rows, "vendor", filters.vendor);
  const models = useNames(list.rows, "model", filters.model);
  const search = useMemo(() => ({ name: "search" as const, label: t("filter.search") }), [t]);
  const choices = useMemo(
    () => [
      { name: "connected" as const, label: t("station.state"), options: [{ value: "true", label: t("value.online") }, { value: "false", label: t("value.offline") }] },
      { name: "operator_state" as const, label: t("station.operatorState"), options: ["Accepted", "Pending", "Rejected"].map((value) => ({ value, label: t(`value.${value}`, { defaultValue: value }) })) },
      { name: "vendor" as const, label: t("station.vendor"), options: vendors },
      { name: "model" as const, label: t("station.model"), options: models },
    ],
    [t, vendors, models],
  );
  return (
    <Page
      title={t("nav.stations")}
      lead={list.loading ? undefined : t(more ? "station.countMore" : "station.count", { count, shown: formatCount(count, i18n.language) })}
      actions={may("stations:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={add}>{t("station.add")}</Button>}
    >
      <FilterBar
        filters={filters}
        set={setFilter}
        search={search}
        choices={choices}
        csv="/api/v1/stations"
      />
      {selected.size > 0 && <BulkActions stations={list.rows.filter((row) => selected.has(row.id))} onDone={() => setSelected(new Set())} />}
      {list.error ? (
        <Failure error={list.error} retry={list.refetch} />
      ) : list.loading ? (
        <Loading />
      ) : (
        <DataTable
          label={t("nav.stations")}
          rows={list.rows}
          columns={columns}
          rowKey={(row) => row.id}
          onOpen={(row) => void navigate(`/stations/${encodeURIComponent(row.id)}`)}
          selected={may("commands:send") ? selected : undefined}
          onSelect={may("commands:send") ? setSelected : undefined}
          onEnd={list.loadMore}
          empty={
            <EmptyList filters={filters} title={t("station.none.title")} action={<Group>{may("stations:write") && <Button onClick={add}>{t("station.add")}</Button>}<Button component={Link} to="/door" variant="default">{t("nav.door")}</Button></Group>}>
              <Text span>{t("station.none.text")}</Text>
            </EmptyList>
          }
        />
      )}
      {may("stations:write") && <AddStation opened={adding !== undefined} onClose={() => setAdding("new", null)} />}
    </Page>
  );
}

/** The names that occur in a column, for its filter; what is filtered by is among them. The same until there are others. */
function useNames(rows: readonly Station[], column: "vendor" | "model", wanted: string | undefined): { value: string; label: string }[] {
  const joined = useMemo(() => {
    const names = new Set<string>();
    for (const row of rows) if (row[column]) names.add(row[column]);
    if (wanted) names.add(wanted);
    return JSON.stringify([...names].sort().slice(0, MOST_NAMES));
  }, [rows, column, wanted]);
  return useMemo(() => (JSON.parse(joined) as string[]).map((value) => ({ value, label: value })), [joined]);
}
