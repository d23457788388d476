import { Button } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { BeginRun } from "./BeginRun";

export type Run = Schemas["ConformanceRunView"];

const REFRESH_MS = 1_000;

/** Runs of the conformance kit, against this system or another. */
export default function ConformancePage() {
  const { t } = useTranslation();
  const { session } = useSession();
  const navigate = useNavigate();
  const [filters, set] = useFilters(["new"] as const);
  const list = usePagedList(["conformance-runs"], (cursor) => ask(api.GET("/api/v1/conformance-runs", { params: { query: { limit: 50, cursor } } })));
  useLiveRefresh(["conformance."], [["conformance-runs"]], undefined, REFRESH_MS);
  const open = (run: { id: string }) => void navigate(`/conformance/${run.id}`);
  const columns: Column<Run>[] = [
    { key: "at", header: t("conformance.begun"), width: "12rem", cell: (row) => <When at={row.created_at} /> },
    { key: "target", header: t("conformance.target"), width: "minmax(9rem, 1.4fr)", cell: (row) => (row.target === "self" ? t("conformance.self") : (row.product ?? row.url ?? t("conformance.other"))) },
    { key: "state", header: t("station.state"), width: "9rem", cell: (row) => <StateBadge state={row.state} title={row.detail ?? undefined} /> },
    { key: "passed", header: t("conformance.passed"), width: "8rem", align: "right", cell: (row) => `${row.passed} / ${row.total}` },
    { key: "failed", header: t("conformance.failed"), width: "7rem", wide: true, align: "right", cell: (row) => row.failed },
    { key: "by", header: t("audit.actor"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => row.created_by },
  ];
  const mayBegin = session?.site_ids === null;
  const begin = mayBegin && <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => set("new", "1")}>{t("conformance.begin")}</Button>;
  return (
    <Page title={t("nav.conformance")} lead={t("conformance.lead")} actions={begin}>
      <ListTable label={t("nav.conformance")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={open} none={{ title: t("conformance.none.title"), text: t("conformance.none.text"), action: begin }} />
      {filters.new !== undefined && mayBegin && <BeginRun onClose={() => set("new", null)} onBegun={open} />}
    </Page>
  );
}
