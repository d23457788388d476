import { Text } from "@mantine/core";
import { useWords } from "../i18n/language";
import { useNow } from "../lib/now";
import { formatAgo, formatFull } from "../lib/time";

/** A time in the viewer's zone; on hover the full time and the raw value as it was sent (a plain title: tables have hundreds). */
export function When({ at, raw, ago = false }: { at: string | null | undefined; raw?: string | null; ago?: boolean }) {
  const { language } = useWords();
  const now = useNow(ago ? 10_000 : null);
  if (!at) return <Text span c="dimmed">–</Text>;
  const full = formatFull(at, language);
  return (
    <time dateTime={at} title={`${full} · ${raw ?? at}`} className="tabular nowrap">{ago ? formatAgo(at, now, language) : full}</time>
  );
}
