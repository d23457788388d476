import { SegmentedControl, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { FormModal } from "../../components/FormModal";
import { type Authority, AUTHORITIES_KEY } from "./Authorities";

type Use = "trusted" | "known";
const MONO = { input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } };

/** Somebody else's authority is kept, or one that is here is changed; ours have but a name to change. */
export function AuthorityForm({ authority, onClose }: { authority: Authority | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const theirs = authority === null || authority.use === "trusted" || authority.use === "known";
  const form = useForm({ initialValues: { name: authority?.name ?? "", use: (authority?.use === "known" ? "known" : "trusted") as Use, certificate: "", crl_url: authority?.crl_url ?? "", crl: "" } });
  const save = useMutation({
    mutationFn: ({ name, use, certificate, crl_url, crl }: typeof form.values) => {
      const address = crl_url.trim() || null;
      if (authority === null) return ask(api.POST("/api/v1/certificate-authorities", { body: { name, use, certificate, crl_url: address } }));
      const body = theirs ? { name, use, crl_url: address, ...(crl.trim() && { crl }) } : { name };
      return ask(api.PATCH("/api/v1/certificate-authorities/{authority_id}", { params: { path: { authority_id: authority.id } }, body }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: AUTHORITIES_KEY });
      onClose();
    },
  });
  return (
    <FormModal title={authority?.name ?? t("authority.add")} size="lg" onClose={onClose} onSubmit={form.onSubmit((values) => save.mutate(values))} error={save.error} pending={save.isPending}>
      <TextInput label={t("token.name")} required data-autofocus {...form.getInputProps("name")} />
      {theirs && (
        <Stack gap={4}>
          <SegmentedControl aria-label={t("authority.for")} data={(["trusted", "known"] as const).map((value) => ({ value, label: t(`authority.use.${value}`) }))} {...form.getInputProps("use")} />
          <Text size="xs" c="dimmed">{t(`authority.useHelp.${form.values.use}`)}</Text>
        </Stack>
      )}
      {authority === null && <Textarea label={t("authority.certificate")} required autosize minRows={5} maxRows={12} placeholder="-----BEGIN CERTIFICATE-----" styles={MONO} {...form.getInputProps("certificate")} />}
      {theirs && <TextInput label={t("authority.crlUrl")} description={t("authority.crlUrlHelp")} {...form.getInputProps("crl_url")} />}
      {theirs && authority !== null && <Textarea label={t("authority.crlPaste")} autosize minRows={3} maxRows={10} placeholder="-----BEGIN X509 CRL-----" styles={MONO} {...form.getInputProps("crl")} />}
    </FormModal>
  );
}
