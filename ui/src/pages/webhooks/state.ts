/** What the pages of webhooks share. */
import type { Schemas } from "../../api/client";

export type Webhook = Schemas["WebhookView"];

export const WEBHOOKS = ["webhooks"] as const;

/** Off, on and well, or on while nothing arrives. */
export function stateOf(webhook: Webhook): "disabled" | "failing" | "active" {
  if (!webhook.enabled) return "disabled";
  return webhook.failing_since === null ? "active" : "failing";
}
