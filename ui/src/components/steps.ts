/** Schedules as steps, and the line that draws them. Where nothing limits, nothing is drawn: a gap, not a number. */

export interface Steps {
  label: string;
  color: string;
  dashed?: boolean;
  /** Drawn fainter: what others are made of. */
  thin?: boolean;
  /** Seconds from the start of the chart, ascending; `limit` null: no limit. */
  periods: { start_s: number; limit: number | null; /** Where the next does not follow at once. */ end_s?: number }[];
}

const HEADROOM = 1.15;

/** The top of the chart: a little above the highest limit. */
export function ceilingOf(series: readonly Steps[]): number {
  return Math.max(1, ...series.flatMap((steps) => steps.periods.map((period) => period.limit ?? 0))) * HEADROOM;
}

export function pathOf(steps: Steps, duration_s: number, x: (seconds: number) => number, y: (limit: number) => number): string {
  const parts: string[] = [];
  let drawing = false;
  steps.periods.forEach((period, index) => {
    const end = Math.min(period.end_s ?? steps.periods[index + 1]?.start_s ?? duration_s, duration_s);
    const start = Math.max(0, period.start_s);
    if (period.limit === null || end <= start) {
      drawing = false;
      return;
    }
    const height = y(period.limit);
    parts.push(`${drawing ? "L" : "M"}${x(start)} ${height}`, `L${x(end)} ${height}`);
    drawing = period.end_s === undefined || period.end_s === steps.periods[index + 1]?.start_s;
  });
  return parts.join(" ");
}
