import { Alert, Code, Group, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Copy } from "./Json";

/** Something that is shown only once. */
export function Secret({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>{label}</Text>
      <Group gap="xs" wrap="nowrap">
        <Code block flex={1} className="wrap-anywhere">{value}</Code>
        <Copy text={value} />
      </Group>
      <Alert role="note" color="yellow" p="xs">{t("state.once")}</Alert>
    </Stack>
  );
}
