/** When what belongs to a transaction was received: from the card before it to the status after it. */
import type { Schemas } from "../../api/client";

const AROUND_MS = 60_000;

type Received = Pick<Schemas["TransactionView"], "started_at" | "start_received_at" | "stop_received_at" | "state">;

export function windowOf({ started_at, start_received_at, stop_received_at, state }: Received): { since?: string; until?: string } {
  const start = start_received_at ?? (stop_received_at ? stop_received_at : started_at);
  const moved = (text: string, by_ms: number) => new Date(new Date(text).getTime() + by_ms).toISOString();
  return {
    ...(start && { since: moved(start, -AROUND_MS) }),
    ...(stop_received_at && state === "closed" && { until: moved(stop_received_at, AROUND_MS) }),
  };
}
