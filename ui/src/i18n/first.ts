/** What the frame, the sign-in and the overview say, by its place in the catalogues: fetched before all other words. */
export const FIRST = [
  "layout", "nav", "palette", "stream", "session", "role", "action", "state", "problem", "shortcut", "overview", "event", "stationState", "value", "map",
  "alert.bell", "alert.severities", "alert.sentence", "chart", "refusal", "site.alertText", "transaction.none", "transaction.energy",
] as const;
