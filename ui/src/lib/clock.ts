/** Lengths of time as people write them: "8:00" is eight hours, "0:00:30" half a minute. */

/** Seconds, or null where the text is no length of time. A bare number is seconds. */
export function parseClock(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  const match = /^(\d{1,4}):([0-5]?\d)(?::([0-5]?\d))?$/.exec(trimmed);
  if (!match) return null;
  return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
}

export function formatClock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const rest = seconds % 60;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))}${rest > 0 ? `:${two(rest)}` : ""}`;
}
