import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { ListTable } from "../../components/ListTable";
import { When } from "../../components/When";
import { usePagedList } from "../../lib/list";
import { formatCurrent } from "../../lib/units";
import { decisionInWords } from "./words";

type Past = Schemas["PastDecisionView"];

/** What was decided about the connectors of a site, and why, the newest first. */
export function SiteDecisions({ siteId }: { siteId: string }) {
  const { t, i18n } = useTranslation();
  const list = usePagedList(["site", siteId, "decisions"], (cursor) => ask(api.GET("/api/v1/sites/{site_id}/decisions", { params: { path: { site_id: siteId }, query: { limit: 100, cursor } } })));
  const columns: Column<Past>[] = [
    { key: "at", header: t("audit.at"), width: "12rem", cell: (row) => <When at={row.at} /> },
    { key: "connector", header: t("site.connector"), width: "minmax(8rem, 1fr)", cell: (row) => `${row.station_id} · ${row.connector_id}` },
    { key: "gets", header: t("site.gets"), width: "7rem", align: "right", cell: (row) => (row.target_a === null ? t("site.unlimited") : formatCurrent(row.target_a, i18n.language)) },
    { key: "reason", header: t("site.why"), width: "10rem", wide: true, cell: (row) => <Badge color="gray">{t(`site.reason.${row.reason}`, { defaultValue: row.reason })}</Badge> },
    { key: "message", header: t("site.inWords"), width: "minmax(14rem, 3fr)", line: true, cell: (row) => <span title={row.message}>{decisionInWords({ ...row, reason: row.reason as never }, t, i18n.language)}</span> },
  ];
  return <ListTable label={t("site.tab.decisions")} list={list} columns={columns} rowKey={(row) => `${row.at}|${row.station_id}|${row.connector_id}|${row.reason}|${row.target_a}`} none={{ title: t("site.noDecisions.title"), text: t("site.noDecisions.text") }} />;
}
