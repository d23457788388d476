import { useEffect, useState } from "react";

const clocks = new Map<number, { timer: ReturnType<typeof setInterval>; listeners: Set<() => void> }>();

/** Calls back every `intervalMs`; one timer does for all who want the same, and a table is drawn anew in one go. */
function listen(intervalMs: number, listener: () => void): () => void {
  let clock = clocks.get(intervalMs);
  if (clock === undefined) {
    const listeners = new Set<() => void>();
    clock = { listeners, timer: setInterval(() => { for (const each of listeners) each(); }, intervalMs) };
    clocks.set(intervalMs, clock);
  }
  const { listeners, timer } = clock;
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    clocks.delete(intervalMs);
  };
}

/** The present, renewed every `intervalMs` (null: never). */
export function useNow(intervalMs: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => (intervalMs === null ? undefined : listen(intervalMs, () => setNow(Date.now()))), [intervalMs]);
  return now;
}
