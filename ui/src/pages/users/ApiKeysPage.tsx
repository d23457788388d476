import { Button, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import type { Column } from "../../components/DataTable";
import { FormModal } from "../../components/FormModal";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { Secret } from "../../components/Secret";
import { StateBadge } from "../../components/StateBadge";
import { TimeInput } from "../../components/TimeInput";
import { When } from "../../components/When";
import { useNow } from "../../lib/now";
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
  const [adding, setAdding] = useState(false);
  const list = usePagedList(["api-keys"], (cursor) => ask(api.GET("/api/v1/api-keys", { params: { query: { limit: 200, cursor } } })));
  const state = (row: ApiKey) => (row.revoked_at ? "revoked" : row.expires_at && new Date(row.expires_at).getTime() < now ? "expired" : "active");
  const revoke = (row: ApiKey) =>
    confirm({ title: t("apiKey.revoke", { name: row.name }), text: t("apiKey.revokeText"), confirm: t("apiKey.revokeDo"), act: async () => { await ask(api.DELETE("/api/v1/api-keys/{key_id}", { params: { path: { key_id: row.id as never } } })); await client.invalidateQueries({ queryKey: ["api-keys"] }); } });
  const columns: Column<ApiKey>[] = [
    { key: "name", header: t("token.name"), width: "minmax(8rem, 1fr)", sort: (row) => row.name, cell: (row) => row.name },
    { key: "role", header: t("user.role"), width: "12rem", sort: (row) => row.role, cell: (row) => t(`role.${row.role}`, { defaultValue: row.role }) },
    { key: "state", header: t("station.state"), width: "8rem", sort: state, cell: (row) => <StateBadge state={state(row)} /> },
    { key: "used", header: t("apiKey.lastUsed"), width: "10rem", wide: true, sort: (row) => row.last_used_at, cell: (row) => <When at={row.last_used_at} ago /> },
    { key: "expires", header: t("token.expires"), width: "12rem", wide: true, sort: (row) => row.expires_at, cell: (row) => <When at={row.expires_at} /> },
    { key: "do", header: "", width: "8rem", wide: true, cell: (row) => may("api_keys:write") && !row.revoked_at && <Button size="compact-xs" variant="default" onClick={() => revoke(row)}>{t("apiKey.revokeDo")}</Button> },
  ];
  return (
    <Page title={t("nav.apiKeys")} lead={t("apiKey.lead")} actions={may("api_keys:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>{t("apiKey.add")}</Button>}>
      <ListTable label={t("nav.apiKeys")} list={list} columns={columns} rowKey={(row) => row.id} none={{ title: t("apiKey.none.title"), text: t("apiKey.none.text") }} />
      {adding && <AddKey onClose={() => setAdding(false)} />}
    </Page>
  );
}

function AddKey({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const roles = useRoles();
  const form = useForm({ initialValues: { name: "", role: "viewer", expires_at: null as string | null } });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => ask(api.POST("/api/v1/api-keys", { body: values as never })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
  return (
    <FormModal title={t("apiKey.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} done={save.data && <Secret label={save.data.name} value={save.data.key} />}>
      <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
      <Select label={t("user.role")} data={roles} allowDeselect={false} {...form.getInputProps("role")} />
      <TimeInput label={t("token.expires")} {...form.getInputProps("expires_at")} />
    </FormModal>
  );
}
