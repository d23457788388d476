import { Badge, type MantineColor, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";

export type DesiredKey = Schemas["DriftView"] | Schemas["RankedKeyView"];
export const KEY_STATES = ["in_step", "drifted", "unknown", "not_supported", "readonly", "refused", "reboot_pending"] as const;
export const MODES = ["off", "show", "on_demand", "on_connect"] as const;
const COLORS: Record<string, MantineColor> = { in_step: "teal", drifted: "orange", refused: "red", not_supported: "red", readonly: "red", reboot_pending: "blue" };

/** How a key stands, and why in words. */
export function KeyState({ row }: { row: DesiredKey }) {
  const { t } = useTranslation();
  return <Badge color={COLORS[row.state] ?? "gray"} title={t(`desired.reason.${row.reason}`, { defaultValue: row.reason })} data-state={row.state}>{t(`desired.state.${row.state}`)}</Badge>;
}

/** A value, or why there is none to see; in a list of one line each it is cut. */
export function KeyValue({ row, value, cut = false }: { row: DesiredKey; value: string | null; cut?: boolean }) {
  const { t } = useTranslation();
  if (row.secret) return <Text span size="sm" c="dimmed">{t("desired.secret")}</Text>;
  if (value === null) return <Text span size="sm" c="dimmed">–</Text>;
  if (cut && value !== "") return <Text span size="sm" truncate="end" display="block" title={value}>{value}</Text>;
  return value === "" ? <Text span size="sm" c="dimmed">{t("desired.empty")}</Text> : <Text span size="sm" className="wrap-anywhere">{value}</Text>;
}
