import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { curvesOf } from "./curves";

function set(at: string, ...samples: [string, number | null, string?][]): Schemas["MeterValueSetView"] {
  return {
    id: 1, station_id: "CP1", transaction_id: 1, evse_id: 1, sampled_at: at, received_at: at, inferred: false, flags: [],
    samples: samples.map(([measurand, value, phase]) => ({ raw: String(value), value, measurand, unit: "A", phase: phase ?? null, location: null, context: "Sample.Periodic", format: "Raw", flags: [] })),
  } as unknown as Schemas["MeterValueSetView"];
}

describe("curves of a transaction", () => {
  it("go by measurand and phase, in order of time, with gaps where nothing was measured", () => {
    const charts = curvesOf([
      set("2026-01-01T10:01:00.000Z", ["Current.Import", 15, "L1"]),
      set("2026-01-01T10:00:00.000Z", ["Current.Import", 16, "L1"], ["Current.Import", 14, "L2"], ["SoC", 40]),
    ], 1);
    expect(charts.map((chart) => chart.key)).toEqual(["current", "soc"]);
    expect(charts[0]?.curves.map((curve) => [curve.label, curve.values])).toEqual([["Current.Import L1", [16, 15]], ["Current.Import L2", [14, null]]]);
  });

  it("leave out what is no number", () => {
    expect(curvesOf([set("2026-01-01T10:00:00.000Z", ["Voltage", null])], 1)).toEqual([]);
  });

  it("keep the main meter apart from the connector's", () => {
    const at = "2026-01-01T10:00:00.000Z";
    const [current] = curvesOf([{ ...set(at, ["Current.Import", 90]), evse_id: null }, set(at, ["Current.Import", 16])], 1);
    expect(current?.curves.map((curve) => [curve.label, curve.values])).toEqual([["Current.Import connectorId 0", [90]], ["Current.Import", [16]]]);
  });
});
