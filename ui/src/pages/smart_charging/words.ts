/** Why a connector has what it has, in the viewer's language, out of what was decided; the server's own sentence where there are no words. */
import type { Schemas } from "../../api/client";
import { formatCurrent } from "../../lib/units";

type Decided = Pick<Schemas["DecisionView"], "reason" | "target_a" | "limited_by" | "message" | "reserved">;
type Words = (key: string, values?: Record<string, unknown>) => string;

/** `limited_by` of all phases together. */
const TOTAL = "total";

export function decisionInWords({ reason, target_a, limited_by, message, reserved }: Decided, t: Words, language: string): string {
  const lane = limited_by === null ? t("site.supply") : limited_by === TOTAL ? t("site.allPhases") : limited_by;
  const held = Math.max(reserved.l1_a ?? 0, reserved.l2_a ?? 0, reserved.l3_a ?? 0);
  return t(`site.sentence.${reason}`, { amount: formatCurrent(target_a ?? 0, language), held: formatCurrent(held, language), lane, defaultValue: message });
}
