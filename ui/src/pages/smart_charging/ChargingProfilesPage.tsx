import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import type { Column } from "../../components/DataTable";
import { FilterBar } from "../../components/FilterBar";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";
import { ProfileEditor } from "./ProfileEditor";

type Row = Schemas["LibraryProfileView"];

/** The library: profiles that are made once and installed on many stations. */
export default function ChargingProfilesPage() {
  const { t } = useTranslation();
  const { may } = useSession();
  const [editing, setEditing] = useState<{ row: Row | null } | null>(null);
  const [filters, setFilter] = useFilters(["search"] as const);
  const list = usePagedList(["charging-profiles", filters], (cursor) => ask(api.GET("/api/v1/charging-profiles", { params: { query: { ...filters, limit: 200, cursor } } })));
  const columns: Column<Row>[] = [
    { key: "name", header: t("token.name"), width: "minmax(9rem, 1.4fr)", sort: (row) => row.name, cell: (row) => row.name },
    { key: "purpose", header: t("profile.purpose"), width: "minmax(9rem, 1fr)", cell: (row) => t(`profile.purposes.${row.profile.purpose}`, { defaultValue: row.profile.purpose }) },
    { key: "kind", header: t("profile.kind"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => t(`profile.kinds.${row.profile.kind}`, { defaultValue: row.profile.kind }) },
    { key: "level", header: t("profile.stackLevel"), width: "8rem", wide: true, align: "right", sort: (row) => row.profile.stack_level, cell: (row) => row.profile.stack_level },
    { key: "steps", header: t("profile.steps"), width: "6rem", wide: true, align: "right", cell: (row) => row.profile.schedule.periods.length },
    { key: "updated", header: t("profile.updated"), width: "10rem", wide: true, sort: (row) => row.updated_at, cell: (row) => <When at={row.updated_at} ago /> },
  ];
  return (
    <Page title={t("nav.chargingProfiles")} lead={t("profile.lead")} actions={may("charging_profiles:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing({ row: null })}>{t("profile.add")}</Button>}>
      <FilterBar filters={filters} set={setFilter} search={{ name: "search", label: t("filter.search") }} csv="/api/v1/charging-profiles" />
      <ListTable label={t("nav.chargingProfiles")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={may("charging_profiles:write") ? (row) => setEditing({ row }) : undefined} filters={filters} none={{ title: t("profile.none.title"), text: t("profile.none.text") }} />
      {editing && <ProfileEditor row={editing.row} onClose={() => setEditing(null)} />}
    </Page>
  );
}
