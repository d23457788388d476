import { Alert, Box, Button, Card, Center, Group, PasswordInput, PinInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconBolt } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { ApiError, api, ask, setCsrfToken } from "../../api/client";
import { useProblemText } from "../../components/Feedback";
import { SESSION_KEY } from "../../session";

/** Signing in. The page behind stays in the address bar, so one returns to where one was. */
export function SignIn({ expired }: { expired: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const problemText = useProblemText();
  const form = useForm({ initialValues: { username: "", password: "", totp_code: "" } });
  const signIn = useMutation({
    mutationFn: (values: typeof form.values) =>
      ask(api.POST("/api/v1/session", { body: { ...values, totp_code: values.totp_code || null } })),
    onSuccess: (session) => {
      setCsrfToken(session.csrf_token ?? null);
      client.setQueryData(SESSION_KEY, session);
    },
  });
  const needsCode = signIn.error instanceof ApiError && signIn.error.problem.code === "totp_required";
  return (
    <Center mih="100dvh" p="md" component="main">
      <Card w="100%" maw="24rem" shadow="sm" p="xl">
        <form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
          <Stack>
            <Group gap="xs">
              <IconBolt size={28} aria-hidden color="var(--mantine-color-anchor)" />
              <Title order={1} size="h3">Stationmaster</Title>
            </Group>
            {expired && <Alert color="yellow" role="status">{t("session.expired")}</Alert>}
            <TextInput label={t("session.username")} autoComplete="username" required autoFocus {...form.getInputProps("username")} />
            <PasswordInput label={t("session.password")} autoComplete="current-password" required {...form.getInputProps("password")} />
            {needsCode && (
              <Box>
                <Text size="sm" fw={500} mb={4} id="totp-label">{t("session.code")}</Text>
                <PinInput length={6} type="number" oneTimeCode autoFocus aria-labelledby="totp-label" {...form.getInputProps("totp_code")} />
              </Box>
            )}
            {signIn.error && !needsCode && <Alert color="red" role="alert">{problemText(signIn.error)}</Alert>}
            <Button type="submit" loading={signIn.isPending}>{t("session.signIn")}</Button>
            <SingleSignOn />
            <Text size="xs" c="dimmed">{t("session.hint")}</Text>
          </Stack>
        </form>
      </Card>
    </Center>
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
