import { describe, expect, it } from "vitest";
import { curvesOfLoad, lanesOf, limitInWords, limitsInWords } from "./limits";

const NONE = { l1_a: null, l2_a: null, l3_a: null, total_w: null, daily_from: null, daily_to: null };
const lanes = (amperes: number | null) => ({ l1_a: amperes, l2_a: amperes, l3_a: amperes, total_a: null });
const point = (at: string, offered: number) => ({ at, limit: lanes(63), offered: lanes(offered), reserved: lanes(offered), measured: lanes(offered - 1), other_loads: lanes(0), transactions: 1, paused: 0 });
const NAMES = { limit: "limit", offered: "offered", reserved: "reserved", measured: "measured", others: "others" };

describe("limits in words", () => {
  it("say it once for three equal phases", () => expect(limitInWords({ ...NONE, l1_a: 63, l2_a: 63, l3_a: 63 }, "en")).toBe("3 × 63 A"));
  it("name the phases that differ", () => expect(limitInWords({ ...NONE, l1_a: 25, l3_a: 16 }, "en")).toBe("L1 25 A, L3 16 A"));
  it("say from when to when", () => expect(limitsInWords([{ ...NONE, total_w: 22_000, daily_from: "17:00", daily_to: "20:00" }], "en")).toBe("22 kW (17:00–20:00)"));
});

describe("the load of a day", () => {
  const points = [point("2026-03-01T12:00:00Z", 32), point("2026-03-01T13:00:00Z", 16)];
  it("holds from each point to the next and to the end", () => {
    const { times, curves } = curvesOfLoad(points, "2026-03-01T14:00:00Z", "l1_a", NAMES);
    expect(times).toHaveLength(3);
    expect(curves.find((curve) => curve.label === "offered")?.values).toEqual([32, 16, 16]);
    expect(curves.map((curve) => curve.label)).not.toContain("others");
  });
  it("is shown for what is limited", () => expect(lanesOf(points)).toEqual(["l1_a", "l2_a", "l3_a"]));
});
