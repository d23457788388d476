import { describe, expect, it } from "vitest";
import { isDangerous } from "./danger";

const at = (action: string, dangerous_when: string | null = "sometimes", dangerous = false) => ({ action, dangerous, dangerous_when });
const limit = (connectorId: number, value: number, chargingRateUnit = "A") => ({ connectorId, csChargingProfiles: { chargingSchedule: { chargingRateUnit, chargingSchedulePeriod: [{ startPeriod: 0, limit: value }] } } });

describe("what one is asked again about", () => {
  it("is what always is dangerous, and nothing that never is", () => {
    expect(isDangerous(at("UpdateFirmware", null, true), {})).toBe(true);
    expect(isDangerous(at("Heartbeat", null), {})).toBe(false);
  });

  it("goes by the payload where that decides", () => {
    expect(isDangerous(at("Reset"), { type: "Hard" })).toBe(true);
    expect(isDangerous(at("Reset"), { type: "Soft" })).toBe(false);
    expect(isDangerous(at("ChangeConfiguration"), { key: "AuthorizationKey", value: "x" })).toBe(true);
    expect(isDangerous(at("ChangeConfiguration"), { key: "BackendUrl", value: "x" })).toBe(true);
    expect(isDangerous(at("ChangeConfiguration"), { key: "HeartbeatInterval", value: "x" })).toBe(false);
    expect(isDangerous(at("SetChargingProfile"), limit(0, 5))).toBe(true);
    expect(isDangerous(at("SetChargingProfile"), limit(0, 6))).toBe(false);
    expect(isDangerous(at("SetChargingProfile"), limit(0, 1000, "W"))).toBe(true);
    expect(isDangerous(at("SetChargingProfile"), limit(1, 0))).toBe(false);
  });

  it("is what nobody taught it to judge", () => {
    expect(isDangerous(at("SomethingNew"), {})).toBe(true);
  });
});
