import { ActionIcon, Box, Button, Chip, Fieldset, Group, NumberInput, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput, Textarea } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { FormModal } from "../../components/FormModal";
import { PHASES } from "./limits";
import { type Amount, type Amounts, amountsBodyOf, amountsOf, given, NO_AMOUNTS } from "./schedules";
import type { Site } from "./SitesPage";
import { settingsOf, SiteThresholds, thresholdsOf } from "./SiteThresholds";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const POLICIES = ["equal", "priority", "first_come"] as const;
interface LimitDraft extends Amounts {
  name: string;
  daily_from: string;
  daily_to: string;
  weekdays: string[];
  valid_from: string | null;
  valid_to: string | null;
}

const NEW_LIMIT: LimitDraft = { ...NO_AMOUNTS, name: "", daily_from: "", daily_to: "", weekdays: [], valid_from: null, valid_to: null };

function draftOf(limit: Site["limits"][number]): LimitDraft {
  return { ...amountsOf(limit), name: limit.name, daily_from: limit.daily_from ?? "", daily_to: limit.daily_to ?? "", weekdays: limit.weekdays ?? [], valid_from: limit.valid_from, valid_to: limit.valid_to };
}

function bodyOf(draft: LimitDraft) {
  return {
    ...amountsBodyOf(draft),
    name: draft.name, daily_from: draft.daily_from || null, daily_to: draft.daily_to || null,
    weekdays: draft.weekdays.length > 0 ? DAYS.filter((day) => draft.weekdays.includes(day)) : null,
    valid_from: draft.valid_from, valid_to: draft.valid_to,
  };
}

/** A site and its limits: amperes per phase or kilowatts in all, always or for a part of the day. */
export function SiteForm({ site, onClose, onSaved }: { site: Site | null; onClose: () => void; onSaved: (site: Site) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const confirm = useConfirm();
  const form = useForm({
    initialValues: {
      id: site?.id ?? "", name: site?.name ?? "", address: site?.address ?? "", latitude: (site?.latitude ?? "") as Amount, longitude: (site?.longitude ?? "") as Amount,
      time_zone: site?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone, nominal_voltage_v: (site?.nominal_voltage_v ?? 230) as Amount,
      phases: site?.phases ?? [...PHASES], policy: site?.policy ?? "equal", limits: (site?.limits ?? []).map(draftOf),
      meter: site?.meter ? site.meter.kind : "none", meter_station: site?.meter?.station_id ?? "",
      assumed_l1_a: (site?.meter?.assumed_l1_a ?? 0) as Amount, assumed_l2_a: (site?.meter?.assumed_l2_a ?? 0) as Amount, assumed_l3_a: (site?.meter?.assumed_l3_a ?? 0) as Amount,
      note: site?.note ?? "", settings: thresholdsOf(site?.settings),
    },
  });
  const fresh = async () => {
    await client.invalidateQueries({ queryKey: ["sites"] });
    await client.invalidateQueries({ queryKey: ["site"] });
  };
  const save = useMutation({
    mutationFn: (values: typeof form.values) => {
      const meter = values.meter === "none" ? null : { kind: values.meter, station_id: values.meter_station || null, assumed_l1_a: given(values.assumed_l1_a) ?? 0, assumed_l2_a: given(values.assumed_l2_a) ?? 0, assumed_l3_a: given(values.assumed_l3_a) ?? 0 };
      const body = {
        name: values.name, address: values.address || null, latitude: given(values.latitude), longitude: given(values.longitude), time_zone: values.time_zone, nominal_voltage_v: given(values.nominal_voltage_v),
        phases: values.phases, policy: values.policy, limits: values.limits.map(bodyOf), meter, note: values.note || null, settings: settingsOf(values.settings),
      };
      return site === null ? ask(api.POST("/api/v1/sites", { body: { ...body, ...(values.id && { id: values.id }) } as never })) : ask(api.PATCH("/api/v1/sites/{site_id}", { params: { path: { site_id: site.id } }, body: body as never }));
    },
    onSuccess: async (saved) => {
      await fresh();
      onSaved(saved);
    },
  });
  const remove = () =>
    site && confirm({ title: t("site.delete.title", { name: site.name }), text: t("site.delete.text"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/sites/{site_id}", { params: { path: { site_id: site.id } } })); await fresh(); onClose(); window.history.back(); } });
  return (
    <FormModal title={site?.name ?? t("site.add")} size="xl" onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} left={site && <Button color="red" variant="light" onClick={remove}>{t("action.delete")}</Button>}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
        <TextInput label={t("site.id")} description={t("site.idHelp")} disabled={site !== null} {...form.getInputProps("id")} />
      </SimpleGrid>
      <Fieldset legend={t("site.limits")} p="sm">
        <Stack gap="sm">
          <Text size="xs" c="dimmed">{t("site.limitsHelp")}</Text>
          {form.values.limits.map((draft, index) => (
            <Box key={index} p="xs" style={{ border: "1px solid var(--mantine-color-default-border)", borderRadius: "var(--mantine-radius-sm)" }} data-limit={index}>
              <Group gap="xs" align="flex-end">
                <TextInput label={t("token.name")} placeholder={t("site.limitName")} required w="9rem" {...form.getInputProps(`limits.${index}.name`)} />
                <SegmentedControl size="xs" aria-label={t("site.unit")} data={[{ value: "phase", label: t("site.perPhase") }, { value: "total", label: t("site.inAll") }]} {...form.getInputProps(`limits.${index}.by`)} />
                {draft.by === "phase" ? PHASES.map((phase) => <NumberInput key={phase} label={`${phase} (A)`} w="5rem" min={0} decimalScale={1} hideControls {...form.getInputProps(`limits.${index}.${phase.toLowerCase()}_a`)} />)
                  : <NumberInput label="kW" w="7rem" min={0} decimalScale={3} hideControls {...form.getInputProps(`limits.${index}.total_kw`)} />}
                <TextInput type="time" label={t("site.from")} w="7rem" {...form.getInputProps(`limits.${index}.daily_from`)} />
                <TextInput type="time" label={t("site.to")} w="7rem" {...form.getInputProps(`limits.${index}.daily_to`)} />
                <ActionIcon variant="subtle" color="gray" aria-label={t("form.remove", { name: draft.name || t("site.limits") })} onClick={() => form.removeListItem("limits", index)}><IconTrash size={16} /></ActionIcon>
              </Group>
              <Chip.Group multiple value={draft.weekdays} onChange={(value) => form.setFieldValue(`limits.${index}.weekdays`, value)}>
                <Group gap={4} mt="xs">{DAYS.map((day) => <Chip key={day} size="xs" value={day}>{t(`site.day.${day}`)}</Chip>)}</Group>
              </Chip.Group>
            </Box>
          ))}
          <Group><Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => form.insertListItem("limits", { ...NEW_LIMIT, name: form.values.limits.length === 0 ? "fuse" : "" })}>{t("site.addLimit")}</Button></Group>
        </Stack>
      </Fieldset>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select label={t("site.policy")} data={POLICIES.map((value) => ({ value, label: t(`site.policies.${value}`) }))} allowDeselect={false} {...form.getInputProps("policy")} />
        <Box>
          <Text size="sm" fw={500} mb={4}>{t("site.phases")}</Text>
          <Chip.Group multiple value={form.values.phases} onChange={(value) => form.setFieldValue("phases", value)}><Group gap={4}>{PHASES.map((phase) => <Chip key={phase} size="xs" value={phase}>{phase}</Chip>)}</Group></Chip.Group>
        </Box>
        <NumberInput label={t("site.voltage")} min={50} max={1000} hideControls {...form.getInputProps("nominal_voltage_v")} />
        <TextInput label={t("site.timeZone")} {...form.getInputProps("time_zone")} />
        <TextInput label={t("site.address")} {...form.getInputProps("address")} />
        <SimpleGrid cols={2}>
          <NumberInput label={t("site.latitude")} min={-90} max={90} hideControls {...form.getInputProps("latitude")} />
          <NumberInput label={t("site.longitude")} min={-180} max={180} hideControls {...form.getInputProps("longitude")} />
        </SimpleGrid>
      </SimpleGrid>
      <Fieldset legend={t("site.meter.title")} p="sm">
        <Stack gap="xs">
          <SegmentedControl size="xs" aria-label={t("site.meter.title")} data={["none", "other_loads", "total"].map((value) => ({ value, label: t(`site.meter.${value}`) }))} {...form.getInputProps("meter")} />
          {form.values.meter !== "none" && (
            <Group gap="xs" align="flex-end">
              <TextInput label={t("site.meter.station")} description={t("site.meter.stationHelp")} {...form.getInputProps("meter_station")} />
              {PHASES.map((phase) => <NumberInput key={phase} label={t("site.meter.assumed", { phase })} w="9rem" min={0} decimalScale={1} hideControls {...form.getInputProps(`assumed_${phase.toLowerCase()}_a`)} />)}
            </Group>
          )}
        </Stack>
      </Fieldset>
      <SiteThresholds inputProps={(name) => form.getInputProps(`settings.${name}`)} />
      <Textarea label={t("site.note")} autosize minRows={1} {...form.getInputProps("note")} />
    </FormModal>
  );
}
