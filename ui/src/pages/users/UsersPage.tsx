import { Button, Group, Select, Stack, Switch, Tabs, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import type { Column } from "../../components/DataTable";
import { FilterBar } from "../../components/FilterBar";
import { FormModal } from "../../components/FormModal";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { TabBar } from "../../components/TabBar";
import { SiteScope } from "../../components/SiteScope";
import { Secret } from "../../components/Secret";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";
import { Organisations } from "./Organisations";
import { useRoles } from "./roles";
import { RolesTable } from "./RolesTable";

type User = Schemas["UserView"];

const TABS = ["users", "roles", "organisations"] as const;

export default function UsersPage() {
  const { t } = useTranslation();
  const { may, session } = useSession();
  const [params, set] = useFilters(["new", "tab"] as const);
  const [editing, setEditing] = useState<User | null>(null);
  const mayWrite = may("users:write");
  // Only who keeps the whole system keeps its organisations.
  const keepsAll = mayWrite && session?.organisation_id === "default" && session.role === "admin" && session.site_ids === null;
  const tabs = TABS.filter((each) => each !== "organisations" || keepsAll);
  const tab = tabs.find((each) => each === params.tab) ?? "users";
  const close = () => {
    setEditing(null);
    set("new", null);
  };
  return (
    <Page title={t("nav.users")} lead={t("user.lead")} actions={mayWrite && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => set("new", "1")}>{t("user.add")}</Button>}>
      <Tabs value={tab} onChange={(value) => set("tab", value === "users" ? null : value)} keepMounted={false}>
        <TabBar tabs={tabs} current={tab} label={(each) => t(`user.tab.${each}`)} />
        <Tabs.Panel value="users"><UserTable onEdit={mayWrite ? setEditing : undefined} /></Tabs.Panel>
        <Tabs.Panel value="roles"><RolesTable /></Tabs.Panel>
        <Tabs.Panel value="organisations"><Organisations /></Tabs.Panel>
      </Tabs>
      {(editing !== null || (mayWrite && params.new !== undefined)) && <UserForm key={editing?.id} user={editing} onClose={close} />}
    </Page>
  );
}

function UserTable({ onEdit }: { onEdit?: (user: User) => void }) {
  const { t } = useTranslation();
  const roles = useRoles();
  const [filters, setFilter] = useFilters(["search", "role"] as const);
  const list = usePagedList(["users", filters], (cursor) => ask(api.GET("/api/v1/users", { params: { query: { ...filters, limit: 200, cursor } as never } })));
  const columns: Column<User>[] = [
    { key: "username", header: t("session.username"), width: "minmax(8rem, 1fr)", sort: (row) => row.username, cell: (row) => row.username },
    { key: "name", header: t("token.name"), width: "minmax(8rem, 1fr)", wide: true, sort: (row) => row.name, cell: (row) => row.name },
    { key: "role", header: t("user.role"), width: "9rem", sort: (row) => row.role, cell: (row) => t(`role.${row.role}`, { defaultValue: row.role }) },
    { key: "state", header: t("station.state"), width: "7rem", cell: (row) => <StateBadge state={row.disabled ? "disabled" : "active"} /> },
    { key: "with", header: t("user.signsInWith"), width: "8rem", wide: true, sort: (row) => row.signs_in_with, cell: (row) => t(`user.with.${row.signs_in_with}`, { defaultValue: row.signs_in_with }) },
    { key: "sites", header: t("user.sites"), width: "minmax(6rem, 1fr)", wide: true, cell: (row) => row.site_ids?.join(", ") ?? <Text span size="sm" c="dimmed">{t("user.allSites")}</Text> },
    { key: "totp", header: t("user.totp"), width: "8rem", wide: true, cell: (row) => (row.totp_enabled ? t("user.on") : t("user.off")) },
    { key: "login", header: t("user.lastLogin"), width: "8rem", wide: true, sort: (row) => row.last_login_at, cell: (row) => <When at={row.last_login_at} ago /> },
  ];
  return (
    <Stack>
      <FilterBar filters={filters} set={setFilter} csv="/api/v1/users" search={{ name: "search", label: t("filter.search") }} choices={[{ name: "role", label: t("user.role"), options: roles }]} />
      <ListTable label={t("nav.users")} list={list} columns={columns} rowKey={(row) => row.id} onOpen={onEdit} none={{ title: t("user.none.title"), text: t("user.none.text") }} />
    </Stack>
  );
}

function UserForm({ user, onClose }: { user: User | null; onClose: () => void }) {
  const { t } = useTranslation();
  const roles = useRoles();
  const client = useQueryClient();
  const confirm = useConfirm();
  const form = useForm({ initialValues: { username: user?.username ?? "", name: user?.name ?? "", role: user?.role ?? "viewer", site_ids: user?.site_ids ?? [], disabled: user?.disabled ?? false, password: "" } });
  const fresh = () => client.invalidateQueries({ queryKey: ["users"] });
  const save = useMutation({
    mutationFn: async ({ username, disabled, site_ids, ...values }: typeof form.values): Promise<string | null> => {
      const body = { role: values.role, ...(values.name && { name: values.name }), ...(values.password && { password: values.password }), site_ids: site_ids.length > 0 ? site_ids : null };
      if (user === null) return (await ask(api.POST("/api/v1/users", { body: { username, ...body } as never }))).password;
      await ask(api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: user.id } }, body: { ...body, disabled } as never }));
      return null;
    },
    onSuccess: async (password) => {
      await fresh();
      if (password === null) onClose();
    },
  });
  const path = { user_id: user?.id ?? "" };
  const remove = () =>
    confirm({ title: t("user.delete", { name: form.values.username }), text: t("user.deleteText"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/users/{user_id}", { params: { path } })); await fresh(); onClose(); } });
  const takeAway = () =>
    confirm({ title: t("user.takeAway", { name: form.values.username }), text: t("user.takeAwayText"), confirm: t("action.confirm"), act: async () => { await ask(api.DELETE("/api/v1/users/{user_id}/totp", { params: { path } })); await fresh(); } });
  return (
    <FormModal title={user ? user.username : t("user.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}
      done={save.data && <Secret label={t("session.password")} value={save.data} />}
      left={user && <Group gap="xs"><Button color="red" variant="light" onClick={remove}>{t("action.delete")}</Button>{user.totp_enabled && <Button variant="default" onClick={takeAway}>{t("user.takeAwayDo")}</Button>}</Group>}>
      <TextInput label={t("session.username")} required disabled={user !== null} autoComplete="off" {...form.getInputProps("username")} />
      <TextInput label={t("token.name")} autoComplete="off" {...form.getInputProps("name")} />
      <Select label={t("user.role")} data={roles} allowDeselect={false} {...form.getInputProps("role")} />
      <Text size="xs" c="dimmed">{t(`roleHelp.${form.values.role}`, { defaultValue: "" })}</Text>
      <SiteScope {...form.getInputProps("site_ids")} />
      {user?.signs_in_with === "oidc" ? <Text size="sm" c="dimmed">{t("user.oidcPassword")}</Text> : <TextInput label={user ? t("station.newPassword") : t("session.password")} description={user ? t("user.keepPassword") : t("user.makePassword")} type="password" autoComplete="new-password" {...form.getInputProps("password")} />}
      {user && <Switch label={t("user.disabled")} {...form.getInputProps("disabled", { type: "checkbox" })} />}
    </FormModal>
  );
}
