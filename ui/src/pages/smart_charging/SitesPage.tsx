import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { FilterBar } from "../../components/FilterBar";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";
import { SiteForm } from "./SiteForm";
import { limitsInWords } from "./limits";

export type Site = Schemas["SiteView"];

/** Sites and how each shares its power. */
export default function SitesPage() {
  const { t, i18n } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const [filters, set] = useFilters(["search", "new"] as const);
  const query = filters.search ? { search: filters.search } : {};
  const list = usePagedList(["sites", query], (cursor) => ask(api.GET("/api/v1/sites", { params: { query: { ...query, limit: 100, cursor } } })));
  useLiveRefresh(["site.changed"], [["sites"]]);
  const open = (site: Site) => void navigate(`/sites/${encodeURIComponent(site.id)}`);
  const columns: Column<Site>[] = [
    { key: "name", header: t("token.name"), width: "minmax(9rem, 1.4fr)", sort: (row) => row.name, cell: (row) => row.name },
    { key: "stations", header: t("nav.stations"), width: "8rem", align: "right", sort: (row) => row.stations, cell: (row) => row.stations },
    { key: "limit", header: t("site.limits"), width: "minmax(9rem, 1.4fr)", cell: (row) => (row.managed ? limitsInWords(row.limits, i18n.language) : <Text span size="sm" c="dimmed">{t("site.notManaged")}</Text>) },
    { key: "policy", header: t("site.policy"), width: "10rem", wide: true, cell: (row) => (row.managed ? t(`site.policies.${row.policy}`) : "–") },
    { key: "warnings", header: t("site.warnings"), width: "8rem", wide: true, cell: (row) => { const count = row.warnings.filter((each) => each.code !== "no_limit").length; return count > 0 ? <Badge color="yellow">{count}</Badge> : "–"; } },
    { key: "address", header: t("site.address"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => row.address ?? "" },
  ];
  const add = may("sites:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => set("new", "1")}>{t("site.add")}</Button>;
  return (
    <Page title={t("nav.sites")} lead={t("site.lead")} actions={<Group gap="xs">{add}</Group>}>
      <FilterBar filters={filters} set={set} search={{ name: "search", label: t("filter.search") }} csv="/api/v1/sites" />
      <ListTable label={t("nav.sites")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={open} none={{ title: t("site.none.title"), text: t("site.none.text"), action: add }} />
      {filters.new !== undefined && may("sites:write") && <SiteForm site={null} onClose={() => set("new", null)} onSaved={open} />}
    </Page>
  );
}
