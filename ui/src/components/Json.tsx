import { Code, CopyButton, ActionIcon, Box, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** Raw data as text, never as markup; what parses as JSON is laid out. */
export function Json({ value, maxHeight = "20rem" }: { value: unknown; maxHeight?: string }) {
  const text = typeof value === "string" ? layOut(value) : JSON.stringify(value, null, 2);
  return (
    <Box pos="relative">
      <Code block className="wrap-anywhere" style={{ maxHeight, overflow: "auto" }} tabIndex={0}>{text}</Code>
      <Box pos="absolute" top={4} right={4}><Copy text={text} /></Box>
    </Box>
  );
}

function layOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function Copy({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("action.copied") : t("action.copy")}>
          <ActionIcon variant="subtle" color={copied ? "teal" : "gray"} onClick={copy} aria-label={t("action.copy")}>
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
