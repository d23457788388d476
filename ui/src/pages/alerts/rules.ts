/** What the tabs of rules and recipients share. */
import type { Schemas } from "../../api/client";

export type Rule = Schemas["AlertRuleView"];

export const RULES = ["alert-rules"] as const;
export const SEVERITIES = ["info", "warning", "critical"] as const;
export const SEVERITY_COLOR = { info: "gray", warning: "yellow", critical: "red" } as const;
