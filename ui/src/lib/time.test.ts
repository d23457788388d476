import { describe, expect, it } from "vitest";
import { formatAgo, formatUntil } from "./time";

const NOW = Date.parse("2026-07-01T12:00:00Z");
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

describe("how long ago something happened", () => {
  it("is told in the greatest unit that fits", () => {
    expect([0, -1, -59, -61, -7200, -90_000].map((seconds) => formatAgo(at(seconds), NOW, "en"))).toEqual([
      "now", "1 second ago", "59 seconds ago", "1 minute ago", "2 hours ago", "yesterday",
    ]);
  });

  it("is now for what has just happened, though the viewer's clock is a little behind", () => {
    expect([1, 7, 15].map((seconds) => formatAgo(at(seconds), NOW, "en"))).toEqual(["now", "now", "now"]);
    expect(formatAgo(at(1), NOW, "de")).toBe("jetzt");
    expect(formatAgo(at(16), NOW, "en"), "a clock that is wrong is not hidden").toBe("in 16 seconds");
  });
});

describe("how long it is until something", () => {
  it("is told to the second, and goes on when it has passed", () => {
    expect([1, 15, 120, 0, -3].map((seconds) => formatUntil(at(seconds), NOW, "en"))).toEqual([
      "in 1 second", "in 15 seconds", "in 2 minutes", "now", "3 seconds ago",
    ]);
  });
});
