import { describe, expect, it } from "vitest";
import { formatClock, parseClock } from "./clock";

describe("lengths of time", () => {
  it("are read as people write them", () => {
    expect(["8:00", "08:30", "0:00:30", "24:00", "3600", " 1:05 "].map(parseClock)).toEqual([28_800, 30_600, 30, 86_400, 3600, 3900]);
    expect(["", "8:75", "8:", "a", "-1:00", "1:00:61"].map(parseClock)).toEqual([null, null, null, null, null, null]);
  });

  it("are written so that they are read as they were", () => {
    for (const seconds of [0, 30, 3600, 28_800, 86_400, 604_800, 3661]) expect(parseClock(formatClock(seconds))).toBe(seconds);
  });
});
