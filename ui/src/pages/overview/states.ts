/** The states of a station, from what asks for attention to what is not there, and one colour for each. */
export const STATES = ["faulted", "charging", "available", "reserved", "unavailable", "pending", "offline", "new"] as const;

export const STATE_HEX: Record<string, string> = {
  faulted: "#e03131", charging: "#1971c2", available: "#099268", reserved: "#9c36b5", unavailable: "#868e96", pending: "#f08c00", offline: "#495057", new: "#adb5bd",
};
