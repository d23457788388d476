import { Text } from "@mantine/core";
import { useWords } from "../i18n/language";
import { useNow } from "../lib/now";
import { formatAgo, formatFull, formatUntil } from "../lib/time";

interface Props {
  at: string | null | undefined;
  raw?: string | null;
  /** Tell how long ago it happened. */
  ago?: boolean;
  /** Tell how long it is until then. */
  until?: boolean;
}

/** A time in the viewer's zone; on hover the full time and the raw value as it was sent (a plain title: tables have hundreds). */
export function When({ at, raw, ago = false, until = false }: Props) {
  const { language } = useWords();
  const now = useNow(ago || until ? 10_000 : null);
  if (!at) return <Text span c="dimmed">–</Text>;
  const full = formatFull(at, language);
  return (
    <time dateTime={at} title={`${full} · ${raw ?? at}`} className="tabular nowrap">{ago ? formatAgo(at, now, language) : until ? formatUntil(at, now, language) : full}</time>
  );
}
