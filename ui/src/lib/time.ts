/** Times in the viewer's zone; the raw UTC text stays at hand. */
const FULL: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium" };
const SHORT: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

export function formatFull(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, FULL).format(new Date(iso));
}

export function formatClock(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, SHORT).format(new Date(iso));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function formatAgo(iso: string, nowMs: number, language: string): string {
  const seconds = Math.round((new Date(iso).getTime() - nowMs) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const [unit, length] of STEPS) if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  return format.format(seconds, "second");
}

export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

/** A moment as a field of a form writes it, in the viewer's zone. */
export function toLocal(iso: string | null): string {
  if (iso === null) return "";
  const moment = new Date(iso);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function fromLocal(text: string): string | null {
  const moment = new Date(text);
  return text === "" || Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}
