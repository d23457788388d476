import { describe, expect, it } from "vitest";
import { ceilingOf, pathOf, type Steps } from "./steps";

const same = (value: number) => value;
const steps = (...periods: Steps["periods"]): Steps => ({ label: "", color: "", periods });

describe("steps over time", () => {
  it("go on to the next, and the last to the end", () => {
    expect(pathOf(steps({ start_s: 0, limit: 6 }, { start_s: 60, limit: 16 }), 100, same, same)).toBe("M0 6 L60 6 L60 16 L100 16");
  });

  it("leave a gap where nothing limits", () => {
    expect(pathOf(steps({ start_s: 0, limit: 6 }, { start_s: 10, limit: null }, { start_s: 20, limit: 8 }), 30, same, same)).toBe("M0 6 L10 6 M20 8 L30 8");
  });

  it("end where they say, and begin no earlier than the chart", () => {
    expect(pathOf(steps({ start_s: -5, limit: 6, end_s: 10 }, { start_s: 20, limit: 8 }), 30, same, same)).toBe("M0 6 L10 6 M20 8 L30 8");
    expect(pathOf(steps({ start_s: 40, limit: 6 }), 30, same, same)).toBe("");
  });

  it("leave room above the highest", () => {
    expect(ceilingOf([steps({ start_s: 0, limit: 100 }), steps({ start_s: 0, limit: null })])).toBeCloseTo(115);
  });
});
