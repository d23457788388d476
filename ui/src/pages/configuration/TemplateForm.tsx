import { ActionIcon, Alert, Button, Checkbox, Group, NumberInput, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { FormModal } from "../../components/FormModal";
import { MODES } from "./KeyState";

type Template = Schemas["ConfigurationTemplateView"];

export interface Draft {
  name: string;
  note: string;
  vendor: string;
  model: string;
  firmware: string;
  site_id: string;
  priority: number | "";
  mode: Template["mode"];
  reboot: Template["reboot"];
  /** `kept`: a secret whose value is known to the server only, and stays if nothing is typed. */
  entries: { key: string; value: string; secret: boolean; kept: boolean }[];
}

export const EMPTY: Draft = {
  name: "", note: "", vendor: "", model: "", firmware: "", site_id: "", priority: 0, mode: "on_connect", reboot: "ask", entries: [{ key: "", value: "", secret: false, kept: false }],
};
const REBOOTS = ["never", "when_idle", "ask"] as const;

/** A template, new or changed. */
export function TemplateForm({ template, draft, onClose }: { template: Template | null; draft: Draft; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm<Draft>({ initialValues: draft });
  const save = useMutation({
    mutationFn: (values: Draft) => {
      const body = {
        ...values,
        note: values.note || null, vendor: values.vendor || null, model: values.model || null, firmware: values.firmware || null, site_id: values.site_id || null,
        priority: values.priority === "" ? 0 : values.priority,
        entries: values.entries.filter((entry) => entry.key.trim()).map(({ key, value, secret, kept }) => (kept && value === "" ? { key, secret } : { key, value, secret: secret || null })),
      };
      return template === null
        ? ask(api.POST("/api/v1/configuration-templates", { body }))
        : ask(api.PATCH("/api/v1/configuration-templates/{template_id}", { params: { path: { template_id: template.id } }, body }));
    },
    onSuccess: async (made) => {
      await Promise.all(["configuration-templates", "configuration-drift", "configuration-drift-summary"].map((key) => client.invalidateQueries({ queryKey: [key] })));
      if (made.warnings.length === 0) onClose();
    },
  });
  const warnings = save.data?.warnings ?? [];
  return (
    <FormModal title={template?.name ?? t("desired.add")} size="xl" onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}
      done={warnings.length > 0 && <><Text>{t("desired.savedWith")}</Text>{warnings.map((words) => <Alert key={words} color="yellow">{words}</Alert>)}</>}>
      <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
      <Text size="sm" fw={500}>{t("desired.keys")}</Text>
      <Stack gap="xs">
        {form.values.entries.map((entry, place) => (
          <Group key={place} gap="xs" align="center" wrap="wrap">
            <TextInput aria-label={`${t("configuration.key")} ${place + 1}`} placeholder={t("configuration.key")} flex="1 1 12rem" {...form.getInputProps(`entries.${place}.key`)} />
            <TextInput aria-label={`${t("configuration.value")} ${place + 1}`} placeholder={entry.kept ? t("desired.kept") : t("configuration.value")} type={entry.secret ? "password" : "text"} autoComplete="off" flex="2 1 12rem" {...form.getInputProps(`entries.${place}.value`)} />
            <Checkbox label={t("desired.secret")} disabled={entry.kept} {...form.getInputProps(`entries.${place}.secret`, { type: "checkbox" })} />
            <ActionIcon variant="subtle" color="red" aria-label={t("desired.removeKey", { key: entry.key || String(place + 1) })} disabled={form.values.entries.length === 1} onClick={() => form.removeListItem("entries", place)}><IconTrash size={16} /></ActionIcon>
          </Group>
        ))}
        <Group><Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => form.insertListItem("entries", { key: "", value: "", secret: false, kept: false })}>{t("desired.addKey")}</Button></Group>
      </Stack>
      <Text size="sm" fw={500}>{t("desired.for")}</Text>
      <Text size="sm" c="dimmed">{t("desired.forHelp")}</Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <TextInput label={t("station.vendor")} {...form.getInputProps("vendor")} />
        <TextInput label={t("station.model")} {...form.getInputProps("model")} />
        <TextInput label={t("station.firmware")} {...form.getInputProps("firmware")} />
        <TextInput label={t("station.site")} {...form.getInputProps("site_id")} />
        <NumberInput label={t("desired.priority")} description={t("desired.priorityHelp")} min={-1_000_000} max={1_000_000} {...form.getInputProps("priority")} />
        <Select label={t("desired.mode")} description={t("desired.modeHelp")} allowDeselect={false} data={MODES.map((value) => ({ value, label: t(`desired.modes.${value}`) }))} {...form.getInputProps("mode")} />
      </SimpleGrid>
      <Select label={t("desired.reboot")} allowDeselect={false} data={REBOOTS.map((value) => ({ value, label: t(`desired.reboots.${value}`) }))} {...form.getInputProps("reboot")} />
      <Textarea label={t("station.note")} autosize minRows={2} {...form.getInputProps("note")} />
    </FormModal>
  );
}
