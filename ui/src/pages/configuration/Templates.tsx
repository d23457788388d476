import { Button, Group, Menu, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import type { Column } from "../../components/DataTable";
import { ListTable } from "../../components/ListTable";
import { When } from "../../components/When";
import { usePagedList } from "../../lib/list";
import { useSession } from "../../session";
import { ApplyTemplate } from "./ApplyTemplate";
import { TemplateForm, type Draft, EMPTY } from "./TemplateForm";

type Template = Schemas["ConfigurationTemplateView"];

/** Templates of keys: made, from nothing or from a recipe; changed, applied, deleted. */
export function Templates() {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const [editing, setEditing] = useState<{ template: Template | null; draft: Draft } | null>(null);
  const [applying, setApplying] = useState<Template | null>(null);
  const list = usePagedList(["configuration-templates"], (cursor) => ask(api.GET("/api/v1/configuration-templates", { params: { query: { limit: 200, cursor } } })));
  const recipes = useQuery({ queryKey: ["configuration-recipes"], queryFn: () => ask(api.GET("/api/v1/configuration-recipes")), staleTime: Infinity });
  const mayWrite = may("configuration:write");
  const remove = (row: Template) =>
    confirm({
      title: t("desired.delete.title", { name: row.name }),
      text: t("desired.delete.text"),
      confirm: t("action.delete"),
      act: async () => {
        await ask(api.DELETE("/api/v1/configuration-templates/{template_id}", { params: { path: { template_id: row.id } } }));
        await client.invalidateQueries({ queryKey: ["configuration-templates"] });
      },
    });
  const columns: Column<Template>[] = [
    { key: "name", header: t("token.name"), width: "minmax(9rem, 1.4fr)", sort: (row) => row.name, cell: (row) => row.name },
    { key: "keys", header: t("desired.keys"), width: "5rem", align: "right", sort: (row) => row.entries.length, cell: (row) => row.entries.length },
    { key: "for", header: t("desired.for"), width: "minmax(9rem, 1.2fr)", wide: true, cell: (row) => [row.vendor, row.model, row.firmware, row.site_id].filter(Boolean).join(" · ") || <Text span c="dimmed">{t("desired.byHand")}</Text> },
    { key: "priority", header: t("desired.priority"), width: "6rem", wide: true, align: "right", sort: (row) => row.priority, cell: (row) => row.priority },
    { key: "mode", header: t("desired.mode"), width: "10rem", wide: true, sort: (row) => row.mode, cell: (row) => t(`desired.modes.${row.mode}`) },
    { key: "updated", header: t("desired.updated"), width: "8rem", wide: true, sort: (row) => row.updated_at, cell: (row) => <When at={row.updated_at} ago /> },
    {
      key: "do", header: "", width: "7rem",
      cell: (row) => (mayWrite || may("commands:send")) && (
        <Menu position="bottom-end">
          <Menu.Target><Button size="compact-xs" variant="default" aria-label={t("desired.doWith", { name: row.name })} onClick={(event) => event.stopPropagation()}>{t("desired.do")}</Button></Menu.Target>
          <Menu.Dropdown>
            {mayWrite && <Menu.Item onClick={() => setEditing({ template: row, draft: draftOf(row) })}>{t("action.edit")}</Menu.Item>}
            <Menu.Item onClick={() => setApplying(row)}>{t("desired.stations")}</Menu.Item>
            {mayWrite && <Menu.Item color="red" onClick={() => remove(row)}>{t("action.delete")}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];
  const add = mayWrite && (
    <Menu position="bottom-end">
      <Menu.Target><Button leftSection={<IconPlus size={16} aria-hidden />}>{t("desired.add")}</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => setEditing({ template: null, draft: EMPTY })}>{t("desired.fromNothing")}</Menu.Item>
        <Menu.Label>{t("desired.recipes")}</Menu.Label>
        {recipes.data?.items.map((recipe) => (
          <Menu.Item key={recipe.id} onClick={() => setEditing({ template: null, draft: { ...EMPTY, name: recipe.name, note: recipe.note, entries: recipe.entries.map((entry) => ({ key: entry.key, value: entry.value ?? "", secret: entry.secret, kept: false })) } })}>{recipe.name}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
  return (
    <Stack>
      {list.rows.length > 0 && <Group justify="flex-end">{add}</Group>}
      <ListTable label={t("desired.templates")} list={list} columns={columns} rowKey={(row) => row.id} none={{ title: t("desired.none.title"), text: t("desired.none.text"), action: add }} />
      {editing && <TemplateForm template={editing.template} draft={editing.draft} onClose={() => setEditing(null)} />}
      {applying && <ApplyTemplate template={applying} onClose={() => setApplying(null)} />}
    </Stack>
  );
}

function draftOf(row: Template): Draft {
  return {
    name: row.name, note: row.note ?? "", vendor: row.vendor ?? "", model: row.model ?? "", firmware: row.firmware ?? "", site_id: row.site_id ?? "",
    priority: row.priority, mode: row.mode, reboot: row.reboot,
    entries: row.entries.map((entry) => ({ key: entry.key, value: entry.value ?? "", secret: entry.secret, kept: entry.value === null })),
  };
}
