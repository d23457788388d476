import { Box, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Hint } from "../components/Hint";
import { useStreamState } from "../live/events";

const COLORS = { live: "teal.6", connecting: "gray.5", lost: "red.6" } as const;

/** Whether what is on the page is live; a lost connection is said in words, and heals by itself. */
export function StreamLight() {
  const { t } = useTranslation();
  const state = useStreamState();
  return (
    <Hint label={t(`stream.${state}.long`)}>
      <Group gap={6} wrap="nowrap" role="status" data-stream={state}>
        <Box w={9} h={9} bg={COLORS[state]} style={{ borderRadius: "50%" }} aria-hidden />
        <Text size="xs" visibleFrom={state === "lost" ? undefined : "sm"}>{t(`stream.${state}.short`)}</Text>
      </Group>
    </Hint>
  );
}
