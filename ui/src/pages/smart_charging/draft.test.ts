import { describe, expect, it } from "vitest";
import { BLANK, profileOf, stepsOf } from "./draft";

describe("a charging profile being drafted", () => {
  it("sends a recurrency only where it recurs", () => {
    expect(profileOf(BLANK).recurrency).toBe("daily");
    expect(profileOf({ ...BLANK, kind: "absolute" }).recurrency).toBeNull();
  });

  it("has no start of its own where it starts with the transaction", () => {
    expect(profileOf({ ...BLANK, kind: "relative", start_schedule: "2026-01-01T00:00:00Z" }).schedule.start_schedule).toBeNull();
  });

  it("leaves out what was left empty", () => {
    const { schedule } = profileOf({ ...BLANK, duration_s: "", periods: [{ start_period_s: 0, limit: 6, number_phases: "" }] });
    expect(schedule.duration_s).toBeNull();
    expect(schedule.periods).toEqual([{ start_period_s: 0, limit: 6, number_phases: null }]);
  });

  it("draws its steps in the order of time", () => {
    expect(stepsOf([{ start_period_s: 60, limit: 2 }, { start_period_s: 0, limit: null }])).toEqual([{ start_s: 0, limit: null }, { start_s: 60, limit: 2 }]);
  });
});
