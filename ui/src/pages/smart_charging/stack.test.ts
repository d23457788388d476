import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { converted, stepsIn } from "./stack";

const MIDNIGHT = Date.parse("2026-03-02T00:00:00Z");
const DAY = 86_400;

function profile(more: Partial<Schemas["ProfileView"]>, schedule: Partial<Schemas["ScheduleView"]> = {}): Schemas["ProfileView"] {
  return {
    profile_id: 1, purpose: "tx_default", kind: "absolute", recurrency: null, stack_level: 0, valid_from: null, valid_to: null, transaction_id: null, ...more,
    schedule: { unit: "A", duration_s: null, start_schedule: null, min_charging_rate: null, periods: [{ start_period_s: 0, limit: 6, number_phases: 3 }], ...schedule },
  };
}

describe("a profile in a stretch of time", () => {
  it("goes on without end where none is told", () => {
    expect(stepsIn(profile({}, { start_schedule: "2026-03-02T06:00:00Z" }), MIDNIGHT, DAY, "A")).toEqual([{ start_s: 21_600, end_s: DAY, limit: 6 }]);
  });

  it("comes again every day, also with the part that began the day before", () => {
    const recurring = profile({ kind: "recurring", recurrency: "daily" }, { start_schedule: "2026-01-01T22:00:00Z", duration_s: 14_400, periods: [{ start_period_s: 0, limit: 16, number_phases: 3 }, { start_period_s: 7200, limit: 8, number_phases: 3 }] });
    expect(stepsIn(recurring, MIDNIGHT, DAY, "A")).toEqual([{ start_s: 0, end_s: 7200, limit: 8 }, { start_s: 79_200, end_s: DAY, limit: 16 }]);
  });

  it("is cut to when it is valid, and says nothing outside", () => {
    expect(stepsIn(profile({ valid_from: "2026-03-02T01:00:00Z", valid_to: "2026-03-02T02:00:00Z" }, { start_schedule: "2026-03-01T00:00:00Z" }), MIDNIGHT, DAY, "A")).toEqual([{ start_s: 3600, end_s: 7200, limit: 6 }]);
    expect(stepsIn(profile({ valid_to: "2026-03-01T00:00:00Z" }), MIDNIGHT, DAY, "A")).toEqual([]);
  });

  it("is shown from now where it begins with a transaction", () => {
    expect(stepsIn(profile({ kind: "relative" }, { duration_s: 60 }), MIDNIGHT, DAY, "A")).toEqual([{ start_s: 0, end_s: 60, limit: 6 }]);
  });

  it("can be told in the other unit", () => {
    expect(converted(10, "A", "W", null)).toBe(6900);
    expect(converted(2300, "W", "A", 1)).toBe(10);
    expect(converted(5, "A", "A", 1)).toBe(5);
  });
});
