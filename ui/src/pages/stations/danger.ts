/** Whether what is about to be sent is dangerous; the API decides what one may, this decides before what one is asked again. */
import type { Schemas } from "../../api/client";
import type { Value } from "../../lib/schema";

type Action = Pick<Schemas["ActionView"], "action" | "dangerous" | "dangerous_when">;

const TRUST = /^(AuthorizationKey|SecurityProfile|CpoName|AdditionalRootCertificateCheck)$|password|certificate|url|back.?end/i;
/** Below this nobody can charge: 6 A, or 6 A on one phase in W. */
const LEAST: Record<string, number> = { A: 6, W: 1380 };

export function isDangerous(action: Action, payload: Value | undefined): boolean {
  if (action.dangerous) return true;
  if (!action.dangerous_when || typeof payload !== "object" || Array.isArray(payload)) return false;
  switch (action.action) {
    case "Reset":
      return payload.type === "Hard";
    case "ChangeConfiguration":
      return typeof payload.key === "string" && TRUST.test(payload.key);
    case "SetChargingProfile":
      return payload.connectorId === 0 && stopsEverybody(payload.csChargingProfiles);
    default:
      return true;
  }
}

function stopsEverybody(profile: Value | undefined): boolean {
  const schedule = member(profile, "chargingSchedule");
  const periods = member(schedule, "chargingSchedulePeriod");
  const least = LEAST[String(member(schedule, "chargingRateUnit"))] ?? LEAST.A ?? 0;
  return Array.isArray(periods) && periods.some((period) => { const limit = member(period, "limit"); return typeof limit === "number" && limit < least; });
}

function member(value: Value | undefined, name: string): Value | undefined {
  return typeof value === "object" && !Array.isArray(value) ? value[name] : undefined;
}
