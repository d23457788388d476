import { describe, expect, it } from "vitest";
import { entryBodyOf, entryOf } from "./schedules";

const time = { valid_from: "2026-01-01T00:00:00Z", valid_to: "2026-01-01T06:00:00Z" };

describe("a limit for some time", () => {
  it("comes back as it was: amperes, watts, or both", () => {
    const kinds = [{ l1_a: 16, l2_a: null, l3_a: 20.5, total_w: null }, { l1_a: 16, l2_a: 16, l3_a: 16, total_w: 9000 }];
    for (const amounts of kinds) expect(entryBodyOf(entryOf({ ...amounts, ...time }))).toEqual({ ...amounts, ...time });
    expect(entryBodyOf(entryOf({ l1_a: null, l2_a: null, l3_a: null, total_w: 22_040, ...time }))).toEqual({ total_w: 22_040, ...time });
  });
});
