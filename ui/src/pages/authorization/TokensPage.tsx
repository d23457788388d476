import { Alert, Button, Group, NumberInput, Select, Stack, Tabs, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { type Column, DataTable } from "../../components/DataTable";
import { EmptyList } from "../../components/EmptyList";
import { Empty, Failure, Loading, useProblemText } from "../../components/Feedback";
import { FilterBar } from "../../components/FilterBar";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { TimeInput } from "../../components/TimeInput";
import { When } from "../../components/When";
import { Window } from "../../components/Window";
import { useFilters } from "../../lib/filters";
import { usePagedList } from "../../lib/list";
import { useNow } from "../../lib/now";
import { useLiveRefresh } from "../../live/refresh";
import { useSession } from "../../session";

type Token = Schemas["TokenView"];
interface Draft {
  token: Token | null;
  id_tag: string;
}

export default function TokensPage() {
  const { t } = useTranslation();
  const { may } = useSession();
  const [draft, setDraft] = useState<Draft | null>(null);
  return (
    <Page title={t("nav.tokens")} lead={t("token.lead")} actions={may("tokens:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDraft({ token: null, id_tag: "" })}>{t("token.add")}</Button>}>
      <Tabs defaultValue="known" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="known">{t("token.known")}</Tabs.Tab>
          <Tabs.Tab value="unknown">{t("token.unknown")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="known"><Known onEdit={(token) => setDraft({ token, id_tag: token.id_tag })} /></Tabs.Panel>
        <Tabs.Panel value="unknown"><Unknown onAdd={(id_tag) => setDraft({ token: null, id_tag })} /></Tabs.Panel>
      </Tabs>
      {draft && <TokenForm draft={draft} onClose={() => setDraft(null)} />}
    </Page>
  );
}

function Known({ onEdit }: { onEdit: (token: Token) => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const [filters, setFilter] = useFilters(["search", "status", "parent_id_tag"] as const);
  const list = usePagedList(["tokens", filters], (cursor) => ask(api.GET("/api/v1/tokens", { params: { query: { ...filters, limit: 500, cursor } as never } })));
  const now = useNow(60_000);
  const columns: Column<Token>[] = [
    { key: "tag", header: t("token.idTag"), width: "minmax(10rem, 1fr)", sort: (row) => row.id_tag, cell: (row) => row.id_tag },
    { key: "status", header: t("token.status"), width: "8rem", sort: (row) => row.status, cell: (row) => <StateBadge state={row.expires_at && new Date(row.expires_at).getTime() < now && row.status === "Accepted" ? "Expired" : row.status} /> },
    { key: "name", header: t("token.name"), width: "minmax(8rem, 1fr)", wide: true, sort: (row) => row.name, cell: (row) => row.name ?? "" },
    { key: "parent", header: t("token.parent"), width: "minmax(8rem, 1fr)", wide: true, sort: (row) => row.parent_id_tag, cell: (row) => row.parent_id_tag ?? "" },
    { key: "expires", header: t("token.expires"), width: "12rem", sort: (row) => row.expires_at, cell: (row) => <When at={row.expires_at} /> },
    { key: "limit", header: t("token.limit"), width: "8rem", wide: true, align: "right", sort: (row) => row.max_active_transactions, cell: (row) => row.max_active_transactions ?? t("token.unlimited") },
  ];
  return (
    <Stack>
      <FilterBar filters={filters} set={setFilter} search={{ name: "search", label: t("filter.search") }} choices={[{ name: "status", label: t("token.status"), options: ["Accepted", "Blocked"].map((value) => ({ value, label: t(`value.${value}`, { defaultValue: value }) })) }]} csv="/api/v1/tokens" />
      {list.error ? <Failure error={list.error} retry={list.refetch} /> : list.loading ? <Loading /> : (
        <DataTable label={t("nav.tokens")} rows={list.rows} columns={columns} rowKey={(row) => String(row.id)} onOpen={may("tokens:write") ? onEdit : undefined} onEnd={list.loadMore} empty={<EmptyList filters={filters} title={t("token.none.title")}>{t("token.none.text")}</EmptyList>} />
      )}
    </Stack>
  );
}

function Unknown({ onAdd }: { onAdd: (idTag: string) => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const list = usePagedList(["unknown-tokens"], (cursor) => ask(api.GET("/api/v1/unknown-tokens", { params: { query: { limit: 200, cursor } } })));
  useLiveRefresh(["token."], [["unknown-tokens"]]);
  type Row = (typeof list.rows)[number];
  const columns: Column<Row>[] = [
    { key: "tag", header: t("token.idTag"), width: "minmax(10rem, 1fr)", sort: (row) => row.id_tag, cell: (row) => row.id_tag },
    { key: "station", header: t("transaction.station"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => row.station_id },
    { key: "count", header: t("token.seen"), width: "6rem", align: "right", sort: (row) => row.count, cell: (row) => row.count },
    { key: "last", header: t("token.lastSeen"), width: "10rem", sort: (row) => row.last_at, cell: (row) => <When at={row.last_at} ago /> },
    { key: "add", header: "", width: "8rem", cell: (row) => may("tokens:write") && <Button size="compact-xs" variant="default" onClick={() => onAdd(row.id_tag)}>{t("token.register")}</Button> },
  ];
  if (list.error) return <Failure error={list.error} retry={list.refetch} />;
  if (list.loading) return <Loading />;
  return <DataTable label={t("token.unknown")} rows={list.rows} columns={columns} rowKey={(row) => row.id_tag} onEnd={list.loadMore} empty={<Empty title={t("token.noUnknown.title")}>{t("token.noUnknown.text")}</Empty>} />;
}

function TokenForm({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const { token } = draft;
  const form = useForm({
    initialValues: {
      id_tag: draft.id_tag, status: token?.status ?? "Accepted", name: token?.name ?? "", parent_id_tag: token?.parent_id_tag ?? "",
      expires_at: token?.expires_at ?? (null as string | null), max_active_transactions: token?.max_active_transactions ?? ("" as number | ""),
    },
  });
  const done = async () => {
    await client.invalidateQueries({ queryKey: ["tokens"] });
    onClose();
  };
  const save = useMutation({
    mutationFn: async ({ id_tag, ...values }: typeof form.values) => {
      const changes = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === "" ? null : value]));
      if (token) await ask(api.PATCH("/api/v1/tokens/{token_id}", { params: { path: { token_id: token.id as never } }, body: changes as never }));
      else await ask(api.POST("/api/v1/tokens", { body: { id_tag, ...changes } as never }));
    },
    onSuccess: done,
    onError: (error) => {
      if (error instanceof ApiError) for (const field of Object.keys(form.values)) form.setFieldError(field, error.field(field) ?? null);
    },
  });
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: token?.id as never } } })),
    onSuccess: done,
  });
  const confirm = useConfirm();
  const confirmRemoval = () =>
    confirm({
      title: t("token.delete", { id: draft.id_tag }),
      text: t("token.deleteText"),
      confirm: t("action.delete"),
      act: () => remove.mutate(),
    });
  const error = save.error ?? remove.error;
  return (
    <Window opened onClose={onClose} title={token ? draft.id_tag : t("token.add")}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="xs">
          <TextInput label={t("token.idTag")} required disabled={token !== null} data-autofocus {...form.getInputProps("id_tag")} />
          <Select label={t("token.status")} data={["Accepted", "Blocked"].map((value) => ({ value, label: t(`value.${value}`) }))} allowDeselect={false} {...form.getInputProps("status")} />
          <TextInput label={t("token.name")} {...form.getInputProps("name")} />
          <TextInput label={t("token.parent")} description={t("token.parentHelp")} {...form.getInputProps("parent_id_tag")} />
          <TimeInput label={t("token.expires")} description={t("token.expiresHelp")} {...form.getInputProps("expires_at")} />
          <NumberInput label={t("token.limit")} description={t("token.limitHelp")} min={0} {...form.getInputProps("max_active_transactions")} />
          {error && <Alert color="red" role="alert">{problemText(error)}</Alert>}
          <Group justify="space-between">
            {token ? <Button color="red" variant="light" onClick={confirmRemoval}>{t("action.delete")}</Button> : <span />}
            <Group gap="xs">
              <Button variant="default" onClick={onClose}>{t("action.cancel")}</Button>
              <Button type="submit" loading={save.isPending}>{t("action.save")}</Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Window>
  );
}
