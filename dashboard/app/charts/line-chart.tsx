/**
 * Curves over a common axis, on a canvas. Dragging zooms in, a double click zooms out; the cursor is shared with the charts of
 * the same `sync`. What is not a number (yet) is a gap.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { number } from "../format.ts";
import { colour, shownTheme } from "../theme.ts";
import { smooth } from "./smooth.ts";

export interface Curve {
  readonly label: string;
  readonly xs: readonly number[];
  readonly ys: readonly (number | null)[];
  /** 0 to 7; the same run has the same colour everywhere. */
  readonly colour: number;
}

export interface LineChartProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly height?: number;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** 0: none; towards 1: more. The raw curve stays, faint. */
  readonly smoothing?: number;
  readonly sync?: string;
  readonly formatX?: (x: number) => string;
  /** The part of the axis that the user chose; undefined: all of it. */
  readonly onZoom?: (range: readonly [number, number] | undefined) => void;
}

const HEIGHT_PX = 220;
/** Of the raw curve behind a smooth one. */
const FAINT = "55";

export function LineChart(props: LineChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const onZoom = useRef(props.onZoom);
  onZoom.current = props.onZoom;
  const theme = shownTheme.value;
  const data = tableOf(props.curves, props.smoothing ?? 0);
  const shape = `${props.curves.map(({ label, colour: index }) => `${label}\n${index}`).join("\n\n")} ${props.logX} ${props.logY} ${props.smoothing} ${theme} ${props.height}`;

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(options(props, element.clientWidth, onZoom), data, element);
    plot.current = made;
    const resized = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: props.height ?? HEIGHT_PX });
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape]);
  useEffect(() => {
    const shown = plot.current;
    if (!shown) return;
    // Live points arrive while the user looks at a part: the part stays.
    const { min, max } = shown.scales.x ?? {};
    const first = shown.data[0][0];
    const last = shown.data[0].at(-1);
    const zoomed = min != null && max != null && first !== undefined && (min > first || max < (last ?? max));
    shown.setData(data, !zoomed);
  });

  const described = props.curves.map((curve) => `${curve.label}: ${number(lastOf(curve))}`).join("; ");
  return (
    <figure class="chart">
      <figcaption>{props.title}</figcaption>
      <div ref={holder} role="img" aria-label={`${props.title}. ${described}`} />
    </figure>
  );
}

function lastOf(curve: Curve): number {
  return curve.ys.findLast((y) => y !== null) ?? Number.NaN;
}

/** All curves over the union of their xs; with smoothing, each raw curve is followed by its smooth one. */
function tableOf(curves: readonly Curve[], smoothing: number): uPlot.AlignedData {
  const tables = curves.map((curve): uPlot.AlignedData => {
    const raw = [...curve.ys];
    return smoothing > 0 ? [[...curve.xs], raw, smooth(curve.xs, curve.ys, smoothing)] : [[...curve.xs], raw];
  });
  if (tables.length === 0) return [[]];
  return tables.length === 1 && tables[0] ? tables[0] : uPlot.join(tables);
}

function options(
  props: LineChartProps,
  width: number,
  onZoom: { readonly current: LineChartProps["onZoom"] },
): uPlot.Options {
  const text = colour("--muted");
  const grid = { stroke: colour("--line"), width: 1 };
  const axis: uPlot.Axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };
  const formatX = props.formatX ?? number;
  const smoothing = props.smoothing ?? 0;
  return {
    width,
    height: props.height ?? HEIGHT_PX,
    cursor: props.sync === undefined ? {} : { sync: { key: props.sync, setSeries: false } },
    legend: { live: true },
    scales: {
      x: { time: false, distr: props.logX === true ? 3 : 1 },
      y: { distr: props.logY === true ? 3 : 1 },
    },
    axes: [
      { ...axis, values: (_, values) => values.map((x) => (x === null ? "" : formatX(x))) },
      { ...axis, size: 62, values: (_, values) => values.map((y) => (y === null ? "" : number(y))) },
    ],
    series: [
      { label: "x", value: (_, x) => (x === null ? "" : formatX(x)) },
      ...props.curves.flatMap((curve): uPlot.Series[] => {
        const stroke = colour(`--series-${(curve.colour % 8) + 1}`);
        const value = (_: uPlot, y: number | null) => (y === null ? "" : number(y));
        const line: uPlot.Series = {
          label: curve.label,
          stroke,
          width: 1.5,
          spanGaps: true,
          value,
          points: { size: 4 },
        };
        if (smoothing <= 0) return [line];
        return [
          { ...line, label: `${curve.label} ·`, stroke: stroke + FAINT, width: 1, points: { show: false } },
          line,
        ];
      }),
    ],
    hooks: {
      setSelect: [
        (shown) => {
          if (shown.select.width <= 0) return;
          const from = shown.posToVal(shown.select.left, "x");
          onZoom.current?.([from, shown.posToVal(shown.select.left + shown.select.width, "x")]);
        },
      ],
      ready: [(shown) => shown.over.addEventListener("dblclick", () => onZoom.current?.(undefined))],
    },
  };
}
