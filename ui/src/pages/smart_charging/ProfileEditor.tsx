import { ActionIcon, Alert, Button, Group, NumberInput, Select, SimpleGrid, Stack, Table, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { ClockInput } from "../../components/ClockInput";
import { useConfirm } from "../../components/confirm";
import { Failure } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { StepChart } from "../../components/StepChart";
import { TimeInput } from "../../components/TimeInput";
import { BLANK, type Draft, draftOf, PRESETS, profileOf, stepsOf } from "./draft";

const DAY_S = 86_400;
export const LINE = "var(--mantine-color-anchor)";

/** Draws the steps while one types, and says at once which rule a profile breaks. */
export function ProfileEditor({ row, onClose }: { row: Schemas["LibraryProfileView"] | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm<Draft>({ initialValues: row ? draftOf(row) : BLANK });
  const { values } = form;
  const profile = profileOf(values);
  const [settled] = useDebouncedValue(JSON.stringify(profile), 400);
  const check = useQuery({
    queryKey: ["profile-check", settled],
    queryFn: () => ask(api.POST("/api/v1/charging-profiles/check", { body: { profile: JSON.parse(settled) as Schemas["ProfileBody"] } })),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const save = useMutation({
    mutationFn: async ({ name, note }: Draft) => {
      const body = { name, note: note || null, site_id: row?.site_id ?? null, profile };
      if (row) await ask(api.PUT("/api/v1/charging-profiles/{profile_id}", { params: { path: { profile_id: row.id as never } }, body }));
      else await ask(api.POST("/api/v1/charging-profiles", { body }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["charging-profiles"] });
      onClose();
    },
  });
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/charging-profiles/{profile_id}", { params: { path: { profile_id: row?.id as never } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["charging-profiles"] });
      onClose();
    },
  });
  const confirm = useConfirm();
  const askRemoval = () => confirm({ title: t("profile.delete.title", { name: row?.name ?? "" }), text: t("profile.delete.text"), confirm: t("action.delete"), act: () => remove.mutateAsync() });
  return (
    <FormModal title={row ? row.name : t("profile.add")} size="xl" onClose={onClose} onSubmit={form.onSubmit((draft) => save.mutate(draft))} error={save.error ?? remove.error} pending={save.isPending}
      left={row && <Button color="red" variant="light" loading={remove.isPending} onClick={askRemoval}>{t("action.delete")}</Button>}>
      <Group gap="xs">
        <Text size="sm">{t("command.presets")}:</Text>
        {PRESETS.map(({ key, draft }) => <Button key={key} size="compact-xs" variant="default" onClick={() => form.setValues(draft)}>{t(`profile.preset.${key}`)}</Button>)}
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
        <TextInput label={t("station.note")} {...form.getInputProps("note")} />
        <Select label={t("profile.purpose")} data={choices(t, "purpose", ["station_max", "tx_default", "tx", "station_external"])} allowDeselect={false} {...form.getInputProps("purpose")} />
        <Select label={t("profile.kind")} data={choices(t, "kind", ["absolute", "recurring", "relative"])} allowDeselect={false} {...form.getInputProps("kind")} />
        {values.kind === "recurring" && <Select label={t("profile.recurrency")} data={choices(t, "recurrency", ["daily", "weekly"])} allowDeselect={false} {...form.getInputProps("recurrency")} />}
        <NumberInput label={t("profile.stackLevel")} min={0} {...form.getInputProps("stack_level")} />
        {values.kind !== "relative" && <TimeInput label={t("profile.start")} description={t(values.kind === "recurring" ? "profile.startLocal" : "profile.startHelp")} {...form.getInputProps("start_schedule")} />}
        <ClockInput label={t("profile.duration")} description={t("profile.durationHelp")} {...form.getInputProps("duration_s")} />
        <TimeInput label={t("profile.validFrom")} {...form.getInputProps("valid_from")} />
        <TimeInput label={t("profile.validTo")} {...form.getInputProps("valid_to")} />
        <Select label={t("profile.unit")} data={choices(t, "unit", ["A", "W"])} allowDeselect={false} {...form.getInputProps("unit")} />
        <NumberInput label={t("profile.minimum")} min={0} decimalScale={1} {...form.getInputProps("min_charging_rate")} />
      </SimpleGrid>
      <StepChart label={t("profile.drawn")} unit={values.unit} duration_s={values.duration_s || DAY_S} series={[{ label: values.name || t("profile.drawn"), color: LINE, periods: stepsOf(profile.schedule.periods) }]} />
      <Periods form={form} />
      {check.error && <Failure error={check.error} retry={() => void check.refetch()} />}
      {check.data?.items.map((violation) => (
        <Alert key={`${violation.rule}|${violation.field}`} color={violation.severity === "hard_block" ? "red" : "yellow"} p="xs" title={`${violation.field} · ${violation.rule}`} data-rule={violation.rule}>{violation.message}</Alert>
      ))}
    </FormModal>
  );
}

function choices(t: (key: string) => string, list: string, values: string[]): { value: string; label: string }[] {
  return values.map((value) => ({ value, label: t(`profile.${list}s.${value}`) }));
}

function Periods({ form }: { form: ReturnType<typeof useForm<Draft>> }) {
  const { t } = useTranslation();
  const { periods } = form.values;
  const add = () => {
    const last = periods.at(-1);
    form.insertListItem("periods", { start_period_s: (last?.start_period_s || 0) + 3600, limit: last?.limit ?? 6, number_phases: last?.number_phases ?? "" });
  };
  return (
    <Stack gap="xs">
      <Table.ScrollContainer minWidth={280}>
        <Table verticalSpacing={4}>
          <Table.Thead><Table.Tr><Table.Th>{t("profile.from")}</Table.Th><Table.Th>{t("profile.limit", { unit: form.values.unit })}</Table.Th><Table.Th>{t("profile.phases")}</Table.Th><Table.Th /></Table.Tr></Table.Thead>
          <Table.Tbody>
            {periods.map((_, index) => (
              <Table.Tr key={index} data-period={index}>
                <Table.Td><ClockInput aria-label={t("profile.from")} {...form.getInputProps(`periods.${index}.start_period_s`)} /></Table.Td>
                <Table.Td><NumberInput aria-label={t("profile.limit", { unit: form.values.unit })} min={0} decimalScale={1} {...form.getInputProps(`periods.${index}.limit`)} /></Table.Td>
                <Table.Td><NumberInput aria-label={t("profile.phases")} min={1} max={3} placeholder="3" {...form.getInputProps(`periods.${index}.number_phases`)} /></Table.Td>
                <Table.Td><ActionIcon variant="subtle" color="gray" disabled={periods.length === 1} aria-label={t("form.remove", { name: String(index + 1) })} onClick={() => form.removeListItem("periods", index)}><IconTrash size={16} /></ActionIcon></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Group><Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={add}>{t("profile.addPeriod")}</Button><Text size="xs" c="dimmed">{t("profile.secondsHelp")}</Text></Group>
    </Stack>
  );
}
