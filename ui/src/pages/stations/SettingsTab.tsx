import { Alert, Button, Card, Code, Group, NumberInput, Select, SimpleGrid, Stack, Switch, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, ask, type Schemas } from "../../api/client";
import { useConfirm } from "../../components/confirm";
import { Facts } from "../../components/DataTable";
import { useProblemText } from "../../components/Feedback";
import { Copy } from "../../components/Json";
import { SiteInput } from "../../components/SiteInput";
import { When } from "../../components/When";
import { useSession } from "../../session";
import type { Station } from "./StationPage";

/** What we know and want of the station; its password anew; taking it out. */
export function SettingsTab({ station }: { station: Station }) {
  const { t } = useTranslation();
  const { may } = useSession();
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Card>
        <Title order={2} size="h4" mb="xs">{t("station.about")}</Title>
        <Facts
          rows={[
            [t("station.vendor"), station.vendor], [t("station.model"), station.model], [t("station.firmware"), station.firmware_version],
            [t("station.serialNumber"), station.serial_number], [t("station.boxSerial"), station.charge_box_serial_number], ["ICCID", station.iccid], ["IMSI", station.imsi],
            [t("station.meter"), [station.meter_type, station.meter_serial_number].filter(Boolean).join(" ")], [t("station.protocol"), station.protocol],
            [t("station.address"), station.remote_address], [t("station.node"), station.node_id], [t("station.booted"), <When key="b" at={station.last_boot_at} />],
            [t("station.connectedAt"), <When key="c" at={station.connected_at} />], [t("station.createdAt"), <When key="d" at={station.created_at} />],
          ]}
        />
      </Card>
      <Stack>
        {may("stations:write") && <><Edit station={station} /><Password station={station} />{may("transactions:write") && <CleanUp station={station} />}</>}
        {may("commands:send") && station.connected && <Disconnect station={station} />}
        {may("stations:write") && <Remove station={station} />}
      </Stack>
    </SimpleGrid>
  );
}

function Edit({ station }: { station: Station }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const form = useForm({
    initialValues: {
      name: station.name ?? "", site_id: station.site_id ?? "", operator_state: station.operator_state, strict: station.strict, automation: station.automation,
      serial_number: station.serial_number ?? "", quirk_profile_id: station.quirk_profile_id, call_timeout_s: station.call_timeout_s ?? ("" as number | ""), ping_interval_s: station.ping_interval_s ?? ("" as number | ""), note: station.note ?? "",
      latitude: station.latitude ?? ("" as number | ""), longitude: station.longitude ?? ("" as number | ""),
    },
  });
  const quirks = useQuery({ queryKey: ["quirk-profiles"], queryFn: () => ask(api.GET("/api/v1/quirk-profiles", { params: { query: { limit: 1000 } } })) });
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      ask(
        api.PATCH("/api/v1/stations/{station_id}", {
          params: { path: { station_id: station.id } },
          body: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === "" ? null : value])) as never,
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["station", station.id] }),
  });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("station.edit")}</Title>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="xs">
          <TextInput label={t("station.name")} {...form.getInputProps("name")} />
          <SiteInput {...form.getInputProps("site_id")} />
          <Select label={t("station.operatorState")} description={t("station.operatorStateHelp")} data={["Accepted", "Pending", "Rejected"].map((value) => ({ value, label: t(`value.${value}`) }))} allowDeselect={false} {...form.getInputProps("operator_state")} />
          <NotToldYet station={station} />
          <TextInput label={t("station.serialNumber")} description={t("station.wizard.serialHelp")} {...form.getInputProps("serial_number")} />
          <Select label={t("station.quirks")} description={t("station.quirksHelp")} clearable data={(quirks.data?.items ?? []).map((row) => ({ value: row.id, label: row.name }))} {...form.getInputProps("quirk_profile_id")} />
          <Switch label={t("station.strict")} description={t("station.strictHelp")} {...form.getInputProps("strict", { type: "checkbox" })} />
          <Switch label={t("station.automation")} description={t("station.automationHelp")} {...form.getInputProps("automation", { type: "checkbox" })} />
          <Group grow>
            <NumberInput label={t("station.callTimeout")} min={1} max={600} {...form.getInputProps("call_timeout_s")} />
            <NumberInput label={t("station.pingInterval")} min={0} max={3600} {...form.getInputProps("ping_interval_s")} />
          </Group>
          <Group grow>
            <NumberInput label={t("station.latitude")} min={-90} max={90} decimalScale={6} {...form.getInputProps("latitude")} />
            <NumberInput label={t("station.longitude")} min={-180} max={180} decimalScale={6} {...form.getInputProps("longitude")} />
          </Group>
          <Textarea label={t("station.note")} autosize {...form.getInputProps("note")} />
          {save.error && <Alert color="red" role="alert">{problemText(save.error)}</Alert>}
          {save.isSuccess && <Text size="sm" role="status">{t("state.saved")}</Text>}
          <Group justify="flex-end"><Button type="submit" loading={save.isPending}>{t("action.save")}</Button></Group>
        </Stack>
      </form>
    </Card>
  );
}

/** A station that is to be Rejected goes on as it was told, until it boots. */
function NotToldYet({ station }: { station: Station }) {
  const { t } = useTranslation();
  const told = station.reported_state;
  if (!station.connected || station.operator_state !== "Rejected" || !told || told === "Rejected") return null;
  return <Alert role="note" color="yellow" data-not-told={station.id}>{t("station.disconnect.notToldYet", { state: t(`value.${told}`) })}</Alert>;
}

function Password({ station }: { station: Station }) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const renew = useMutation({ mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/password", { params: { path: { station_id: station.id } } })) });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("station.password")}</Title>
      <Stack gap="xs">
        <Text size="sm">{t("station.passwordHelp")}</Text>
        {renew.error && <Alert color="red" role="alert">{problemText(renew.error)}</Alert>}
        {renew.data?.password && <Group gap="xs"><Code flex={1} className="wrap-anywhere">{renew.data.password}</Code><Copy text={renew.data.password} /></Group>}
        <Group justify="flex-end"><Button variant="default" loading={renew.isPending} onClick={() => renew.mutate()}>{t("station.newPassword")}</Button></Group>
      </Stack>
    </Card>
  );
}

/** For tests, and after repairs: nothing is sent to the station, we only forget. */
function CleanUp({ station }: { station: Station }) {
  const { t } = useTranslation();
  const confirm = useConfirm();
  const [done, setDone] = useState<Schemas["CleanedUpView"] | null>(null);
  const askFirst = () =>
    confirm({
      title: t("station.cleanUp.title", { id: station.id }),
      text: t("station.cleanUp.text"),
      confirm: t("station.cleanUp.do"),
      act: async () => setDone(await ask(api.POST("/api/v1/stations/{station_id}/clean-up", { params: { path: { station_id: station.id } } }))),
    });
  return (
    <Card>
      <Group justify="space-between">
        <Text size="sm">{t("station.cleanUp.hint")}</Text>
        <Button variant="default" onClick={askFirst}>{t("station.cleanUp.do")}</Button>
      </Group>
      {done && <Text size="sm" role="status">{t("station.cleanUp.done", { transactions: done.closed_transactions, profiles: done.dropped_profiles, reservations: done.ended_reservations })}</Text>}
    </Card>
  );
}

function Disconnect({ station }: { station: Station }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const confirm = useConfirm();
  const askFirst = () =>
    confirm({
      title: t("station.disconnect.title", { id: station.id }),
      text: t("station.disconnect.text"),
      confirm: t("station.disconnect.do"),
      act: async () => {
        await ask(api.POST("/api/v1/stations/{station_id}/disconnect", { params: { path: { station_id: station.id } } }));
        await client.invalidateQueries({ queryKey: ["station", station.id] });
      },
    });
  return (
    <Card>
      <Group justify="space-between">
        <Text size="sm">{t("station.disconnect.hint")}</Text>
        <Button variant="default" onClick={askFirst}>{t("station.disconnect.do")}</Button>
      </Group>
    </Card>
  );
}

function Remove({ station }: { station: Station }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const problemText = useProblemText();
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/stations/{station_id}", { params: { path: { station_id: station.id } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["stations"] });
      void navigate("/stations");
    },
  });
  const confirm = useConfirm();
  const confirmRemoval = () =>
    confirm({
      title: t("station.delete.title", { id: station.id }),
      text: t("station.delete.text"),
      confirm: t("action.delete"),
      act: () => remove.mutate(),
    });
  return (
    <Card>
      <Group justify="space-between">
        <Text size="sm">{t("station.delete.hint")}</Text>
        <Button color="red" variant="light" onClick={confirmRemoval} loading={remove.isPending}>{t("action.delete")}</Button>
      </Group>
      {remove.error && <Alert color="red" role="alert" mt="xs">{problemText(remove.error)}</Alert>}
    </Card>
  );
}
