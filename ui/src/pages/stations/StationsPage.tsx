import { Anchor, Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { type Column, DataTable } from "../../components/DataTable";
import { Empty, Failure, Loading } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { AddStation } from "./AddStation";
import { BulkActions } from "./BulkActions";

type Station = Schemas["StationView"];
const PAGE_SIZE = 1000;

export default function StationsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { may } = useSession();
  const [adding, add] = useDisclosure();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [filters, setFilter] = useFilters(["search", "connected", "operator_state", "site_id", "vendor", "model"] as const);
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
  useLiveRefresh(["station."], [["stations"]]);
  const columns: Column<Station>[] = [
    { key: "id", header: t("station.id"), width: "minmax(10rem, 1.4fr)", sort: (row) => row.id, cell: (row) => <Anchor component={Link} to={`/stations/${encodeURIComponent(row.id)}`} onClick={(event) => event.stopPropagation()}>{row.id}</Anchor> },
    { key: "state", header: t("station.state"), width: "8rem", sort: (row) => Number(row.connected), cell: (row) => <StateBadge state={row.connected ? "online" : "offline"} /> },
    { key: "registration", header: t("station.registration"), width: "8rem", wide: true, sort: (row) => row.reported_state, cell: (row) => <StateBadge state={row.reported_state ?? row.operator_state} /> },
    { key: "name", header: t("station.name"), width: "minmax(8rem, 1fr)", wide: true, sort: (row) => row.name, cell: (row) => row.name ?? "" },
    { key: "model", header: t("station.model"), width: "minmax(8rem, 1fr)", wide: true, sort: (row) => `${row.vendor} ${row.model}`, cell: (row) => [row.vendor, row.model].filter(Boolean).join(" ") },
    { key: "firmware", header: t("station.firmware"), width: "8rem", wide: true, sort: (row) => row.firmware_version, cell: (row) => row.firmware_version ?? "" },
    { key: "profile", header: t("station.securityProfile"), width: "7rem", wide: true, align: "right", sort: (row) => row.security_profile, cell: (row) => row.security_profile },
    { key: "seen", header: t("station.lastSeen"), width: "9rem", sort: (row) => row.last_seen_at, cell: (row) => <When at={row.last_seen_at} ago /> },
  ];
  return (
    <Page
      title={t("nav.stations")}
      lead={list.loading ? undefined : t("station.count", { count: list.rows.length })}
      actions={may("stations:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={add.open}>{t("station.add")}</Button>}
    >
      <FilterBar
        filters={filters}
        set={setFilter}
        search={{ name: "search", label: t("filter.search") }}
        choices={[
          { name: "connected", label: t("station.state"), options: [{ value: "true", label: t("value.online") }, { value: "false", label: t("value.offline") }] },
          { name: "operator_state", label: t("station.operatorState"), options: ["Accepted", "Pending", "Rejected"].map((value) => ({ value, label: t(`value.${value}`, { defaultValue: value }) })) },
        ]}
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
            <Empty title={t("station.none.title")} action={<Group>{may("stations:write") && <Button onClick={add.open}>{t("station.add")}</Button>}<Button component={Link} to="/door" variant="default">{t("nav.door")}</Button></Group>}>
              <Text span>{t("station.none.text")}</Text>
            </Empty>
          }
        />
      )}
      <AddStation opened={adding} onClose={add.close} />
    </Page>
  );
}
