/** Schedules as steps over time, in SVG: the editor draws while one types, and several can be laid over one another. */
import { Box, Group, Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { dateFormat, numberFormat } from "../lib/locale";
import { ceilingOf, pathOf, type Steps } from "./steps";

export type { Steps } from "./steps";

interface Props {
  series: Steps[];
  duration_s: number;
  unit: string;
  /** When the chart begins; without it hours are counted from its start. */
  origin?: Date;
  label: string;
}

/** Until it is known how much room there is. */
const WIDTH = 800;
const NARROW = 480;
const HEIGHT = 220;
const LEFT = 48;
const RIGHT = 8;
const BOTTOM = 28;
const TOP = 10;
const DAY_S = 86_400;

export function StepChart({ series, duration_s, unit, origin, label }: Props) {
  const { t, i18n } = useTranslation();
  const clip = useId();
  const { ref, width: room } = useElementSize();
  const width = room > 0 ? room : WIDTH;
  const parts = width < NARROW ? 3 : 6;
  const ceiling = ceilingOf(series);
  const unlimited = series.every((steps) => steps.periods.every((period) => period.limit === null));
  const x = (seconds: number) => LEFT + (Math.min(seconds, duration_s) / duration_s) * (width - LEFT - RIGHT);
  const y = (limit: number) => TOP + (1 - limit / ceiling) * (HEIGHT - TOP - BOTTOM);
  const ticks = Array.from({ length: parts + 1 }, (_, index) => (duration_s / parts) * index);
  const levels = Array.from({ length: 5 }, (_, index) => (ceiling / 4) * index);
  const written = numberFormat(i18n.language, { maximumFractionDigits: ceiling >= 100 ? 0 : 1 });
  const clock = (seconds: number) => {
    if (!origin) return seconds >= 3600 ? `${+(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 60)} min`;
    return dateFormat(i18n.language, { hour: "2-digit", minute: "2-digit", ...(duration_s > DAY_S ? { weekday: "short" as const } : {}) }).format(new Date(origin.getTime() + seconds * 1000));
  };
  return (
    <Box ref={ref}>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} width="100%" role="img" aria-label={label} fontSize={11} fill="var(--mantine-color-text)">
        <defs><clipPath id={clip}><rect x={LEFT} y={0} width={width - LEFT - RIGHT} height={HEIGHT - BOTTOM + 2} /></clipPath></defs>
        {!unlimited && levels.map((level) => (
          <g key={level}>
            <line x1={LEFT} x2={width - RIGHT} y1={y(level)} y2={y(level)} stroke="var(--mantine-color-default-border)" />
            <text x={LEFT - 6} y={y(level) + 4} textAnchor="end">{written.format(level)}</text>
          </g>
        ))}
        {ticks.map((tick) => <text key={tick} x={x(tick)} y={HEIGHT - 8} textAnchor={tick === 0 ? "start" : tick === duration_s ? "end" : "middle"}>{clock(tick)}</text>)}
        <line x1={LEFT} x2={width - RIGHT} y1={y(0)} y2={y(0)} stroke="var(--mantine-color-default-border)" />
        <text x={4} y={TOP + 4}>{unit}</text>
        {unlimited && <text x={width / 2} y={HEIGHT / 2} textAnchor="middle" fontSize={14}>{t("chart.noLimit")}</text>}
        <g clipPath={`url(#${clip})`}>
          {series.map((steps) => (
            <path key={steps.label} d={pathOf(steps, duration_s, x, y)} fill="none" stroke={steps.color} strokeWidth={steps.thin ? 1.25 : 2} strokeDasharray={steps.dashed ? "6 4" : undefined} />
          ))}
        </g>
      </svg>
      <Group gap="md" justify="center">
        {series.map((steps) => (
          <Group key={steps.label} gap={6}>
            <Box w={16} h={0} style={{ borderTop: `${steps.thin ? 2 : 3}px ${steps.dashed ? "dashed" : "solid"} ${steps.color}` }} aria-hidden />
            <Text size="xs">{steps.label}</Text>
          </Group>
        ))}
      </Group>
    </Box>
  );
}
