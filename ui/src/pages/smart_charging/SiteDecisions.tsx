import { Badge, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { ListTable } from "../../components/ListTable";
import { When } from "../../components/When";
import { usePagedList } from "../../lib/list";

type Past = Schemas["PastDecisionView"];

/** What was decided about the connectors of a site, and why, the newest first. */
export function SiteDecisions({ siteId }: { siteId: string }) {
  const { t } = useTranslation();
  const list = usePagedList(["site", siteId, "decisions"], (cursor) => ask(api.GET("/api/v1/sites/{site_id}/decisions", { params: { path: { site_id: siteId }, query: { limit: 100, cursor } } })));
  const columns: Column<Past>[] = [
    { key: "at", header: t("audit.at"), width: "12rem", cell: (row) => <When at={row.at} /> },
    { key: "connector", header: t("site.connector"), width: "minmax(8rem, 1fr)", cell: (row) => `${row.station_id} · ${row.connector_id}` },
    { key: "gets", header: t("site.gets"), width: "7rem", align: "right", cell: (row) => (row.target_a === null ? t("site.unlimited") : `${row.target_a} A`) },
    { key: "reason", header: t("site.why"), width: "10rem", wide: true, cell: (row) => <Badge color="gray">{t(`site.reason.${row.reason}`, { defaultValue: row.reason })}</Badge> },
    { key: "message", header: t("site.inWords"), width: "minmax(14rem, 3fr)", wide: true, cell: (row) => <Text span size="sm" title={row.message}>{row.message}</Text> },
  ];
  return <ListTable label={t("site.tab.decisions")} list={list} columns={columns} rowKey={(row) => `${row.at}|${row.station_id}|${row.connector_id}|${row.reason}|${row.target_a}`} none={{ title: t("site.noDecisions.title"), text: t("site.noDecisions.text") }} />;
}
