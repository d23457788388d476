import { describe, expect, it } from "vitest";
import { failureShare, type Outcome } from "./bulk";

const outcome = (state: string): Outcome => ({ station: "A", state, detail: "" });

describe("the share of failures", () => {
  it("is none where nobody was asked", () => {
    expect(failureShare([])).toBe(0);
  });

  it("counts refusals and silence alike", () => {
    expect(failureShare(["Accepted", "Rejected", "timeout", "Scheduled"].map(outcome))).toBe(50);
  });
});
