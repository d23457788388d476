import { Alert, Anchor, Box, Button, Card, Center, Group, PasswordInput, PinInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconBolt } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, api, ask, setCsrfToken } from "../../api/client";
import { useProblemText } from "../../components/Feedback";
import { LanguageMenu, SchemeToggle } from "../../layout/Looks";
import { SESSION_KEY } from "../../session";

const CODE_DIGITS = 6;

/** Signing in. The page behind stays in the address bar, so one returns to where one was. */
export default function SignIn({ expired }: { expired: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  // Once the password was right a code is asked for, also after a wrong one.
  const [asked, setAsked] = useState(false);
  const form = useForm({ initialValues: { username: "", password: "", totp_code: "" } });
  const signIn = useMutation({
    mutationFn: (values: typeof form.values) =>
      ask(api.POST("/api/v1/session", { body: { ...values, totp_code: values.totp_code.trim() || null } })),
    onSuccess: (session) => {
      setCsrfToken(session.csrf_token ?? null);
      client.setQueryData(SESSION_KEY, session);
    },
    onError: (error) => {
      if (error instanceof ApiError && error.problem.code === "totp_required") setAsked(true);
      form.setFieldValue("totp_code", "");
    },
  });
  const onlyAsked = signIn.error instanceof ApiError && signIn.error.problem.code === "totp_required";
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw="24rem" gap="xs">
        <Card shadow="sm" p="xl">
          <form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
            <Stack>
              <Group gap="xs">
                <IconBolt size={28} aria-hidden color="var(--mantine-color-anchor)" />
                <Title order={1} size="h3">Stationmaster</Title>
              </Group>
              {expired && <Alert color="yellow" role="status">{t("session.expired")}</Alert>}
              <TextInput label={t("session.username")} autoComplete="username" required autoFocus {...form.getInputProps("username")} />
              <PasswordInput label={t("session.password")} autoComplete="current-password" required {...form.getInputProps("password")} />
              {asked && <Code value={form.values.totp_code} onChange={(code) => form.setFieldValue("totp_code", code)} />}
              {signIn.error && !onlyAsked && <Alert color="red" role="alert">{problemText(signIn.error)}</Alert>}
              <Button type="submit" loading={signIn.isPending}>{t("session.signIn")}</Button>
              <SingleSignOn />
              <Text size="xs" c="dimmed">{t("session.hint")}</Text>
            </Stack>
          </form>
        </Card>
        <Group justify="center" gap="xs"><LanguageMenu /><SchemeToggle /></Group>
      </Stack>
    </Center>
  );
}

/** The six digits of the app, or a recovery code for whoever has lost it. */
function Code({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  const [recovery, setRecovery] = useState(false);
  const swap = () => {
    onChange("");
    setRecovery(!recovery);
  };
  return (
    <Box>
      {recovery ? <TextInput label={t("session.recoveryCode")} autoFocus autoComplete="off" required value={value} onChange={(event) => onChange(event.currentTarget.value)} /> : (
        <>
          <Text size="sm" fw={500} mb={4} id="totp-label">{t("session.code")}</Text>
          <PinInput length={CODE_DIGITS} type="number" oneTimeCode autoFocus aria-labelledby="totp-label" value={value} onChange={onChange} />
        </>
      )}
      <Anchor component="button" type="button" size="xs" mt={4} onClick={swap}>{recovery ? t("session.useApp") : t("session.useRecovery")}</Anchor>
    </Box>
  );
}

/** Shown when an OpenID provider is configured. */
function SingleSignOn() {
  const { t } = useTranslation();
  const options = useQuery({ queryKey: ["sign-in-options"], queryFn: () => ask(api.GET("/api/v1/session/options")), staleTime: Infinity });
  if (!options.data?.oidc) return null;
  const here = encodeURIComponent(window.location.pathname + window.location.search);
  return (
    <Button component="a" variant="default" href={`/api/v1/session/oidc/start?return_to=${here}`}>
      {t("session.oidc", { name: options.data.oidc.name })}
    </Button>
  );
}
