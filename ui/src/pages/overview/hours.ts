/** Transactions become energy per hour: what was charged is spread evenly over the time it took. */
export interface Charged {
  started_at: string | null;
  stopped_at: string | null;
  energy_wh: number | null;
}

const HOUR_MS = 3_600_000;

/** `times` are the starts of the hours in seconds, the oldest first; `energy_kwh` and `started` belong to them. */
export function hoursOf(rows: readonly Charged[], nowMs: number, hours = 24): { times: number[]; energy_kwh: number[]; started: number[] } {
  const last = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const first = last - (hours - 1) * HOUR_MS;
  const times = Array.from({ length: hours }, (_, index) => (first + index * HOUR_MS) / 1000);
  const energy = new Array<number>(hours).fill(0);
  const started = new Array<number>(hours).fill(0);
  for (const row of rows) {
    if (row.started_at === null) continue;
    const begin = new Date(row.started_at).getTime();
    const end = Math.max(begin + 1, row.stopped_at === null ? nowMs : new Date(row.stopped_at).getTime());
    const hour = Math.floor((begin - first) / HOUR_MS);
    if (hour >= 0 && hour < hours) started[hour] = (started[hour] ?? 0) + 1;
    for (let index = Math.max(0, hour); index < hours && first + index * HOUR_MS < end; index += 1) {
      const from = Math.max(begin, first + index * HOUR_MS);
      const until = Math.min(end, first + (index + 1) * HOUR_MS);
      energy[index] = (energy[index] ?? 0) + ((row.energy_wh ?? 0) / 1000) * ((until - from) / (end - begin));
    }
  }
  return { times, energy_kwh: energy, started };
}
