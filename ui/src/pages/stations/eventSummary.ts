/** What an event is about, in a few of its own values; the rest is one click away. */
import type { Schemas } from "../../api/client";

type Event = Pick<Schemas["EventView"], "type" | "data">;
type Words = (key: string, values?: Record<string, unknown>) => string;

/** The values of an event that tell the most, in the order in which one would say them. */
const TELLING: Record<string, readonly string[]> = {
  "station.connected": ["remote_address", "protocol", "user_agent"],
  "station.disconnected": ["reason", "code"],
  "station.booted": ["registration", "vendor", "model", "firmware_version"],
  "station.refused": ["reason", "detail", "remote_address"],
  "connector.status": ["status", "error_code", "vendor_error_code", "info"],
  "connector.availability_requested": ["operative", "status"],
  "transaction.started": ["id_tag", "authorization_status"],
  "transaction.ended": ["id_tag", "reason"],
  "transaction.tidied": ["why"],
  "token.unknown_seen": ["id_tag", "where"],
  "job.changed": ["action", "state", "result"],
  "transfer.status": ["transfer", "status"],
  "security.event": ["type", "technical_info"],
  "reservation.changed": ["reservation_id", "state", "id_tag"],
  "local_list.changed": ["state", "version"],
  "configuration.changed": ["variable", "value", "status"],
  "data_transfer.received": ["vendor_id", "message_id", "data"],
};
/** Values that have a word of their own in the catalogues. */
const WORDED = new Set(["status", "state", "result", "registration", "authorization_status"]);
const UNREMARKABLE = new Set(["NoError", ""]);

export function summaryOf({ type, data }: Event, t: Words): string {
  const parts: string[] = [];
  if (typeof data.connector_id === "number") parts.push(data.connector_id === 0 ? t("connector.station") : t("connector.number", { number: data.connector_id }));
  for (const name of TELLING[type] ?? []) {
    const value = data[name];
    if ((typeof value === "string" && !UNREMARKABLE.has(value)) || typeof value === "number" || typeof value === "boolean") parts.push(WORDED.has(name) ? t(`value.${value}`, { defaultValue: String(value) }) : String(value));
  }
  if (Array.isArray(data.values)) parts.push(t("event.keys", { count: data.values.length }));
  if (Array.isArray(data.mirror)) parts.push(t("event.profiles", { count: data.mirror.length }));
  return parts.join(" · ");
}
