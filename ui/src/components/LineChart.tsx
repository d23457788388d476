/** Curves over time, drawn on canvas (uPlot): a day of 20,000 points in one go. */
import "uplot/dist/uPlot.min.css";
import "./LineChart.css";
import { Box, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import { dateFormat, numberFormat } from "../lib/locale";
import { formatFull } from "../lib/time";

export interface Curve {
  label: string;
  unit: string;
  /** As long as `times`; null where nothing was measured. */
  values: (number | null)[];
  /** Draw as steps (limits, offers) instead of a line. */
  stepped?: boolean;
  dashed?: boolean;
  /** Its axis begins at nothing, so that heights can be compared. */
  fromZero?: boolean;
}

interface Props {
  /** Seconds since 1970, ascending. */
  times: number[];
  curves: Curve[];
  height?: number;
  label: string;
  /** Charts with the same name share their cursor. */
  sync?: string;
}

const PALETTE = { light: ["#0b7285", "#c2255c", "#5f3dc4", "#2b8a3e", "#d9480f", "#364fc7"], dark: ["#66d9e8", "#faa2c1", "#b197fc", "#8ce99a", "#ffc078", "#91a7ff"] };
const INK = { light: { line: "#dee2e6", text: "#495057" }, dark: { line: "#3b4147", text: "#c1c7cd" } };
const DAY_S = 86_400;
/** What is shown around a single point. */
const ALONE_S = 300;
/** Room beside an axis: for its ticks, and for each character of its longest mark. */
const AXIS_PX = 22;
const CHARACTER_PX = 7;
const FEW_POINTS = 60;
/** What the benchmark reads: from the data to the last stroke. */
const MEASURE = "line-chart";

export function LineChart({ times, curves, height = 240, label, sync }: Props) {
  const scheme = useComputedColorScheme("light");
  const { t, i18n } = useTranslation();
  const time = t("chart.time");
  const { ref, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  // What is drawn is kept and gets new data; only another set of curves, colours or words makes another chart.
  const shape = JSON.stringify(curves.map(({ label: name, unit, stepped, dashed, fromZero }) => [name, unit, stepped, dashed, fromZero]));
  const few = times.length < FEW_POINTS;
  const ready = width > 0;
  const now = useRef({ times, curves, width });
  useEffect(() => {
    now.current = { times, curves, width };
  });
  useEffect(() => {
    const element = holder.current;
    if (element === null || !ready) return;
    const started = performance.now();
    const { times: at, curves: lines, width: wide } = now.current;
    const drawn = () => {
      if (element.dataset.drawn === undefined) performance.measure(MEASURE, { start: started, end: performance.now() });
      element.dataset.drawn = String(now.current.times.length);
    };
    const made = new uPlot(options({ lines, scheme, language: i18n.language, time, width: wide, height, sync, few, drawn }), dataOf(at, lines), element);
    chart.current = made;
    return () => {
      chart.current = null;
      delete element.dataset.drawn;
      made.destroy();
    };
  }, [shape, scheme, i18n.language, time, height, sync, few, ready]);
  useEffect(() => {
    if (chart.current && chart.current.data[0] !== times) chart.current.setData(dataOf(times, curves));
  }, [times, curves]);
  useEffect(() => {
    if (chart.current && width > 0) chart.current.setSize({ width, height });
  }, [width, height]);
  return (
    <Box ref={ref} role="img" aria-label={label} mih={height}>
      <div ref={holder} className="chart-holder" />
    </Box>
  );
}

function dataOf(times: number[], curves: Curve[]): uPlot.AlignedData {
  return [times, ...curves.map((curve) => curve.values)];
}

interface Look {
  lines: Curve[];
  scheme: "light" | "dark";
  language: string;
  /** What time is called. */
  time: string;
  width: number;
  height: number;
  sync: string | undefined;
  few: boolean;
  drawn: () => void;
}

function options({ lines, scheme, language, time, width, height, sync, few, drawn }: Look): uPlot.Options {
  const palette = PALETTE[scheme];
  const { line, text } = INK[scheme];
  const units = [...new Set(lines.map((curve) => curve.unit))];
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  // As the page's small print, which a canvas does not inherit.
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: text, font, labelFont: font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const written = (value: number | null, unit: string) => (value === null ? "" : `${numberFormat(language, { maximumFractionDigits: 3 }).format(value)} ${unit}`);
  return {
    width,
    height,
    cursor: sync ? { sync: { key: sync } } : {},
    scales: {
      ...Object.fromEntries(lines.filter((curve) => curve.fromZero).map((curve) => [curve.unit, { range: (_chart: uPlot, _least: number, most: number) => uPlot.rangeNum(0, most || 1, 0.1, true) }])),
      x: { time: true, range: (_chart, first, last) => (first === last ? [first - ALONE_S, last + ALONE_S] : [first, last]) },
    },
    axes: [
      { ...axis, values: (_chart, splits, _axis, _space, step) => splits.map((split) => tick(split, step, language)) },
      ...units.map((unit, index) => ({ ...axis, scale: unit, side: index % 2 === 0 ? 3 : 1, label: unit, labelSize: 20, size: (_chart: uPlot, marks: string[] | null) => AXIS_PX + CHARACTER_PX * Math.max(2, ...(marks ?? []).map((mark) => mark.length)), grid: { show: index === 0, stroke: line, width: 1 },
        values: (_chart: uPlot, splits: number[]) => splits.map((split) => numberFormat(language, { maximumFractionDigits: 3 }).format(split)) }) as uPlot.Axis),
    ],
    series: [
      { label: time, value: (_chart, seconds) => (seconds === null ? "" : formatFull(new Date(seconds * 1000).toISOString(), language)) },
      ...lines.map((curve, index) => ({
        label: curve.label,
        scale: curve.unit,
        stroke: palette[index % palette.length],
        width: 1.5,
        dash: curve.dashed ? [6, 4] : undefined,
        spanGaps: true,
        points: { show: few },
        paths: curve.stepped ? stepped : undefined,
        value: (_chart: uPlot, value: number | null) => written(value, curve.unit),
      })),
    ],
    hooks: { draw: [drawn] },
  };
}

/** A mark on the axis of time, as fine as its neighbours are close. */
function tick(seconds: number, step_s: number, language: string): string {
  const form: Intl.DateTimeFormatOptions = step_s >= DAY_S ? { day: "numeric", month: "short" } : step_s >= 60 ? { hour: "2-digit", minute: "2-digit" } : { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return dateFormat(language, form).format(new Date(seconds * 1000));
}
