import type { Schemas } from "../../api/client";

type Meters = Pick<Schemas["TransactionView"], "energy_wh" | "last_meter_wh" | "meter_start_wh">;

/** What was charged, in Wh: final, or so far by the newest register value; null where nobody knows. */
export function energyOf(row: Meters): number | null {
  if (row.energy_wh !== null && row.energy_wh !== undefined) return row.energy_wh;
  if (row.last_meter_wh === null || row.last_meter_wh === undefined || row.meter_start_wh === null || row.meter_start_wh === undefined) return null;
  return row.last_meter_wh - row.meter_start_wh;
}
