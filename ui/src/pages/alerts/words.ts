/** What an alert says, in the viewer's language, out of what was stored with it; the server's own sentence where there are no words. */
import type { Schemas } from "../../api/client";

type Alert = Pick<Schemas["AlertView"], "kind" | "summary" | "details" | "station_id" | "evse_id">;
type Words = (key: string, values?: Record<string, unknown>) => string;

/** What the sentences may name. */
const NAMED = ["after_minutes", "error_code", "transaction_id", "minimum_wh", "remote_address", "detail", "identity", "technical_info", "type", "count", "keys", "name", "reason", "recipient_name", "error", "node_id", "seconds", "since", "free_mib", "total_mib"] as const;
/** Kinds whose sentence is that of the planner's own alert. */
const OF_SITES = new Set<string>(["limit_ignored", "site_limit_not_held", "site_meter_silent"]);

export function alertInWords({ kind, summary, details, station_id, evse_id }: Alert, t: Words): string {
  const name = details.station_name;
  const station = typeof name === "string" && name !== "" ? `${station_id} (${name})` : station_id;
  if (OF_SITES.has(kind)) {
    const sentence = t(`site.alertText.${text(details.reason)}`, { defaultValue: summary });
    return station === "" ? sentence : `${station}: ${sentence}`;
  }
  const values: Record<string, unknown> = Object.fromEntries(NAMED.map((each) => [each, text(details[each])]));
  values.detail = t(`refusal.${text(details.reason)}`, { defaultValue: text(details.detail) });
  values.info = text(details.info, "") === "" ? "" : `, ${text(details.info)}`;
  return t(`alert.sentence.${sentenceOf(kind, station_id, evse_id)}`, { ...values, station, evse: evse_id, defaultValue: summary });
}

function sentenceOf(kind: string, station_id: string, evse_id: number | null): string {
  if (kind === "connector_faulted" && !evse_id) return "station_faulted";
  if (kind === "repeated_refusals" && station_id === "") return "repeated_refusals_unknown";
  return kind;
}

function text(value: unknown, otherwise = "–"): string {
  if (Array.isArray(value)) return value.map((each) => text(each)).join(", ");
  return typeof value === "string" || typeof value === "number" ? String(value) : otherwise;
}
