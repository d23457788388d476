import { Text, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNow } from "../lib/now";
import { formatAgo, formatFull } from "../lib/time";

/** A time in the viewer's zone; on hover the full time and the raw value as it was sent. */
export function When({ at, raw, ago = false }: { at: string | null | undefined; raw?: string | null; ago?: boolean }) {
  const { i18n } = useTranslation();
  const now = useNow(ago ? 10_000 : null);
  if (!at) return <Text span c="dimmed">–</Text>;
  const full = formatFull(at, i18n.language);
  return (
    <Tooltip label={`${full} · ${raw ?? at}`}>
      <time dateTime={at} className="tabular">{ago ? formatAgo(at, now, i18n.language) : full}</time>
    </Tooltip>
  );
}
