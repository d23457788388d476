import { Alert, Button, Card, Code, Group, PasswordInput, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { QRCodeSVG } from "qrcode.react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, setCsrfToken } from "../../api/client";
import { Facts } from "../../components/DataTable";
import { Download } from "../../components/Download";
import { useProblemText } from "../../components/Feedback";
import { Copy } from "../../components/Json";
import { Page } from "../../components/Page";
import { SESSION_KEY, useSession } from "../../session";

/** One's own account: who one is, the password, the second factor. */
export default function AccountPage() {
  const { t } = useTranslation();
  const { session } = useSession();
  if (session === null) return null;
  return (
    <Page title={t("nav.account")}>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card>
          <Facts rows={[[t("session.username"), session.username], [t("token.name"), session.name], [t("user.role"), t(`role.${session.role}`, { defaultValue: session.role })], [t("organisation.one"), session.organisation_id], [t("user.sites"), session.site_ids?.join(", ") ?? t("user.allSites")]]} />
        </Card>
        <Password />
        <SecondFactor enabled={session.totp_enabled} />
      </SimpleGrid>
    </Page>
  );
}

function Password() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const form = useForm({ initialValues: { current_password: "", new_password: "" } });
  const change = useMutation({
    mutationFn: (values: typeof form.values) => ask(api.POST("/api/v1/session/password", { body: values })),
    onSuccess: (session) => {
      setCsrfToken(session.csrf_token);
      client.setQueryData(SESSION_KEY, session);
      form.reset();
    },
  });
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("account.password")}</Title>
      <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
        <Stack gap="xs">
          <PasswordInput label={t("account.current")} autoComplete="current-password" required {...form.getInputProps("current_password")} />
          <PasswordInput label={t("account.new")} description={t("account.newHelp")} autoComplete="new-password" required {...form.getInputProps("new_password")} />
          {change.error && <Alert color="red" role="alert">{problemText(change.error)}</Alert>}
          {change.isSuccess && <Text size="sm" role="status">{t("account.changed")}</Text>}
          <Group justify="flex-end"><Button type="submit" loading={change.isPending}>{t("action.save")}</Button></Group>
        </Stack>
      </form>
    </Card>
  );
}

function SecondFactor({ enabled }: { enabled: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const fresh = () => client.invalidateQueries({ queryKey: SESSION_KEY });
  const enrol = useMutation({ mutationFn: () => ask(api.POST("/api/v1/session/totp", { body: { password } })) });
  const confirm = useMutation({ mutationFn: () => ask(api.POST("/api/v1/session/totp/confirm", { body: { code } })), onSuccess: fresh });
  const disable = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/session/totp/disable", { body: { password } })),
    onSuccess: () => {
      enrol.reset();
      confirm.reset();
      setPassword("");
      return fresh();
    },
  });
  const error = enrol.error ?? confirm.error ?? disable.error;
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t("user.totp")}</Title>
      <Stack gap="xs">
        {confirm.data ? (
          <>
            <Alert color="teal">{t("account.totpOn")}</Alert>
            <Text size="sm">{t("account.recovery")}</Text>
            <Code block>{confirm.data.recovery_codes.join("\n")}</Code>
            <Group gap="xs"><Copy text={confirm.data.recovery_codes.join("\n")} /><Download text={confirm.data.recovery_codes.join("\n") + "\n"} type="text/plain" name="stationmaster-recovery-codes.txt" label={t("account.keepCodes")} /></Group>
          </>
        ) : enrol.data && !enabled ? (
          <form onSubmit={(event) => { event.preventDefault(); confirm.mutate(); }}>
            <Stack gap="xs">
              <Text size="sm">{t("account.scan")}</Text>
              <Group justify="center" bg="white" p="md"><QRCodeSVG value={enrol.data.uri} size={168} title={t("account.scan")} /></Group>
              <Text size="xs" c="dimmed">{t("account.typeIt")}</Text>
              <Group gap="xs" wrap="nowrap"><Code block flex={1} className="wrap-anywhere">{enrol.data.secret}</Code><Copy text={enrol.data.secret} /></Group>
              <TextInput label={t("session.code")} autoComplete="one-time-code" inputMode="numeric" required value={code} onChange={(event) => setCode(event.currentTarget.value)} />
              <Group justify="flex-end"><Button type="submit" loading={confirm.isPending}>{t("action.confirm")}</Button></Group>
            </Stack>
          </form>
        ) : (
          <form onSubmit={(event) => { event.preventDefault(); (enabled ? disable : enrol).mutate(); }}>
            <Stack gap="xs">
              <Text size="sm">{enabled ? t("account.totpIsOn") : t("account.totpIsOff")}</Text>
              <PasswordInput label={t("account.current")} autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
              <Group justify="flex-end"><Button type="submit" variant={enabled ? "default" : "filled"} loading={enrol.isPending || disable.isPending}>{enabled ? t("account.totpDisable") : t("account.totpEnable")}</Button></Group>
            </Stack>
          </form>
        )}
        {error && <Alert color="red" role="alert">{problemText(error)}</Alert>}
      </Stack>
    </Card>
  );
}
