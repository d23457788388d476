import { Checkbox, SegmentedControl, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "../../api/client";
import { CommandResult } from "../../components/CommandResult";
import { FormModal } from "../../components/FormModal";
import type { Authority } from "./Authorities";

/** A station is made to trust an authority. */
export function InstallRoot({ authority, onClose }: { authority: Authority; onClose: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { station_id: "", use: "central_system" as "central_system" | "manufacturer", crossed: false } });
  const install = useMutation({
    mutationFn: ({ station_id, use, crossed }: typeof form.values) =>
      ask(api.POST("/api/v1/stations/{station_id}/roots", { params: { path: { station_id } }, body: { use, crossed, refresh: true, authority_id: authority.id } })),
  });
  return (
    <FormModal title={t("authority.install.title", { name: authority.name })} submit={t("authority.install.do")} onClose={onClose} onSubmit={form.onSubmit((values) => install.mutate(values))} error={install.error} pending={install.isPending}
      done={install.data && <CommandResult job={install.data} />}>
      <TextInput label={t("transaction.station")} description={t("authority.install.help")} required data-autofocus {...form.getInputProps("station_id")} />
      <SegmentedControl aria-label={t("authority.for")} data={(["central_system", "manufacturer"] as const).map((value) => ({ value, label: t(`authority.install.${value}`) }))} {...form.getInputProps("use")} />
      {authority.cross_certificate && <Checkbox label={t("authority.install.crossed")} {...form.getInputProps("crossed", { type: "checkbox" })} />}
    </FormModal>
  );
}
