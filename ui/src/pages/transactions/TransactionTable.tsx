import { Badge, Stack } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { type Column, DataTable, RowLink } from "../../components/DataTable";
import { EmptyList } from "../../components/EmptyList";
import { Failure, Loading } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { formatEnergy } from "../../lib/units";
import { useLiveRefresh } from "../../live/refresh";
import { energyOf } from "./energy";

type Transaction = Schemas["TransactionView"];
const LIVE_MS = 2_000;

/** Transactions, live and past; `stationId` narrows them to one station's page. */
export function TransactionTable({ stationId }: { stationId?: string }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const [filters, setFilter] = useFilters(["state", "station_id", "id_tag", "since", "until", "flagged"] as const);
  const query = { ...filters, ...(stationId && { station_id: stationId }) };
  const list = usePagedList(["transactions", query], (cursor) =>
    ask(api.GET("/api/v1/transactions", { params: { query: { ...query, limit: 200, cursor } as never } })),
  );
  const mine = stationId ? (event: { station_id?: string | null }) => event.station_id === stationId : undefined;
  useLiveRefresh(["transaction.", "meter.sampled"], [["transactions", query]], mine, LIVE_MS);
  const columns = useMemo<Column<Transaction>[]>(
    () => [
      { key: "id", header: t("transaction.id"), width: "7.5rem", sort: (row) => row.id, cell: (row) => <RowLink to={`/transactions/${row.id}`}><span className="tabular">{row.transaction_id}</span></RowLink> },
      { key: "state", header: t("transaction.state"), width: "7.5rem", sort: (row) => row.state, cell: (row) => <StateBadge state={row.state} /> },
      ...(stationId ? [] : [{ key: "station", header: t("transaction.station"), width: "minmax(7rem, 1fr)", sort: (row: Transaction) => row.station_id, cell: (row: Transaction) => row.station_id }]),
      { key: "connector", header: t("transaction.connector"), width: "6rem", wide: true, align: "right", sort: (row) => row.connector_id, cell: (row) => row.connector_id ?? "–" },
      { key: "tag", header: t("transaction.idTag"), width: "minmax(7rem, 1fr)", wide: true, sort: (row) => row.id_tag, cell: (row) => row.id_tag ?? "–" },
      { key: "start", header: t("transaction.started"), width: "11rem", sort: (row) => row.started_at, cell: (row) => <When at={row.started_at} raw={row.started_at_text} /> },
      { key: "stop", header: t("transaction.stopped"), width: "11rem", wide: true, large: true, sort: (row) => row.stopped_at, cell: (row) => <When at={row.stopped_at} raw={row.stopped_at_text} /> },
      { key: "energy", header: t("transaction.energy"), width: "6.5rem", align: "right", sort: energyOf, cell: (row) => formatEnergy(energyOf(row), i18n.language) },
      { key: "reason", header: t("transaction.reason"), width: "minmax(6rem, 0.8fr)", wide: true, large: true, sort: (row) => row.stop_reason, cell: (row) => row.stop_reason ?? "" },
      { key: "flags", header: t("transaction.flags"), width: "minmax(6rem, 0.8fr)", wide: true, sort: (row) => row.flags.length, cell: (row) => row.flags.map((flag) => <Badge key={flag} color="yellow" mr={4} title={t(`flag.${flag}`, { defaultValue: t("flag.other") })}>{flag}</Badge>) },
    ],
    [t, i18n.language, stationId],
  );
  return (
    <Stack>
      <FilterBar
        filters={query}
        set={setFilter}
        texts={[...(stationId ? [] : [{ name: "station_id" as const, label: t("transaction.station") }]), { name: "id_tag", label: t("transaction.idTag") }]}
        choices={[
          { name: "state", label: t("transaction.state"), options: ["open", "closed", "superseded"].map((value) => ({ value, label: t(`value.${value}`, { defaultValue: value }) })) },
          { name: "flagged", label: t("transaction.flags"), options: [{ value: "true", label: t("transaction.flagged") }] },
        ]}
        times={[{ name: "since", label: t("filter.since") }, { name: "until", label: t("filter.until") }]}
        csv="/api/v1/transactions"
      />
      {list.error ? <Failure error={list.error} retry={list.refetch} /> : list.loading ? <Loading /> : (
        <DataTable
          label={t("nav.transactions")}
          rows={list.rows}
          columns={columns}
          rowKey={(row) => String(row.id)}
          onOpen={(row) => void navigate(`/transactions/${row.id}`)}
          onEnd={list.loadMore}
          empty={<EmptyList filters={filters} title={t("transaction.none.title")}>{t("transaction.none.text")}</EmptyList>}
        />
      )}
    </Stack>
  );
}
