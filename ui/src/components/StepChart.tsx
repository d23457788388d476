/** Schedules as steps over time, in SVG: the editor draws while one types, and several can be laid over one another. */
import { Box, Group, Text } from "@mantine/core";
import { useId } from "react";
import { useTranslation } from "react-i18next";

export interface Steps {
  label: string;
  color: string;
  dashed?: boolean;
  /** Seconds from the start of the chart; `limit` null: no limit. */
  periods: { start_s: number; limit: number | null }[];
}

const WIDTH = 800;
const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 28;
const TOP = 10;

export function StepChart({ series, duration_s, unit, origin, label }: { series: Steps[]; duration_s: number; unit: string; origin?: Date; label: string }) {
  const { i18n } = useTranslation();
  const clip = useId();
  const top = Math.max(1, ...series.flatMap((steps) => steps.periods.map((period) => period.limit ?? 0))) * 1.15;
  const x = (seconds: number) => LEFT + (Math.min(seconds, duration_s) / duration_s) * (WIDTH - LEFT - 8);
  const y = (limit: number) => TOP + (1 - limit / top) * (HEIGHT - TOP - BOTTOM);
  const ticks = Array.from({ length: 7 }, (_, index) => (duration_s / 6) * index);
  const levels = Array.from({ length: 5 }, (_, index) => (top / 4) * index);
  const clock = (seconds: number) => {
    if (!origin) return seconds >= 3600 ? `${+(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 60)} min`;
    return new Intl.DateTimeFormat(i18n.language, { hour: "2-digit", minute: "2-digit", ...(duration_s > 86_400 ? { weekday: "short" as const } : {}) }).format(new Date(origin.getTime() + seconds * 1000));
  };
  return (
    <Box>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width="100%" role="img" aria-label={label} fontSize={11} fill="var(--mantine-color-text)">
        <defs><clipPath id={clip}><rect x={LEFT} y={0} width={WIDTH - LEFT - 8} height={HEIGHT - BOTTOM + 2} /></clipPath></defs>
        {levels.map((level) => (
          <g key={level}>
            <line x1={LEFT} x2={WIDTH - 8} y1={y(level)} y2={y(level)} stroke="var(--mantine-color-default-border)" />
            <text x={LEFT - 6} y={y(level) + 4} textAnchor="end">{level >= 100 ? Math.round(level) : level.toFixed(1)}</text>
          </g>
        ))}
        {ticks.map((tick) => <text key={tick} x={x(tick)} y={HEIGHT - 8} textAnchor={tick === 0 ? "start" : tick === duration_s ? "end" : "middle"}>{clock(tick)}</text>)}
        <text x={4} y={TOP + 4}>{unit}</text>
        <g clipPath={`url(#${clip})`}>
          {series.map((steps) => (
            <path key={steps.label} d={path(steps, duration_s, top, x, y)} fill="none" stroke={steps.color} strokeWidth={2} strokeDasharray={steps.dashed ? "6 4" : undefined} />
          ))}
        </g>
      </svg>
      <Group gap="md" justify="center">
        {series.map((steps) => (
          <Group key={steps.label} gap={6}>
            <Box w={16} h={0} style={{ borderTop: `3px ${steps.dashed ? "dashed" : "solid"} ${steps.color}` }} aria-hidden />
            <Text size="xs">{steps.label}</Text>
          </Group>
        ))}
      </Group>
    </Box>
  );
}

function path(steps: Steps, duration_s: number, top: number, x: (seconds: number) => number, y: (limit: number) => number): string {
  const parts: string[] = [];
  const periods = steps.periods.filter((period) => period.start_s <= duration_s);
  periods.forEach((period, index) => {
    const end = periods[index + 1]?.start_s ?? duration_s;
    const height = y(period.limit ?? top);
    parts.push(`${index === 0 ? "M" : "L"}${x(period.start_s)} ${height}`, `L${x(end)} ${height}`);
  });
  return parts.join(" ");
}
