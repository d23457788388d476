/** Meter value sets become curves: one per measurand and phase, grouped into charts by what they measure. */
import type { Schemas } from "../../api/client";
import type { Curve } from "../../components/LineChart";

type Set = Schemas["MeterValueSetView"];

export const CHARTS = [
  { key: "power", measurands: ["Power.Active.Import", "Power.Offered", "Power.Active.Export"] },
  { key: "current", measurands: ["Current.Import", "Current.Offered", "Current.Export"] },
  { key: "energy", measurands: ["Energy.Active.Import.Register", "Energy.Active.Export.Register"] },
  { key: "soc", measurands: ["SoC"] },
  { key: "voltage", measurands: ["Voltage"] },
  { key: "temperature", measurands: ["Temperature"] },
] as const;

export interface ChartData {
  key: string;
  times: number[];
  curves: Curve[];
}

export function curvesOf(sets: readonly Set[]): ChartData[] {
  const ordered = [...sets].sort((a, b) => a.sampled_at.localeCompare(b.sampled_at));
  return CHARTS.flatMap(({ key, measurands }) => {
    const wanted = new Map<string, { curve: Curve; points: Map<number, number> }>();
    const times = new Set<number>();
    for (const set of ordered) {
      const time = new Date(set.sampled_at).getTime() / 1000;
      for (const sample of set.samples) {
        if (sample.value === null || sample.value === undefined || !(measurands as readonly string[]).includes(sample.measurand)) continue;
        const label = [sample.measurand, sample.phase].filter(Boolean).join(" ");
        let entry = wanted.get(label);
        if (!entry) {
          entry = { curve: { label, unit: sample.unit ?? "", values: [], stepped: sample.measurand.endsWith("Offered"), dashed: sample.measurand.endsWith("Offered") }, points: new Map() };
          wanted.set(label, entry);
        }
        entry.points.set(time, sample.value);
        times.add(time);
      }
    }
    if (wanted.size === 0) return [];
    const axis = [...times].sort((a, b) => a - b);
    const curves = [...wanted.values()].map(({ curve, points }) => ({ ...curve, values: axis.map((time) => points.get(time) ?? null) }));
    return [{ key, times: axis, curves }];
  });
}
