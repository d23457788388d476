import { describe, expect, it } from "vitest";
import { summaryOf } from "./eventSummary";

const t = (key: string, values?: Record<string, unknown>) => (key.startsWith("value.") ? `the word for ${key.slice(6)}` : `${key}${values ? JSON.stringify(values) : ""}`);

describe("what an event is about", () => {
  it("is told by its most telling values, and not by what is as usual", () => {
    expect(summaryOf({ type: "connector.status", data: { connector_id: 2, status: "Faulted", error_code: "NoError", info: null, vendor_error_code: "E7" } }, t)).toBe('connector.number{"number":2} · the word for Faulted · E7');
    expect(summaryOf({ type: "station.booted", data: { registration: "Accepted", vendor: "V", model: "M", firmware_version: null } }, t)).toBe("the word for Accepted · V · M");
  });

  it("counts what is a list", () => {
    expect(summaryOf({ type: "configuration.reported", data: { values: [1, 2, 3] } }, t)).toBe('event.keys{"count":3}');
  });

  it("says nothing of what it does not know", () => {
    expect(summaryOf({ type: "unheard.of", data: { a: { b: 1 } } }, t)).toBe("");
  });
});
