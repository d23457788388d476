import { Alert, Button, Checkbox, Group, Select, SimpleGrid, Stack, Switch, Table, TagsInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Await, Empty, Failure } from "../../components/Feedback";
import { FormModal } from "../../components/FormModal";
import { SiteScope } from "../../components/SiteScope";
import { StateBadge } from "../../components/StateBadge";
import { useSession } from "../../session";
import { SEVERITIES } from "./rules";

type Recipient = Schemas["AlertRecipientView"];

const KEY = ["alert-recipients"] as const;

/** Who is told by e-mail, of what, and when not. */
export function Recipients() {
  const { t } = useTranslation();
  const { may } = useSession();
  const [editing, setEditing] = useState<{ row: Recipient | null } | null>(null);
  const query = useQuery({ queryKey: KEY, queryFn: () => ask(api.GET("/api/v1/alert-recipients", { params: { query: { limit: 200 } } })) });
  const server = useQuery({ queryKey: [...KEY, "server"], queryFn: () => ask(api.GET("/api/v1/alert-recipients/mail-server")) });
  const test = useMutation({
    mutationFn: (row: Recipient) => ask(api.POST("/api/v1/alert-recipients/{recipient_id}/test", { params: { path: { recipient_id: row.id } } })),
    onSuccess: (_, row) => notifications.show({ color: "teal", message: t("alert.tested", { name: row.name }) }),
  });
  const mayWrite = may("alerts:write");
  const add = mayWrite && <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing({ row: null })}>{t("alert.addRecipient")}</Button>;
  return (
    <Stack>
      {server.data && !server.data.configured && <Alert color="yellow">{t("alert.noServer")}</Alert>}
      {test.error && <Failure error={test.error} />}
      <Await query={query}>
        {(page) => page.items.length === 0 ? <Empty title={t("alert.noRecipients.title")} action={add}>{t("alert.noRecipients.text")}</Empty> : (
          <>
            <Group justify="flex-end">{add}</Group>
            <Table.ScrollContainer className="stacked" minWidth={560}>
              <Table>
                <Table.Tbody>
                  {page.items.map((row) => (
                    <Table.Tr key={row.id} data-recipient={row.name}>
                      <Table.Td><Text size="sm" fw={500}>{row.name}</Text><Text size="xs" c="dimmed" className="wrap-anywhere">{row.addresses.join(", ")}</Text></Table.Td>
                      <Table.Td>{t("alert.from", { severity: t(`alert.severities.${row.minimum_severity}`) })}{row.quiet_hours && <Text size="xs" c="dimmed">{t("alert.quiet", { from: row.quiet_hours.start, to: row.quiet_hours.end })}</Text>}</Table.Td>
                      <Table.Td><StateBadge state={row.enabled ? "active" : "disabled"} /></Table.Td>
                      <Table.Td>{mayWrite && <Group gap="xs" justify="flex-end"><Button size="compact-xs" variant="default" loading={test.isPending && test.variables.id === row.id} onClick={() => test.mutate(row)}>{t("alert.test")}</Button><Button size="compact-xs" variant="default" onClick={() => setEditing({ row })}>{t("action.edit")}</Button></Group>}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </>
        )}
      </Await>
      {editing && <RecipientForm row={editing.row} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

function RecipientForm({ row, onClose }: { row: Recipient | null; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const confirm = useConfirm();
  const quiet = row?.quiet_hours;
  const form = useForm({ initialValues: { name: row?.name ?? "", addresses: row?.addresses ?? [], enabled: row?.enabled ?? true, language: row?.language ?? i18n.language, minimum_severity: row?.minimum_severity ?? "warning", site_ids: row?.site_ids ?? [], tell_cleared: row?.tell_cleared ?? false, start: quiet?.start ?? "", end: quiet?.end ?? "", except_critical: quiet?.except_critical ?? true } });
  const fresh = async () => {
    await client.invalidateQueries({ queryKey: KEY });
    onClose();
  };
  const save = useMutation({
    mutationFn: ({ start, end, except_critical, site_ids, ...values }: typeof form.values) => {
      const time_zone = quiet?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
      const body = { ...values, site_ids: site_ids.length > 0 ? site_ids : null, quiet_hours: start && end ? { time_zone, start, end, except_critical, ...(quiet && { days: quiet.days }) } : null };
      return row === null ? ask(api.POST("/api/v1/alert-recipients", { body: body as never })) : ask(api.PATCH("/api/v1/alert-recipients/{recipient_id}", { params: { path: { recipient_id: row.id } }, body: body as never }));
    },
    onSuccess: fresh,
  });
  const remove = () => row && confirm({ title: t("alert.removeRecipient", { name: row.name }), text: t("alert.removeRecipientText"), confirm: t("action.delete"), act: async () => { await ask(api.DELETE("/api/v1/alert-recipients/{recipient_id}", { params: { path: { recipient_id: row.id } } })); await fresh(); } });
  return (
    <FormModal title={row?.name ?? t("alert.addRecipient")} onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} left={row && <Button color="red" variant="light" onClick={remove}>{t("action.delete")}</Button>}>
      <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
      <TagsInput label={t("alert.addresses")} required acceptValueOnBlur splitChars={[",", ";", " "]} {...form.getInputProps("addresses")} />
      <SimpleGrid cols={2}>
        <Select label={t("alert.least")} data={SEVERITIES.map((value) => ({ value, label: t(`alert.severities.${value}`) }))} allowDeselect={false} {...form.getInputProps("minimum_severity")} />
        <Select label={t("layout.language")} data={[{ value: "en", label: "English" }, { value: "de", label: "Deutsch" }]} allowDeselect={false} {...form.getInputProps("language")} />
        <TextInput type="time" label={t("alert.quietFrom")} {...form.getInputProps("start")} />
        <TextInput type="time" label={t("alert.quietTo")} {...form.getInputProps("end")} />
      </SimpleGrid>
      <Checkbox label={t("alert.exceptCritical")} {...form.getInputProps("except_critical", { type: "checkbox" })} />
      <Checkbox label={t("alert.tellCleared")} {...form.getInputProps("tell_cleared", { type: "checkbox" })} />
      <SiteScope {...form.getInputProps("site_ids")} />
      <Switch label={t("alert.on")} {...form.getInputProps("enabled", { type: "checkbox" })} />
    </FormModal>
  );
}
