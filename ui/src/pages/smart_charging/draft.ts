/** A charging profile as a form holds it, to and from what the API takes, and as steps for the chart. */
import type { Schemas } from "../../api/client";
import type { Steps } from "../../components/StepChart";

export type Profile = Schemas["ProfileBody"];

export interface Draft {
  name: string;
  note: string;
  purpose: Profile["purpose"];
  kind: Profile["kind"];
  recurrency: "daily" | "weekly";
  stack_level: number | "";
  valid_from: string | null;
  valid_to: string | null;
  unit: "A" | "W";
  duration_s: number | "";
  start_schedule: string | null;
  min_charging_rate: number | "";
  periods: { start_period_s: number | ""; limit: number | ""; number_phases: number | "" }[];
}

export const BLANK: Draft = {
  name: "", note: "", purpose: "tx_default", kind: "recurring", recurrency: "daily", stack_level: 0, valid_from: null, valid_to: null,
  unit: "A", duration_s: 86_400, start_schedule: null, min_charging_rate: "",
  periods: [{ start_period_s: 0, limit: 6, number_phases: 3 }, { start_period_s: 28_800, limit: 32, number_phases: 3 }, { start_period_s: 64_800, limit: 6, number_phases: 3 }],
};

/** Where people often begin; the rest of the draft stays as it is. */
export const PRESETS: readonly { key: string; draft: Partial<Draft> }[] = [
  { key: "night", draft: { purpose: "tx_default", kind: "recurring", recurrency: "daily", duration_s: 86_400, unit: "A", periods: BLANK.periods } },
  { key: "constant", draft: { kind: "absolute", duration_s: "", unit: "A", periods: [{ start_period_s: 0, limit: 6, number_phases: 3 }] } },
  { key: "station", draft: { purpose: "station_max", kind: "absolute", duration_s: "", unit: "A", periods: [{ start_period_s: 0, limit: 32, number_phases: 3 }] } },
  { key: "boost", draft: { purpose: "tx_default", kind: "relative", duration_s: "", unit: "A", periods: [{ start_period_s: 0, limit: 32, number_phases: 3 }, { start_period_s: 1800, limit: 16, number_phases: 3 }] } },
];

export function draftOf(row: Schemas["LibraryProfileView"]): Draft {
  const { profile } = row;
  return {
    name: row.name, note: row.note ?? "", purpose: profile.purpose as Draft["purpose"], kind: profile.kind as Draft["kind"], recurrency: (profile.recurrency ?? "daily") as Draft["recurrency"],
    stack_level: profile.stack_level, valid_from: profile.valid_from, valid_to: profile.valid_to, unit: profile.schedule.unit as Draft["unit"], duration_s: profile.schedule.duration_s ?? "",
    start_schedule: profile.schedule.start_schedule, min_charging_rate: profile.schedule.min_charging_rate ?? "",
    periods: profile.schedule.periods.map((period) => ({ start_period_s: period.start_period_s, limit: period.limit ?? "", number_phases: period.number_phases ?? "" })),
  };
}

const orNull = (value: number | "") => (value === "" ? null : value);

export function profileOf(draft: Draft): Profile {
  return {
    purpose: draft.purpose,
    kind: draft.kind,
    recurrency: draft.kind === "recurring" ? draft.recurrency : null,
    stack_level: orNull(draft.stack_level) ?? 0,
    valid_from: draft.valid_from,
    valid_to: draft.valid_to,
    schedule: {
      unit: draft.unit,
      duration_s: orNull(draft.duration_s),
      start_schedule: draft.kind === "relative" ? null : draft.start_schedule,
      min_charging_rate: orNull(draft.min_charging_rate),
      periods: draft.periods.map((period) => ({ start_period_s: orNull(period.start_period_s) ?? 0, limit: orNull(period.limit) ?? 0, number_phases: orNull(period.number_phases) })),
    },
  };
}

interface Period {
  start_period_s: number;
  limit?: number | null;
}

/** The steps in the order of time: what is drawn is what will hold, in whatever order it was typed. */
export function stepsOf(periods: readonly Period[]): Steps["periods"] {
  return [...periods].sort((a, b) => a.start_period_s - b.start_period_s).map((period) => ({ start_s: period.start_period_s, limit: period.limit ?? null }));
}
