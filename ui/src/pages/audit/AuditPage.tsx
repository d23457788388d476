import { Anchor, Code, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { Facts } from "../../components/DataTable";
import { FilterBar } from "../../components/FilterBar";
import { Json } from "../../components/Json";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useVerification } from "./Verification";

type Entry = Schemas["AuditEntryView"];

/** Who did what to which station with what result; each entry is chained to the one before. */
export default function AuditPage() {
  const { t } = useTranslation();
  const verification = useVerification();
  const [opened, setOpened] = useState<Entry | null>(null);
  const [filters, setFilter] = useFilters(["search", "actor", "station_id", "result"] as const);
  const list = usePagedList(["audit", filters], (cursor) => ask(api.GET("/api/v1/audit", { params: { query: { ...filters, limit: 200, cursor } as never } })));
  const columns: Column<Entry>[] = [
    { key: "at", header: t("audit.at"), width: "12rem", cell: (row) => <When at={row.at} /> },
    { key: "actor", header: t("audit.actor"), width: "minmax(8rem, 1fr)", cell: (row) => row.actor },
    { key: "action", header: t("audit.action"), width: "minmax(9rem, 1.2fr)", cell: (row) => row.action },
    { key: "target", header: t("audit.target"), width: "minmax(8rem, 1fr)", line: true, cell: (row) => row.target ?? "" },
    { key: "result", header: t("audit.result"), width: "8rem", cell: (row) => <StateBadge state={row.result} /> },
    { key: "address", header: t("station.address"), width: "9rem", wide: true, cell: (row) => row.remote_address ?? "" },
  ];
  return (
    <Page title={t("nav.audit")} lead={t("audit.lead")} actions={verification.button}>
      {verification.outcome}
      <FilterBar filters={filters} set={setFilter} csv="/api/v1/audit" search={{ name: "search", label: t("filter.search") }}
        texts={[{ name: "actor", label: t("audit.actor") }, { name: "station_id", label: t("transaction.station") }]}
        choices={[{ name: "result", label: t("audit.result"), options: ["ok", "refused", "failed"].map((value) => ({ value, label: t(`value.${value}`, { defaultValue: value }) })) }]} />
      <ListTable label={t("nav.audit")} list={list} columns={columns} rowKey={(row) => String(row.sequence)} onOpen={setOpened} none={{ title: t("audit.none.title"), text: t("audit.none.text") }} />
      {opened && (
        <Window opened onClose={() => setOpened(null)} title={t("audit.entry", { number: opened.sequence })} size="lg">
          <Facts rows={[[t("audit.at"), <When key="w" at={opened.at} />], [t("audit.actor"), opened.actor], [t("audit.action"), opened.action], [t("audit.target"), opened.target], [t("audit.result"), <StateBadge key="s" state={opened.result} />], [t("station.address"), opened.remote_address], [t("transaction.station"), opened.station_id && <Anchor key="st" component={Link} to={`/stations/${encodeURIComponent(opened.station_id)}`}>{opened.station_id}</Anchor>], [t("audit.hash"), <Code key="h" className="wrap-anywhere">{opened.hash}</Code>]]} />
          <Text size="sm" c="dimmed" mt="sm">{t("audit.details")}</Text>
          <Json value={opened.details} />
        </Window>
      )}
    </Page>
  );
}
