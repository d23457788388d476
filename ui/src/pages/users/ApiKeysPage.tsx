import { Button, Group, MultiSelect, Select, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { type Column, Facts } from "../../components/DataTable";
import { FormModal } from "../../components/FormModal";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { Secret } from "../../components/Secret";
import { SiteScope } from "../../components/SiteScope";
import { StateBadge } from "../../components/StateBadge";
import { TimeInput } from "../../components/TimeInput";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useNow } from "../../lib/now";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";
import { useRoles } from "./roles";

type ApiKey = Schemas["ApiKeyView"];

export default function ApiKeysPage() {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const now = useNow(60_000);
  const [params, set] = useFilters(["new"] as const);
  const [opened, setOpened] = useState<ApiKey | null>(null);
  const list = usePagedList(["api-keys"], (cursor) => ask(api.GET("/api/v1/api-keys", { params: { query: { limit: 200, cursor } } })));
  const state = (row: ApiKey) => (row.revoked_at ? "revoked" : row.expires_at && new Date(row.expires_at).getTime() < now ? "expired" : "active");
  const revoke = (row: ApiKey) =>
    confirm({ title: t("apiKey.revoke", { name: row.name }), text: t("apiKey.revokeText"), confirm: t("apiKey.revokeDo"), act: async () => { await ask(api.DELETE("/api/v1/api-keys/{key_id}", { params: { path: { key_id: row.id as never } } })); await client.invalidateQueries({ queryKey: ["api-keys"] }); setOpened(null); } });
  const columns: Column<ApiKey>[] = [
    { key: "name", header: t("token.name"), width: "minmax(8rem, 1fr)", sort: (row) => row.name, cell: (row) => row.name },
    { key: "role", header: t("user.role"), width: "12rem", sort: (row) => row.role, cell: (row) => t(`role.${row.role}`, { defaultValue: row.role }) },
    { key: "state", header: t("station.state"), width: "8rem", sort: state, cell: (row) => <StateBadge state={state(row)} /> },
    { key: "used", header: t("apiKey.lastUsed"), width: "10rem", sort: (row) => row.last_used_at, cell: (row) => <When at={row.last_used_at} ago /> },
    { key: "expires", header: t("token.expires"), width: "12rem", wide: true, sort: (row) => row.expires_at, cell: (row) => <When at={row.expires_at} /> },
    { key: "sites", header: t("user.sites"), width: "minmax(7rem, 1fr)", wide: true, cell: (row) => row.site_ids?.join(", ") ?? <Text span size="sm" c="dimmed">{t("user.allSites")}</Text> },
  ];
  return (
    <Page title={t("nav.apiKeys")} lead={t("apiKey.lead")} actions={may("api_keys:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => set("new", "1")}>{t("apiKey.add")}</Button>}>
      <ListTable label={t("nav.apiKeys")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={setOpened} none={{ title: t("apiKey.none.title"), text: t("apiKey.none.text") }} />
      {opened && <KeyDetails row={opened} state={state(opened)} onClose={() => setOpened(null)} onRevoke={may("api_keys:write") && !opened.revoked_at ? () => revoke(opened) : undefined} />}
      {params.new !== undefined && may("api_keys:write") && <AddKey onClose={() => set("new", null)} />}
    </Page>
  );
}

function KeyDetails({ row, state, onClose, onRevoke }: { row: ApiKey; state: string; onClose: () => void; onRevoke: (() => void) | undefined }) {
  const { t } = useTranslation();
  return (
    <Window opened onClose={onClose} title={row.name} size="lg">
      <Facts rows={[
        [t("station.state"), <StateBadge key="s" state={state} />],
        [t("user.role"), t(`role.${row.role}`, { defaultValue: row.role })],
        [t("apiKey.permissions"), row.permissions?.join(", ") ?? t("apiKey.allOfRole")],
        [t("user.sites"), row.site_ids?.join(", ") ?? t("user.allSites")],
        [t("apiKey.lastUsed"), <When key="u" at={row.last_used_at} />],
        [t("token.expires"), <When key="e" at={row.expires_at} />],
        [t("organisation.created"), <When key="c" at={row.created_at} />],
      ]} />
      {onRevoke && <Group justify="flex-end" mt="sm"><Button color="red" variant="light" onClick={onRevoke}>{t("apiKey.revokeDo")}</Button></Group>}
    </Window>
  );
}

function AddKey({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const roles = useRoles();
  const known = useQuery({ queryKey: ["roles"], queryFn: () => ask(api.GET("/api/v1/roles")), staleTime: Infinity });
  const form = useForm({ initialValues: { name: "", role: "viewer", site_ids: [] as string[], permissions: [] as string[], expires_at: null as string | null } });
  const save = useMutation({
    mutationFn: ({ site_ids, permissions, ...values }: typeof form.values) =>
      ask(api.POST("/api/v1/api-keys", { body: { ...values, site_ids: site_ids.length > 0 ? site_ids : null, permissions: permissions.length > 0 ? permissions : null } as never })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
  const ofRole = known.data?.items.find((each) => each.role === form.values.role)?.permissions ?? [];
  return (
    <FormModal title={t("apiKey.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} done={save.data && <Secret label={save.data.name} value={save.data.key} />}>
      <TextInput label={t("token.name")} description={t("apiKey.nameHelp")} required data-autofocus {...form.getInputProps("name")} />
      <Select label={t("user.role")} data={roles} allowDeselect={false} {...form.getInputProps("role")} onChange={(role) => form.setValues({ role: role ?? "viewer", permissions: [] })} />
      <Text size="xs" c="dimmed">{t(`roleHelp.${form.values.role}`, { defaultValue: "" })}</Text>
      <MultiSelect label={t("apiKey.permissions")} description={t("apiKey.permissionsHelp")} placeholder={form.values.permissions.length === 0 ? t("apiKey.allOfRole") : undefined} data={ofRole} searchable clearable maxDropdownHeight={220} {...form.getInputProps("permissions")} />
      <SiteScope {...form.getInputProps("site_ids")} />
      <TimeInput label={t("token.expires")} description={t("apiKey.expiresHelp")} {...form.getInputProps("expires_at")} />
    </FormModal>
  );
}
