import { Alert, Button, Center, Group, Loader, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconMoodEmpty, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";

/** Nothing here yet: says why and what to do next. */
export function Empty({ title, children, icon, action }: { title: string; children?: ReactNode; icon?: ReactNode; action?: ReactNode }) {
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw="32rem" ta="center">
        <ThemeIcon variant="light" size="xl" radius="xl" aria-hidden>{icon ?? <IconMoodEmpty />}</ThemeIcon>
        <Title order={3} size="h4">{title}</Title>
        {children && <Text c="dimmed">{children}</Text>}
        {action}
      </Stack>
    </Center>
  );
}

/** The words of a failure; `unreachable` is ours, the rest is what the API said. */
export function useProblemText(): (error: unknown) => string {
  const { t } = useTranslation();
  return (error) => {
    if (error instanceof ApiError) {
      if (error.status === 0) return t("problem.unreachable");
      const said = error.problem.detail ?? error.problem.title;
      // Some problems say the same twice: once as a sentence, once for each field.
      const fields = error.problem.errors?.filter((field) => !said.includes(field.message)).map((field) => `${field.field}: ${field.message}`).join("; ");
      return [said, fields].filter(Boolean).join(" – ");
    }
    return error instanceof Error ? error.message : String(error);
  };
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const text = useProblemText()(error);
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={t("problem.title")} role="alert">
      <Group justify="space-between" align="center">
        <Text size="sm" className="wrap-anywhere">{text}</Text>
        {retry && (
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            {t("action.retry")}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

export function Loading() {
  const { t } = useTranslation();
  return (
    <Center py="xl">
      <Loader role="progressbar" aria-label={t("state.loading")} />
    </Center>
  );
}

interface QueryLike<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** A query's three faces: waiting, failed (can be retried), there. */
export function Await<T>({ query, children }: { query: QueryLike<T>; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Loading />;
}
