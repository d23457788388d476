import { Alert, MultiSelect, SegmentedControl, Stack, Text, TextInput, Textarea } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { FormModal } from "../../components/FormModal";

type Kind = "self" | "other";
type Driver = "manual" | "rest";

/** What is tested, by which cases, and who presses the buttons there. */
export function BeginRun({ onClose, onBegun }: { onClose: () => void; onBegun: (run: { id: string }) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const kit = useQuery({ queryKey: ["conformance-kit"], queryFn: () => ask(api.GET("/api/v1/conformance-kit")), staleTime: Infinity });
  const form = useForm({ initialValues: { kind: "self" as Kind, functionalities: [] as string[], cases: [] as string[], url: "", driver: "manual" as Driver, api_url: "", api_key: "", product: "", version: "", identity: "", password: "", tls_url: "", tls_ca: "" } });
  const begin = useMutation({
    mutationFn: (values: typeof form.values) => {
      const other = {
        kind: "other" as const, url: values.url, driver: values.driver,
        ...(values.driver === "rest" ? { api_url: values.api_url, api_key: values.api_key } : { product: values.product || null, version: values.version || null }),
        tls: values.tls_url ? { url: values.tls_url, ca: values.tls_ca } : null,
        settings: { ...(values.identity && { identity: values.identity }), ...(values.password && { password: values.password }) },
      };
      return ask(api.POST("/api/v1/conformance-runs", { body: { functionalities: values.functionalities, cases: values.cases, target: values.kind === "self" ? { kind: "self" } : other } as never }));
    },
    onSuccess: async (run) => {
      await client.invalidateQueries({ queryKey: ["conformance-runs"] });
      onBegun(run);
    },
  });
  const { values } = form;
  const targets = kit.data?.targets ?? [];
  return (
    <FormModal title={t("conformance.begin")} size="lg" submit={t("conformance.beginDo")} onClose={onClose} onSubmit={form.onSubmit((each) => begin.mutate(each))} error={begin.error ?? kit.error} pending={begin.isPending}>
      <SegmentedControl aria-label={t("conformance.target")} data={(["self", "other"] as const).map((value) => ({ value, label: t(`conformance.${value}`) }))} {...form.getInputProps("kind")} />
      <Text size="sm" c="dimmed">{t(`conformance.${values.kind}Help`)}</Text>
      <MultiSelect label={t("conformance.functionalities")} description={t("conformance.allHelp")} data={kit.data?.functionalities ?? []} clearable {...form.getInputProps("functionalities")} />
      <MultiSelect label={t("conformance.cases")} searchable clearable maxDropdownHeight={260} limit={100} data={(kit.data?.cases ?? []).map((each) => ({ value: each.number, label: `${each.number} · ${each.title}` }))} {...form.getInputProps("cases")} />
      {values.kind === "other" && (
        <Stack gap="sm">
          <Alert color={targets.length > 0 ? "blue" : "yellow"} p="xs">{targets.length > 0 ? t("conformance.targets", { hosts: targets.join(", ") }) : t("conformance.noTargets")}</Alert>
          <TextInput label={t("conformance.url")} placeholder="ws://csms.example.org:9000/ocpp" required {...form.getInputProps("url")} />
          <SegmentedControl aria-label={t("conformance.driver")} data={(["manual", "rest"] as const).map((value) => ({ value, label: t(`conformance.drivers.${value}`) }))} {...form.getInputProps("driver")} />
          {values.driver === "rest" ? (
            <>
              <TextInput label={t("conformance.apiUrl")} required placeholder="https://csms.example.org" {...form.getInputProps("api_url")} />
              <TextInput label={t("conformance.apiKey")} description={t("conformance.apiKeyHelp")} required type="password" autoComplete="off" {...form.getInputProps("api_key")} />
            </>
          ) : (
            <>
              <TextInput label={t("conformance.product")} {...form.getInputProps("product")} />
              <TextInput label={t("settings.version")} {...form.getInputProps("version")} />
            </>
          )}
          <TextInput label={t("conformance.identity")} description={t("conformance.identityHelp")} {...form.getInputProps("identity")} />
          <TextInput label={t("conformance.password")} autoComplete="off" {...form.getInputProps("password")} />
          <TextInput label={t("conformance.tlsUrl")} placeholder="wss://csms.example.org:8443/ocpp" {...form.getInputProps("tls_url")} />
          {values.tls_url !== "" && <Textarea label={t("conformance.tlsCa")} required autosize minRows={3} maxRows={8} {...form.getInputProps("tls_ca")} />}
        </Stack>
      )}
    </FormModal>
  );
}
