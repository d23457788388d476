/**
 * Installed profiles as steps in a stretch of time, for the picture of the stack. What comes of them together is
 * reckoned by the server; this only shows what each of them says by itself.
 */
import type { Schemas } from "../../api/client";
import type { Steps } from "../../components/steps";

type Profile = Schemas["ProfileView"];
type Unit = "A" | "W";

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** As in OCPP 1.6 §3.13.7: 230 V between phase and neutral, three phases unless something else is said. */
const VOLTS = 230;
const PHASES = 3;

export function converted(limit: number, from: string, to: Unit, phases: number | null | undefined): number {
  if (from === to) return limit;
  const watts_per_ampere = VOLTS * (phases ?? PHASES);
  return to === "W" ? limit * watts_per_ampere : limit / watts_per_ampere;
}

/** The steps of a profile between `origin_ms` and `duration_s` later; empty where it says nothing then. */
export function stepsIn(profile: Profile, origin_ms: number, duration_s: number, unit: Unit): Steps["periods"] {
  const end_ms = origin_ms + duration_s * 1000;
  const from_ms = Math.max(origin_ms, profile.valid_from ? Date.parse(profile.valid_from) : -Infinity);
  const to_ms = Math.min(end_ms, profile.valid_to ? Date.parse(profile.valid_to) : Infinity);
  const { schedule } = profile;
  const periods = [...schedule.periods].sort((a, b) => a.start_period_s - b.start_period_s);
  return startsOf(profile, origin_ms, end_ms).flatMap(({ start_ms, until_ms }) =>
    periods.flatMap((period, index) => {
      const next = periods[index + 1]?.start_period_s;
      const begins = Math.max(from_ms, start_ms + period.start_period_s * 1000);
      const ends = Math.min(to_ms, until_ms, next === undefined ? Infinity : start_ms + next * 1000);
      if (ends <= begins) return [];
      const limit = period.limit === null || period.limit === undefined ? null : converted(period.limit, schedule.unit, unit, period.number_phases);
      return [{ start_s: (begins - origin_ms) / 1000, end_s: (ends - origin_ms) / 1000, limit }];
    }),
  );
}

/** When its schedule begins, as often as it does in this time. A relative one begins with a transaction: it is shown as if now. */
function startsOf({ kind, recurrency, schedule, valid_from }: Profile, origin_ms: number, end_ms: number): { start_ms: number; until_ms: number }[] {
  const length_ms = schedule.duration_s === null ? Infinity : schedule.duration_s * 1000;
  if (kind === "relative") return [{ start_ms: origin_ms, until_ms: origin_ms + length_ms }];
  const start_ms = schedule.start_schedule ? Date.parse(schedule.start_schedule) : valid_from ? Date.parse(valid_from) : origin_ms;
  if (kind !== "recurring") return [{ start_ms, until_ms: start_ms + length_ms }];
  const every_ms = recurrency === "weekly" ? WEEK_MS : DAY_MS;
  const starts: { start_ms: number; until_ms: number }[] = [];
  for (let at = start_ms + Math.floor((origin_ms - start_ms) / every_ms) * every_ms; at < end_ms; at += every_ms) starts.push({ start_ms: at, until_ms: at + Math.min(every_ms, length_ms) });
  return starts;
}
