/** Ready-made payloads, filled at the moment they are chosen (never a fixed date). */
import type { Value } from "../../lib/schema";

interface Preset {
  name: string;
  payload: () => Value;
}

function today(): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())).toISOString();
}

function inMinutes(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}

function profileId(): number {
  return 1 + Math.floor(Math.random() * 2_000_000_000);
}

function dayLimit(purpose: string, connectorId: number): Value {
  const start = today();
  const duration = 86_400;
  return {
    connectorId,
    csChargingProfiles: {
      chargingProfileId: profileId(),
      stackLevel: 0,
      chargingProfilePurpose: purpose,
      chargingProfileKind: "Absolute",
      validFrom: start,
      validTo: new Date(new Date(start).getTime() + duration * 1000).toISOString(),
      chargingSchedule: { duration, startSchedule: start, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 6, numberPhases: 3 }] },
    },
  };
}

export const PRESETS: Record<string, Preset[]> = {
  SetChargingProfile: [
    { name: "txDefault", payload: () => dayLimit("TxDefaultProfile", 1) },
    { name: "stationMax", payload: () => dayLimit("ChargePointMaxProfile", 0) },
    {
      name: "tx",
      payload: () => ({
        connectorId: 1,
        csChargingProfiles: {
          chargingProfileId: profileId(), stackLevel: 0, chargingProfilePurpose: "TxProfile", chargingProfileKind: "Relative",
          chargingSchedule: { chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 6 }] },
        },
      }),
    },
  ],
  ClearChargingProfile: [{ name: "everything", payload: () => ({}) }],
  GetConfiguration: [{ name: "everything", payload: () => ({}) }, { name: "featureProfiles", payload: () => ({ key: ["SupportedFeatureProfiles"] }) }],
  ChangeConfiguration: [
    { name: "sampleEveryMinute", payload: () => ({ key: "MeterValueSampleInterval", value: "60" }) },
    { name: "heartbeatFiveMinutes", payload: () => ({ key: "HeartbeatInterval", value: "300" }) },
  ],
  Reset: [{ name: "soft", payload: () => ({ type: "Soft" }) }, { name: "hard", payload: () => ({ type: "Hard" }) }],
  ReserveNow: [{ name: "oneHour", payload: () => ({ connectorId: 1, expiryDate: inMinutes(60), idTag: "", reservationId: profileId() }) }],
  UpdateFirmware: [{ name: "now", payload: () => ({ location: "", retrieveDate: inMinutes(0) }) }],
  GetCompositeSchedule: [{ name: "oneDay", payload: () => ({ connectorId: 1, duration: 86_400, chargingRateUnit: "A" }) }],
};
