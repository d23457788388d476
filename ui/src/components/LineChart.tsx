/** Curves over time, drawn on canvas (uPlot): a day of 20,000 points in one go. */
import "uplot/dist/uPlot.min.css";
import { Box, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";

export interface Curve {
  label: string;
  unit: string;
  /** As long as `times`; null where nothing was measured. */
  values: (number | null)[];
  /** Draw as steps (limits, offers) instead of a line. */
  stepped?: boolean;
  dashed?: boolean;
}

const PALETTE = { light: ["#0b7285", "#c2255c", "#5f3dc4", "#2b8a3e", "#d9480f", "#364fc7"], dark: ["#66d9e8", "#faa2c1", "#b197fc", "#8ce99a", "#ffc078", "#91a7ff"] };

export function LineChart({ times, curves, height = 240, label, sync }: { times: number[]; curves: Curve[]; height?: number; label: string; sync?: string }) {
  const scheme = useComputedColorScheme("light");
  const { ref, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = holder.current;
    if (element === null || width === 0) return;
    const palette = PALETTE[scheme];
    const line = scheme === "dark" ? "#3b4147" : "#dee2e6";
    const text = scheme === "dark" ? "#c1c7cd" : "#495057";
    const units = [...new Set(curves.map((curve) => curve.unit))];
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const chart = new uPlot(
      {
        width,
        height,
        cursor: sync ? { sync: { key: sync } } : {},
        scales: { x: { time: true } },
        axes: [axis, ...units.map((unit, index) => ({ ...axis, scale: unit, side: index % 2 === 0 ? 3 : 1, label: unit, size: 64, grid: { show: index === 0, stroke: line, width: 1 } }) as uPlot.Axis)],
        series: [
          {},
          ...curves.map((curve, index) => ({
            label: `${curve.label} (${curve.unit})`,
            scale: curve.unit,
            stroke: palette[index % palette.length],
            width: 1.5,
            dash: curve.dashed ? [6, 4] : undefined,
            spanGaps: true,
            points: { show: times.length < 60 },
            paths: curve.stepped ? stepped : undefined,
          })),
        ],
      },
      [times, ...curves.map((curve) => curve.values)] as uPlot.AlignedData,
      element,
    );
    element.dataset.drawn = String(times.length);
    return () => chart.destroy();
  }, [times, curves, width, height, scheme, sync]);
  return (
    <Box ref={ref} role="img" aria-label={label}>
      <div ref={holder} />
    </Box>
  );
}
