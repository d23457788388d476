import { ActionIcon, Box, Button, Card, Group, NumberInput, SegmentedControl, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Await, Empty } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { TimeInput } from "../../components/TimeInput";
import { When } from "../../components/When";
import { useSession } from "../../session";
import { limitInWords, PHASES } from "./limits";
import { entryBodyOf, entryOf, NEW_ENTRY } from "./schedules";

type Schedule = Schemas["LimitScheduleView"];

/** Limits over time that come from elsewhere, such as a price or a signal of the grid: source by source, each in the place of what it gave before. */
export function SiteSchedules({ siteId }: { siteId: string }) {
  const { t, i18n } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const [editing, setEditing] = useState<{ schedule: Schedule | null } | null>(null);
  const key = ["site", siteId, "schedules"];
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET("/api/v1/sites/{site_id}/limit-schedules", { params: { path: { site_id: siteId } } })) });
  const mayWrite = may("sites:write");
  const add = mayWrite && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing({ schedule: null })}>{t("site.schedule.add")}</Button>;
  const remove = (source: string) =>
    confirm({ title: t("site.schedule.delete.title", { name: source }), text: t("site.schedule.delete.text"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/sites/{site_id}/limit-schedules/{source}", { params: { path: { site_id: siteId, source } } })); await client.invalidateQueries({ queryKey: ["site", siteId] }); } });
  return (
    <Stack>
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Empty title={t("site.schedule.none.title")} action={add}>{t("site.schedule.none.text")}</Empty> : (
          <>
            <Group justify="flex-end">{add}</Group>
            {page.items.map((schedule) => (
              <Card key={schedule.source} data-schedule={schedule.source}>
                <Group justify="space-between" mb="xs">
                  <Group gap="xs" align="baseline"><Title order={2} size="h5">{schedule.source}</Title><Text size="xs" c="dimmed"><When at={schedule.updated_at} ago /></Text></Group>
                  {mayWrite && <Group gap="xs"><Button size="compact-xs" variant="default" onClick={() => setEditing({ schedule })}>{t("action.edit")}</Button><Button size="compact-xs" variant="default" onClick={() => remove(schedule.source)}>{t("action.delete")}</Button></Group>}
                </Group>
                <Table.ScrollContainer className="stacked" minWidth={420}>
                  <Table>
                    <Table.Thead><Table.Tr><Table.Th>{t("filter.since")}</Table.Th><Table.Th>{t("filter.until")}</Table.Th><Table.Th>{t("site.limits")}</Table.Th></Table.Tr></Table.Thead>
                    <Table.Tbody>{schedule.entries.map((entry, index) => <Table.Tr key={index}><Table.Td><When at={entry.valid_from} /></Table.Td><Table.Td data-label={t("filter.until")}><When at={entry.valid_to} /></Table.Td><Table.Td className="tabular">{limitInWords(entry, i18n.language)}</Table.Td></Table.Tr>)}</Table.Tbody>
                  </Table>
                </Table.ScrollContainer>
              </Card>
            ))}
          </>
        )}
      </Await>
      {editing && <ScheduleForm siteId={siteId} schedule={editing.schedule} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

function ScheduleForm({ siteId, schedule, onClose }: { siteId: string; schedule: Schedule | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({ initialValues: { source: schedule?.source ?? "", entries: schedule?.entries.map(entryOf) ?? [NEW_ENTRY] } });
  const save = useMutation({
    mutationFn: ({ source, entries }: typeof form.values) => ask(api.PUT("/api/v1/sites/{site_id}/limit-schedules/{source}", { params: { path: { site_id: siteId, source } }, body: { entries: entries.map(entryBodyOf) } as never })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["site", siteId] });
      onClose();
    },
  });
  return (
    <FormModal title={schedule?.source ?? t("site.schedule.add")} size="xl" onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}>
      <TextInput label={t("site.schedule.source")} description={t("site.schedule.sourceHelp")} required maxLength={64} pattern="[A-Za-z0-9._\-]+" placeholder="price" disabled={schedule !== null} {...form.getInputProps("source")} />
      {form.values.entries.map((entry, index) => (
        <Box key={index} p="xs" style={{ border: "1px solid var(--mantine-color-default-border)", borderRadius: "var(--mantine-radius-sm)" }} data-entry={index}>
          <Group gap="xs" align="flex-end">
            <TimeInput label={t("filter.since")} required {...form.getInputProps(`entries.${index}.valid_from`)} />
            <TimeInput label={t("filter.until")} required {...form.getInputProps(`entries.${index}.valid_to`)} />
            <SegmentedControl size="xs" aria-label={t("site.unit")} data={[{ value: "phase", label: t("site.perPhase") }, { value: "total", label: t("site.inAll") }]} {...form.getInputProps(`entries.${index}.by`)} />
            {entry.by === "phase" ? PHASES.map((phase) => <NumberInput key={phase} label={`${phase} (A)`} w="5rem" min={0} decimalScale={1} hideControls {...form.getInputProps(`entries.${index}.${phase.toLowerCase()}_a`)} />)
              : <NumberInput label="kW" w="7rem" min={0} decimalScale={3} hideControls {...form.getInputProps(`entries.${index}.total_kw`)} />}
            <ActionIcon variant="subtle" color="gray" aria-label={t("form.remove", { name: String(index + 1) })} onClick={() => form.removeListItem("entries", index)}><IconTrash size={16} /></ActionIcon>
          </Group>
        </Box>
      ))}
      <Group><Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => form.insertListItem("entries", { ...NEW_ENTRY, valid_from: form.values.entries.at(-1)?.valid_to ?? null })}>{t("site.schedule.addEntry")}</Button></Group>
    </FormModal>
  );
}
