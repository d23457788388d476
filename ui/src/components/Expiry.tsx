import { Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNow } from "../lib/now";
import { StateBadge } from "./StateBadge";
import { When } from "./When";

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

/** When something ends, and a word of warning if that is soon or has been. */
export function Expiry({ at }: { at: string }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const days = Math.floor((new Date(at).getTime() - now) / DAY_MS);
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="sm" component="div" style={{ whiteSpace: "nowrap" }}><When at={at} until /></Text>
      {days < 0 ? <StateBadge state="expired" /> : days < SOON_DAYS ? <StateBadge state="warning" title={t("certificates.soon", { count: days })} /> : null}
    </Group>
  );
}
