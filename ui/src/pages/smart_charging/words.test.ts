import { describe, expect, it } from "vitest";
import { decisionInWords } from "./words";

const t = (key: string, values: Record<string, unknown> = {}) => (key.startsWith("site.sentence.new") ? String(values.defaultValue) : `${key}|${String(values.amount ?? "")}|${String(values.held ?? "")}|${String(values.lane ?? "")}`);
const decided = { reason: "shared" as const, target_a: 10.5, limited_by: "L2", message: "as the server says", reserved: { l1_a: 6, l2_a: 16, l3_a: null, total_a: null } };

describe("a decision in words", () => {
  it("tells what it rests on", () => {
    expect(decisionInWords(decided, t, "de")).toBe("site.sentence.shared|10,5 A|16 A|L2");
  });

  it("calls all phases together by a name, and so the supply where no phase is the narrow one", () => {
    expect(decisionInWords({ ...decided, limited_by: "total" }, t, "en")).toContain("site.allPhases");
    expect(decisionInWords({ ...decided, limited_by: null }, t, "en")).toContain("site.supply");
  });

  it("is as the server says it where this page has no words for it", () => {
    expect(decisionInWords({ ...decided, reason: "new_reason" as never }, t, "de")).toBe("as the server says");
  });
});
