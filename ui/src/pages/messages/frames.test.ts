import { describe, expect, it } from "vitest";
import { bodyOf, formatLatency, isBad, paired } from "./frames";

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

  it("goes to its question, and stays where there is none", () => {
    const row = (kind: string, message_id: string, frame: string) => ({ kind, connection_id: "1", message_id, frame, answer: null, answer_kind: null, latency_us: kind === "call" ? null : 7, error_code: null });
    const rows = paired([row("call_result", "a", "yes"), row("call", "a", "may I"), row("call_result", "b", "lonely")]);
    expect(rows.map((each) => [each.frame, each.answer, each.latency_us])).toEqual([["may I", "yes", 7], ["lonely", null, 7]]);
  });
});
