/** Limits of a site in words, and their load over time as curves. */
import type { Schemas } from "../../api/client";
import type { Curve } from "../../components/LineChart";
import { formatPower } from "../../lib/units";

export const LANES = ["l1_a", "l2_a", "l3_a", "total_a"] as const;
export const PHASES = ["L1", "L2", "L3"] as const;
export type Lane = (typeof LANES)[number];
export const LANE_NAMES: Record<Lane, string> = { l1_a: "L1", l2_a: "L2", l3_a: "L3", total_a: "L1 + L2 + L3" };

type Limit = Pick<Schemas["LimitView"], "l1_a" | "l2_a" | "l3_a" | "total_w" | "daily_from" | "daily_to">;
type Point = Schemas["LoadPointView"];

export function limitInWords(limit: Limit, language: string): string {
  const phases = [limit.l1_a, limit.l2_a, limit.l3_a];
  const given = phases.filter((amperes) => amperes !== null);
  const same = given.length === phases.length && new Set(given).size === 1;
  const parts = same ? [`3 × ${given[0]} A`] : phases.flatMap((amperes, index) => (amperes === null ? [] : [`L${index + 1} ${amperes} A`]));
  if (limit.total_w !== null) parts.push(formatPower(limit.total_w, language));
  const when = limit.daily_from === null && limit.daily_to === null ? "" : ` (${limit.daily_from ?? "00:00"}–${limit.daily_to ?? "24:00"})`;
  return parts.join(", ") + when;
}

export function limitsInWords(limits: readonly Limit[], language: string): string {
  return limits.map((limit) => limitInWords(limit, language)).join("; ");
}

/** Where a lane has a limit or is used at all, the ones worth looking at. */
export function lanesOf(points: readonly Point[]): Lane[] {
  return LANES.filter((lane) => points.some((point) => point.limit[lane] !== null));
}

/** The load of one lane as steps: each point holds until the next, the last until `until`. */
export function curvesOfLoad(points: readonly Point[], until: string, lane: Lane, names: Record<"limit" | "offered" | "reserved" | "measured" | "others", string>): { times: number[]; curves: Curve[] } {
  const last = points.at(-1);
  const held = last && new Date(until) > new Date(last.at) ? [...points, { ...last, at: until }] : [...points];
  const line = (label: string, value: (point: Point) => number | null, dashed = false): Curve => ({ label, unit: "A", values: held.map(value), stepped: true, dashed });
  const curves = [
    line(names.limit, (point) => point.limit[lane], true),
    line(names.reserved, (point) => point.reserved[lane]),
    line(names.offered, (point) => point.offered[lane]),
    line(names.measured, (point) => point.measured[lane]),
  ];
  if (held.some((point) => (point.other_loads[lane] ?? 0) > 0)) curves.push(line(names.others, (point) => point.other_loads[lane]));
  return { times: held.map((point) => new Date(point.at).getTime() / 1000), curves };
}
