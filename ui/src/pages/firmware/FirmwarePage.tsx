import { Anchor, Button, FileInput, Group, Stack, Tabs, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas, upload } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import type { Column } from "../../components/DataTable";
import { FormModal } from "../../components/FormModal";
import { ListTable } from "../../components/ListTable";
import { Page } from "../../components/Page";
import { StateBadge } from "../../components/StateBadge";
import { When } from "../../components/When";
import { usePagedList } from "../../lib/list";
import { formatBytes } from "../../lib/units";
import { useSession } from "../../session";
import { Campaigns } from "./Campaigns";

type Firmware = Schemas["FirmwareView"];

export default function FirmwarePage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.firmware")} lead={t("firmware.lead")}>
      <Tabs defaultValue="library" keepMounted={false}>
        <Tabs.List mb="md"><Tabs.Tab value="library">{t("firmware.library")}</Tabs.Tab><Tabs.Tab value="campaigns">{t("firmware.campaigns")}</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="library"><Library /></Tabs.Panel>
        <Tabs.Panel value="campaigns"><Campaigns /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Library() {
  const { t, i18n } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const [adding, setAdding] = useState(false);
  const list = usePagedList(["firmware"], (cursor) => ask(api.GET("/api/v1/firmware", { params: { query: { limit: 200, cursor } } })));
  const remove = (row: Firmware) =>
    confirm({ title: t("firmware.delete", { name: row.name }), text: t("firmware.deleteText"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/firmware/{firmware_id}", { params: { path: { firmware_id: row.id as never } } })); await client.invalidateQueries({ queryKey: ["firmware"] }); } });
  const columns: Column<Firmware>[] = [
    { key: "name", header: t("token.name"), width: "minmax(9rem, 1.4fr)", sort: (row) => row.name, cell: (row) => <Anchor href={`/api/v1/firmware/${row.id}/content`} download>{row.name}</Anchor> },
    { key: "version", header: t("firmware.version"), width: "8rem", sort: (row) => row.version, cell: (row) => row.version },
    { key: "model", header: t("station.model"), width: "minmax(8rem, 1fr)", wide: true, cell: (row) => [row.vendor, row.model].filter(Boolean).join(" ") },
    { key: "size", header: t("firmware.size"), width: "7rem", wide: true, align: "right", sort: (row) => row.size_bytes, cell: (row) => formatBytes(row.size_bytes, i18n.language) },
    { key: "signature", header: t("firmware.signature"), width: "8rem", wide: true, cell: (row) => <StateBadge state={`signature_${row.signature_state}`} /> },
    { key: "created", header: t("firmware.uploaded"), width: "10rem", sort: (row) => row.created_at, cell: (row) => <When at={row.created_at} ago /> },
    { key: "do", header: "", width: "7rem", cell: (row) => may("firmware:write") && <Button size="compact-xs" variant="default" onClick={() => remove(row)}>{t("action.delete")}</Button> },
  ];
  const add = may("firmware:write") && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>{t("firmware.add")}</Button>;
  return (
    <Stack>
      {list.rows.length > 0 && <Group justify="flex-end">{add}</Group>}
      <ListTable label={t("firmware.library")} list={list} columns={columns} rowKey={(row) => row.id} none={{ title: t("firmware.none.title"), text: t("firmware.none.text"), action: add }} />
      {adding && <AddFirmware onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function AddFirmware({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({ initialValues: { file: null as File | null, version: "", name: "", vendor: "", model: "", note: "" } });
  const save = useMutation({
    mutationFn: ({ file, ...fields }: typeof form.values) => {
      const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== ""));
      query.set("file_name", file?.name ?? "");
      return upload<Firmware>(`/api/v1/firmware/upload?${query}`, file ?? new Blob());
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["firmware"] });
      onClose();
    },
  });
  return (
    <FormModal title={t("firmware.add")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} submit={t("firmware.add")}>
      <FileInput label={t("firmware.file")} required {...form.getInputProps("file")} />
      <TextInput label={t("firmware.version")} required {...form.getInputProps("version")} />
      <TextInput label={t("token.name")} {...form.getInputProps("name")} />
      <TextInput label={t("station.vendor")} {...form.getInputProps("vendor")} />
      <TextInput label={t("station.model")} {...form.getInputProps("model")} />
      <TextInput label={t("station.note")} {...form.getInputProps("note")} />
    </FormModal>
  );
}
