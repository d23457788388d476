/** A limit for some time as a form has it and as the API takes it. */
import type { Schemas } from "../../api/client";

export type Amount = number | string;
type Limit = Pick<Schemas["LimitView"], "l1_a" | "l2_a" | "l3_a" | "total_w">;

/** Amperes per phase, kilowatts in all; empty where it does not speak of it. */
export interface Amounts {
  by: "phase" | "total";
  l1_a: Amount;
  l2_a: Amount;
  l3_a: Amount;
  total_kw: Amount;
}

interface Entry extends Amounts {
  valid_from: string | null;
  valid_to: string | null;
}

export const NO_AMOUNTS: Amounts = { by: "phase", l1_a: "", l2_a: "", l3_a: "", total_kw: "" };
export const NEW_ENTRY: Entry = { ...NO_AMOUNTS, valid_from: null, valid_to: null };

export const given = (value: Amount): number | null => (value === "" || value === null ? null : Number(value));

export function amountsOf(limit: Limit): Amounts {
  const by = limit.total_w !== null && limit.l1_a === null && limit.l2_a === null && limit.l3_a === null ? "total" : "phase";
  return { by, l1_a: limit.l1_a ?? "", l2_a: limit.l2_a ?? "", l3_a: limit.l3_a ?? "", total_kw: limit.total_w === null ? "" : limit.total_w / 1000 };
}

/** The total stays beside amperes that are there: a limit may speak of both. */
export function amountsBodyOf({ by, l1_a, l2_a, l3_a, total_kw }: Amounts) {
  const kilowatts = given(total_kw);
  return { ...(by === "phase" ? { l1_a: given(l1_a), l2_a: given(l2_a), l3_a: given(l3_a) } : {}), total_w: kilowatts === null ? null : Math.round(kilowatts * 1000) };
}

export function entryOf(entry: Limit & Pick<Schemas["LimitView"], "valid_from" | "valid_to">): Entry {
  return { ...amountsOf(entry), valid_from: entry.valid_from, valid_to: entry.valid_to };
}

export function entryBodyOf(entry: Entry) {
  return { ...amountsBodyOf(entry), valid_from: entry.valid_from, valid_to: entry.valid_to };
}
