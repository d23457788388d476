import { describe, expect, it } from "vitest";
import { bodyOf, formatLatency, isBad } from "./frames";

describe("a frame in a line", () => {
  it("is what it says, without what is told beside it", () => {
    expect(bodyOf('[2,"id","Heartbeat",{}]')).toBe("{}");
    expect(bodyOf('[3,"id",{"a":1}]')).toBe('{"a":1}');
    expect(bodyOf('[4,"id","NotSupported","no",{}]')).toBe("NotSupported · no · {}");
  });

  it("is left alone where it is none", () => {
    for (const frame of ["[2,", '{"a":1}', "[9]", '[2,"id"]', "<img src=x>"]) expect(bodyOf(frame)).toBe(frame);
  });

  it("is bad where either side reports an error", () => {
    expect(isBad({ kind: "call", answer_kind: "call_error" })).toBe(true);
    expect(isBad({ kind: "call", answer_kind: "call_result" })).toBe(false);
  });

  it("tells how long the answer took", () => {
    expect([950, 1500, 2_340_000].map(formatLatency)).toEqual(["950 µs", "1.5 ms", "2.34 s"]);
  });
});
