/** What the newest samples say of a connector: power, register, charge, and the current of each phase. */
import type { Schemas } from "../../api/client";

export interface Reading {
  power_w?: number;
  energy_wh?: number;
  soc_percent?: number;
  /** By phase: L1, L2, L3. */
  current_a?: Record<string, number>;
}

type Sample = Pick<Schemas["SampleView"], "value" | "measurand" | "phase">;
const LINES = /^L[123](-N)?$/;

export function readingOf(samples: unknown): Reading {
  const found: Reading = {};
  if (!Array.isArray(samples)) return found;
  let phases_w: number | undefined;
  for (const { value, measurand, phase } of samples as Sample[]) {
    if (value === null || value === undefined) continue;
    if (measurand === "Power.Active.Import") {
      if (!phase) found.power_w = value;
      else if (LINES.test(phase)) phases_w = (phases_w ?? 0) + value;
    }
    if ((measurand === "Energy.Active.Import.Register" || measurand === undefined) && !phase) found.energy_wh = value;
    if (measurand === "SoC") found.soc_percent = value;
    if (measurand === "Current.Import") found.current_a = { ...found.current_a, [phase && LINES.test(phase) ? phase.slice(0, 2) : ""]: value };
  }
  if (found.power_w === undefined && phases_w !== undefined) found.power_w = phases_w;
  return found;
}

/** The newest values first: an older set only adds what the newer ones do not tell. */
export function newestOf(sets: readonly Pick<Schemas["MeterValueSetView"], "evse_id" | "samples" | "sampled_at">[]): Record<number, Reading> {
  const found: Record<number, Reading> = {};
  for (const set of [...sets].sort((a, b) => b.sampled_at.localeCompare(a.sampled_at))) {
    const evse = set.evse_id ?? 0;
    found[evse] = { ...readingOf(set.samples), ...found[evse] };
  }
  return found;
}
