import { TagsInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { FormModal } from "../../components/FormModal";
import { Secret } from "../../components/Secret";
import { type Webhook, WEBHOOKS } from "./state";

/** A new webhook, whose secret is shown once it is made, or another address, name or choice of events. */
export function WebhookForm({ row, onClose }: { row: Webhook | null; onClose: (made?: Webhook) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const known = useQuery({ queryKey: ["webhook-event-types"], queryFn: () => ask(api.GET("/api/v1/webhooks/event-types")), staleTime: Infinity });
  const form = useForm({ initialValues: { name: row?.name ?? "", url: row?.url ?? "", event_types: row?.event_types ?? [] } });
  const fresh = () => client.invalidateQueries({ queryKey: WEBHOOKS });
  const make = useMutation({ mutationFn: (body: typeof form.values) => ask(api.POST("/api/v1/webhooks", { body: body as never })), onSuccess: fresh });
  const change = useMutation({
    mutationFn: (body: typeof form.values) => ask(api.PATCH("/api/v1/webhooks/{webhook_id}", { params: { path: { webhook_id: row?.id ?? "" } }, body: body as never })),
    onSuccess: async () => {
      await fresh();
      onClose();
    },
  });
  const save = row === null ? make : change;
  const types = known.data?.items ?? [];
  const beginnings = [...new Set(types.map((type) => `${type.split(".")[0]}.`))];
  return (
    <FormModal title={row?.name ?? t("webhook.add")} onClose={() => onClose(make.data)} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending} done={make.data && <Secret label={t("webhook.secretOf", { name: make.data.name })} value={make.data.secret} />}>
      <TextInput label={t("token.name")} required maxLength={100} data-autofocus {...form.getInputProps("name")} />
      <TextInput label={t("webhook.url")} description={t("webhook.urlHelp")} placeholder="https://example.org/stationmaster" required maxLength={2000} inputMode="url" {...form.getInputProps("url")} />
      <TagsInput label={t("webhook.types")} description={t("webhook.typesHelp")} placeholder={form.values.event_types.length === 0 ? t("webhook.allTypes") : undefined} data={[{ group: t("webhook.beginnings"), items: beginnings }, { group: t("webhook.single"), items: types }]} acceptValueOnBlur splitChars={[",", ";", " "]} clearable maxDropdownHeight={240} {...form.getInputProps("event_types")} />
    </FormModal>
  );
}
