/** What may be asked of many stations at once, and when it is stopped. */

export interface Outcome {
  station: string;
  state: string;
  detail: string;
}

interface BulkCommand {
  action: string;
  payload: Record<string, unknown>;
  /** Needs the permission for dangerous commands, as the API has it. */
  dangerous?: boolean;
}

export const COMMANDS: Record<string, BulkCommand> = {
  readConfiguration: { action: "GetConfiguration", payload: {} },
  statusAnew: { action: "TriggerMessage", payload: { requestedMessage: "StatusNotification" } },
  softReset: { action: "Reset", payload: { type: "Soft" } },
  hardReset: { action: "Reset", payload: { type: "Hard" }, dangerous: true },
  clearCache: { action: "ClearCache", payload: {}, dangerous: true },
  inoperative: { action: "ChangeAvailability", payload: { connectorId: 0, type: "Inoperative" } },
  operative: { action: "ChangeAvailability", payload: { connectorId: 0, type: "Operative" } },
};

const FAILED = new Set(["error", "Rejected", "timeout", "not_delivered", "expired", "invalid_response", "NotImplemented"]);

/** How many of those that were asked have failed, in percent. */
export function failureShare(outcomes: readonly Outcome[]): number {
  if (outcomes.length === 0) return 0;
  return (outcomes.filter((outcome) => FAILED.has(outcome.state)).length / outcomes.length) * 100;
}
