/** Times in the viewer's zone; the raw UTC text stays at hand. */
import { dateFormat, localeOf } from "./locale";

const FULL: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium" };
const SHORT: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

export function formatFull(iso: string, language: string): string {
  return dateFormat(language, FULL).format(new Date(iso));
}

export function formatClock(iso: string, language: string): string {
  return dateFormat(language, SHORT).format(new Date(iso));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

let agoFormat: { language: string; format: Intl.RelativeTimeFormat } | undefined;

function relative(language: string): Intl.RelativeTimeFormat {
  if (agoFormat?.language !== language) agoFormat = { language, format: new Intl.RelativeTimeFormat(localeOf(language), { numeric: "auto" }) };
  return agoFormat.format;
}

/** So far ahead what has just happened may seem: the viewer's clock is a little behind the server's, and looked at now and then only. */
const BEHIND_S = 15;

/** How long ago something happened. */
export function formatAgo(iso: string, nowMs: number, language: string): string {
  const seconds = secondsAhead(iso, nowMs);
  return seconds > 0 && seconds <= BEHIND_S ? fromNow(0, language) : fromNow(seconds, language);
}

/** How long it is until something happens, or how long ago it did after all. */
export function formatUntil(iso: string, nowMs: number, language: string): string {
  return fromNow(secondsAhead(iso, nowMs), language);
}

function secondsAhead(iso: string, nowMs: number): number {
  return Math.round((new Date(iso).getTime() - nowMs) / 1000);
}

function fromNow(seconds: number, language: string): string {
  const format = relative(language);
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
