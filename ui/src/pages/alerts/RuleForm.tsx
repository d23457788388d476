import { Button, MultiSelect, NumberInput, Select, SimpleGrid, Switch, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { FormModal } from "../../components/FormModal";
import { SiteScope } from "../../components/SiteScope";
import { useSession } from "../../session";
import { RULES, type Rule, SEVERITIES } from "./rules";

type Kind = Schemas["AlertKindView"];
type Told = "all" | "some" | "none";

/** A rule of a kind, new or there already: how patient it is, where it looks and who hears of it. */
export function RuleForm({ kind, row, onClose }: { kind: Kind; row: Rule | null; onClose: () => void }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const client = useQueryClient();
  const confirm = useConfirm();
  const lists = useQuery({ queryKey: ["alert-recipients"], queryFn: () => ask(api.GET("/api/v1/alert-recipients", { params: { query: { limit: 200 } } })), enabled: may("alerts:read") });
  const told: Told = row === null || row.recipient_ids === null ? "all" : row.recipient_ids.length === 0 ? "none" : "some";
  const defaults = Object.fromEntries(kind.parameters.map((each) => [each.name, row?.parameters[each.name] ?? each.default])) as Record<string, number | string>;
  const title = t(`alert.kind.${kind.name}`, { defaultValue: kind.name });
  const form = useForm({
    initialValues: { name: row && row.name !== row.kind ? row.name : "", severity: row?.severity ?? kind.severity, enabled: row?.enabled ?? true, parameters: defaults, site_ids: row?.site_ids ?? [], told, recipient_ids: row?.recipient_ids ?? [] },
    validate: { recipient_ids: (chosen, values) => (values.told === "some" && chosen.length === 0 ? t("alert.chooseList") : null) },
  });
  const fresh = async () => {
    await client.invalidateQueries({ queryKey: RULES });
    onClose();
  };
  const save = useMutation({
    mutationFn: ({ told: whom, name, site_ids, recipient_ids, ...values }: typeof form.values) => {
      const body = { ...values, name: name || null, site_ids: site_ids.length > 0 ? site_ids : null, recipient_ids: whom === "all" ? null : whom === "none" ? [] : recipient_ids };
      return row === null ? ask(api.POST("/api/v1/alert-rules", { body: { ...body, kind: kind.name } as never })) : ask(api.PATCH("/api/v1/alert-rules/{alert_rule_id}", { params: { path: { alert_rule_id: row.id } }, body: body as never }));
    },
    onSuccess: fresh,
  });
  const remove = () => row && confirm({ title: t("alert.removeRule", { name: form.values.name || title }), text: t("alert.removeRuleText"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/alert-rules/{alert_rule_id}", { params: { path: { alert_rule_id: row.id } } })); await fresh(); } });
  return (
    <FormModal title={row === null ? t("alert.newRule", { kind: title }) : title} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} left={row && !row.is_default && <Button color="red" variant="light" onClick={remove}>{t("action.delete")}</Button>}>
      <Text size="sm" c="dimmed">{t(`alert.kindText.${kind.name}`, { defaultValue: kind.description })}</Text>
      <TextInput label={t("token.name")} placeholder={title} maxLength={200} data-autofocus {...form.getInputProps("name")} />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select label={t("alert.severity")} data={SEVERITIES.map((value) => ({ value, label: t(`alert.severities.${value}`) }))} allowDeselect={false} {...form.getInputProps("severity")} />
        {kind.parameters.map((each) => (
          <NumberInput key={each.name} label={t(`alert.parameter.${each.name}`, { defaultValue: each.name })} description={t("alert.bounds", { from: each.minimum, to: each.maximum })} required min={each.minimum} max={each.maximum} allowDecimal={false} clampBehavior="strict" {...form.getInputProps(`parameters.${each.name}`)} />
        ))}
      </SimpleGrid>
      <SiteScope {...form.getInputProps("site_ids")} description={t("alert.sitesHelp")} />
      <Select label={t("alert.told")} data={(["all", "some", "none"] as const).map((value) => ({ value, label: t(`alert.toldWhom.${value}`) }))} allowDeselect={false} {...form.getInputProps("told")} />
      {form.values.told === "some" && <MultiSelect label={t("alert.lists")} required data={lists.data?.items.map((each) => ({ value: each.id, label: each.name })) ?? []} {...form.getInputProps("recipient_ids")} />}
      <Switch label={t("alert.on")} {...form.getInputProps("enabled", { type: "checkbox" })} />
    </FormModal>
  );
}
