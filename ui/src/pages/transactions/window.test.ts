import { describe, expect, it } from "vitest";
import { windowOf } from "./window";

const at = (minute: number) => `2026-01-01T10:${String(minute).padStart(2, "0")}:00.000Z`;

describe("what belongs to a transaction", () => {
  it("was received from a minute before its beginning to a minute after its end", () => {
    expect(windowOf({ state: "closed", started_at: at(0), start_received_at: at(10), stop_received_at: at(30) })).toEqual({ since: at(9), until: at(31) });
  });

  it("goes on while it does", () => {
    expect(windowOf({ state: "open", started_at: at(0), start_received_at: at(10), stop_received_at: null })).toEqual({ since: at(9) });
  });

  it("is around its end where nobody told of its beginning", () => {
    expect(windowOf({ state: "closed", started_at: null, start_received_at: null, stop_received_at: at(30) })).toEqual({ since: at(29), until: at(31) });
  });
});
