import { Alert, Box, Button, Code, Group, NumberInput, Radio, Stack, Stepper, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { QRCodeSVG } from "qrcode.react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError, api, ask } from "../../api/client";
import { useProblemText } from "../../components/Feedback";
import { Copy } from "../../components/Json";
import { Window } from "../../components/Window";

interface Props {
  opened: boolean;
  onClose: () => void;
  /** An identity that knocked, to be registered as it is. */
  id?: string;
}

/** Identity, security profile, then the password once, as text and as a code, with the URL to type in. */
export function AddStation({ opened, onClose, id = "" }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const form = useForm({ initialValues: { id, name: "", security_profile: "1", serial_number: "", call_timeout_s: "" as number | "" } });
  const about = useQuery({ queryKey: ["about"], queryFn: () => ask(api.GET("/api/v1/about")), enabled: opened });
  const create = useMutation({
    mutationFn: (values: typeof form.values) =>
      ask(
        api.POST("/api/v1/stations", {
          body: {
            id: values.id.trim(),
            security_profile: Number(values.security_profile),
            ...(values.name && { name: values.name }),
            ...(values.serial_number && { serial_number: values.serial_number }),
            ...(values.call_timeout_s !== "" && { call_timeout_s: values.call_timeout_s }),
          },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["stations"] }),
    onError: (error) => {
      if (error instanceof ApiError) for (const field of ["id", "serial_number", "security_profile"]) form.setFieldError(field, error.field(field) ?? null);
    },
  });
  const close = () => {
    onClose();
    create.reset();
    form.reset();
  };
  const urls = about.data?.station_urls;
  const encrypted = Number(form.values.security_profile) >= 2;
  const base = create.data && urls?.[create.data.security_profile >= 2 ? "wss" : "ws"];
  const url = create.data && base && `${base}/${encodeURIComponent(create.data.id)}`;
  return (
    <Window opened={opened} onClose={close} title={t("station.wizard.title")} size="lg" closeOnClickOutside={!create.data}>
      <Stepper active={create.data ? 1 : 0} size="sm" mb="md">
        <Stepper.Step label={t("station.wizard.describe")} />
        <Stepper.Step label={t("station.wizard.type")} />
      </Stepper>
      {create.data ? (
        <Stack>
          <Text>{t("station.wizard.typeIn")}</Text>
          {url ? <Secret label={t("station.wizard.url")} value={url} /> : <Alert color="yellow">{t("station.wizard.noListener")}</Alert>}
          {create.data.password && (
            <>
              <Secret label={t("station.wizard.password")} value={create.data.password} />
              <Alert color="yellow">{t("station.wizard.once")}</Alert>
            </>
          )}
          <Group justify="center" gap="xl">
            {url && <QrCode label={t("station.wizard.url")} value={url} />}
            {create.data.password && <QrCode label={t("station.wizard.password")} value={create.data.password} />}
          </Group>
          <Group justify="flex-end">
            <Button component={Link} to={`/stations/${encodeURIComponent(create.data.id)}`} onClick={close}>{t("station.wizard.open")}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
          <Stack>
            <TextInput label={t("station.id")} description={t("station.wizard.idHelp")} required data-autofocus {...form.getInputProps("id")} />
            <TextInput label={t("station.name")} {...form.getInputProps("name")} />
            <Radio.Group label={t("station.securityProfile")} {...form.getInputProps("security_profile")}>
              <Stack gap={4} mt={4}>
                {["1", "2", "3", "0"].map((profile) => <Radio key={profile} value={profile} label={t(`station.profile.${profile}`)} />)}
              </Stack>
            </Radio.Group>
            {encrypted && urls && !urls.wss && <Alert color="yellow">{t("station.wizard.noListener")}</Alert>}
            {form.values.security_profile === "0" && <Alert color="red">{t("station.wizard.insecure")}</Alert>}
            <TextInput label={t("station.serialNumber")} description={t("station.wizard.serialHelp")} {...form.getInputProps("serial_number")} />
            <NumberInput label={t("station.callTimeout")} placeholder="30" min={1} max={600} {...form.getInputProps("call_timeout_s")} />
            {create.error && <Alert color="red" role="alert">{problemText(create.error)}</Alert>}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>{t("action.cancel")}</Button>
              <Button type="submit" loading={create.isPending}>{t("action.create")}</Button>
            </Group>
          </Stack>
        </form>
      )}
    </Window>
  );
}

/** For the camera of the phone that sets the station up. On white, whatever the colours of the page: scanners ask for it. */
function QrCode({ label, value }: { label: string; value: string }) {
  return (
    <Stack gap={4} align="center">
      <Box bg="white" p="sm"><QRCodeSVG value={value} size={148} title={label} /></Box>
      <Text size="xs" c="dimmed">{label}</Text>
    </Stack>
  );
}

function Secret({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="sm" fw={500}>{label}</Text>
      <Group gap="xs" wrap="nowrap">
        <Code block flex={1} className="wrap-anywhere">{value}</Code>
        <Copy text={value} />
      </Group>
    </div>
  );
}
