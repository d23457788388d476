/** Meter value sets become curves: one per measurand and phase, grouped into charts by what they measure. */
import type { Schemas } from "../../api/client";
import type { Curve } from "../../components/LineChart";

type Set = Schemas["MeterValueSetView"];

export const CHARTS = [
  { key: "power", measurands: ["Power.Active.Import", "Power.Offered", "Power.Active.Export"] },
  { key: "current", measurands: ["Current.Import", "Current.Offered", "Current.Export"] },
  { key: "energy", measurands: ["Energy.Active.Import.Register", "Energy.Active.Export.Register", "Energy.Active.Import.Interval"] },
  { key: "soc", measurands: ["SoC"] },
  { key: "voltage", measurands: ["Voltage"] },
  { key: "temperature", measurands: ["Temperature"] },
] as const;

export interface ChartData {
  key: string;
  /** Seconds since 1970, ascending. */
  times: number[];
  curves: Curve[];
}

/** How a unit of the API is shown: its sign, and how many of it make one of them. */
const SHOWN: Record<string, [string, number]> = { W: ["kW", 1000], Wh: ["kWh", 1000], Percent: ["%", 1], Celsius: ["°C", 1], Celcius: ["°C", 1] };

/** `evseId` is where the transaction is: curves of other meters, as the main meter's, say which they are of. */
export function curvesOf(sets: readonly Set[], evseId: number | null): ChartData[] {
  const timed = sets.map((set) => ({ set, time: Date.parse(set.sampled_at) / 1000 })).sort((a, b) => a.time - b.time);
  return CHARTS.flatMap(({ key, measurands }) => {
    const wanted = new Map<string, { curve: Curve; points: Map<number, number> }>();
    const times: number[] = [];
    for (const { set, time } of timed) {
      for (const sample of set.samples) {
        if (sample.value === null || sample.value === undefined || !(measurands as readonly string[]).includes(sample.measurand)) continue;
        const [unit, factor] = SHOWN[sample.unit ?? ""] ?? [sample.unit ?? "", 1];
        const label = [
          sample.measurand,
          sample.phase,
          sample.location && sample.location !== "Outlet" ? sample.location : null,
          (set.evse_id ?? null) === evseId ? null : `connectorId ${set.evse_id ?? 0}`,
        ]
          .filter(Boolean)
          .join(" ");
        let entry = wanted.get(label);
        if (!entry) {
          const offered = sample.measurand.endsWith("Offered");
          entry = { curve: { label, unit, values: [], stepped: offered, dashed: offered }, points: new Map() };
          wanted.set(label, entry);
        }
        entry.points.set(time, sample.value / factor);
        if (times.at(-1) !== time) times.push(time);
      }
    }
    if (wanted.size === 0) return [];
    const curves = [...wanted.values()].map(({ curve, points }) => ({ ...curve, values: times.map((time) => points.get(time) ?? null) }));
    return [{ key, times, curves }];
  });
}
