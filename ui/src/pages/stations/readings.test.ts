import { describe, expect, it } from "vitest";
import { newestOf, readingOf } from "./readings";

const sample = (measurand: string, value: number | null, phase: string | null = null) => ({ measurand, value, phase, raw: "", unit: null, location: null, context: "", format: "Raw", flags: [] });

describe("what samples say of a connector", () => {
  it("is power, energy, charge and current by phase", () => {
    expect(readingOf([sample("Power.Active.Import", 11_000), sample("Energy.Active.Import.Register", 5000), sample("SoC", 40), sample("Current.Import", 16, "L1"), sample("Current.Import", 15, "L2-N")])).toEqual({ power_w: 11_000, energy_wh: 5000, soc_percent: 40, current_a: { L1: 16, L2: 15 } });
  });

  it("adds the phases up where nothing tells the whole", () => {
    expect(readingOf([sample("Power.Active.Import", 3000, "L1"), sample("Power.Active.Import", 2000, "L2")]).power_w).toBe(5000);
    expect(readingOf([sample("Power.Active.Import", 4900), sample("Power.Active.Import", 3000, "L1")]).power_w).toBe(4900);
  });

  it("is nothing where nothing was measured", () => {
    expect(readingOf("nonsense")).toEqual({});
    expect(readingOf([sample("SoC", null)])).toEqual({});
  });

  it("comes from the newest set that tells it", () => {
    const sets = [{ evse_id: 1, sampled_at: "2026-01-01T00:00:00Z", samples: [sample("SoC", 40), sample("Power.Active.Import", 1)] }, { evse_id: 1, sampled_at: "2026-01-01T00:01:00Z", samples: [sample("Power.Active.Import", 2)] }];
    expect(newestOf(sets)).toEqual({ 1: { soc_percent: 40, power_w: 2 } });
  });
});
