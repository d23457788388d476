import { describe, expect, it } from "vitest";
import { hoursOf } from "./hours";

const NOW = Date.parse("2026-03-01T12:30:00Z");

describe("energy per hour", () => {
  it("is spread over the hours a transaction took", () => {
    const { energy_kwh, started, times } = hoursOf([{ started_at: "2026-03-01T10:30:00Z", stopped_at: "2026-03-01T11:30:00Z", energy_wh: 10_000 }], NOW, 3);
    expect(times[0]).toBe(Date.parse("2026-03-01T10:00:00Z") / 1000);
    expect(energy_kwh).toEqual([5, 5, 0]);
    expect(started).toEqual([1, 0, 0]);
  });

  it("counts of what began earlier only what lies in the hours shown", () => {
    const { energy_kwh, started } = hoursOf([{ started_at: "2026-03-01T09:00:00Z", stopped_at: "2026-03-01T11:00:00Z", energy_wh: 4000 }], NOW, 3);
    expect(energy_kwh).toEqual([2, 0, 0]);
    expect(started).toEqual([0, 0, 0]);
  });

  it("leaves out what has no beginning", () => {
    expect(hoursOf([{ started_at: null, stopped_at: "2026-03-01T11:00:00Z", energy_wh: 4000 }], NOW, 3).energy_kwh).toEqual([0, 0, 0]);
  });
});
