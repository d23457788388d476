import i18next from "i18next";
import { beforeAll, describe, expect, it } from "vitest";
import de from "../../i18n/de.json";
import { alertInWords } from "./words";

const t = (key: string, values?: Record<string, unknown>) => i18next.t(key, { ...values });
const alert = { kind: "connector_faulted", summary: "as the server says", details: { error_code: "GroundFailure", info: "wet", station_name: "Quay 1" }, station_id: "CP7", evse_id: 2 };

beforeAll(() => i18next.init({ lng: "de", resources: { de: { translation: de } }, interpolation: { escapeValue: false } }));

describe("an alert in words", () => {
  it("is told out of what was stored with it", () => {
    expect(alertInWords(alert, t)).toBe("Anschluss 2 von CP7 (Quay 1) ist gestört (GroundFailure, wet).");
    expect(alertInWords({ ...alert, evse_id: null }, t)).toBe("CP7 (Quay 1) ist gestört (GroundFailure, wet).");
  });

  it("names the station of what the planner of a site says", () => {
    const refused = { kind: "limit_ignored", summary: "", details: { reason: "limit_refused" }, evse_id: 1 };
    expect(alertInWords({ ...refused, station_id: "CP7" }, t)).toMatch(/^CP7: Die Station lehnt ihre Grenze ab/);
    expect(alertInWords({ ...refused, details: { reason: "meter_silent" }, station_id: "" }, t)).toMatch(/^Der Zähler/);
  });

  it("puts what a station said in as it is", () => {
    const hostile = "{{summary}} $t(alert.sentence.station_offline)";
    expect(alertInWords({ ...alert, details: { error_code: hostile } }, t)).toContain(hostile);
  });

  it("is as the server says it where this page has no words for it", () => {
    expect(alertInWords({ ...alert, kind: "of_tomorrow" }, t)).toBe("as the server says");
  });
});
