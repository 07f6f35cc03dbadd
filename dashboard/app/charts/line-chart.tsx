/**
 * Curves over a common axis, on a canvas. Dragging zooms in, a double click zooms out; the cursor is shared with the charts of
 * the same `sync`. What is not a number (yet) is a gap.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { number } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { colour, shownTheme } from "../theme.ts";
import { clipRange, smooth } from "./smooth.ts";

export interface Curve {
  readonly label: string;
  readonly xs: readonly number[];
  readonly ys: readonly (number | null)[];
  /** Lower and upper edge of a band around it, for each of its xs. */
  readonly band?: { readonly low: readonly number[]; readonly high: readonly number[] };
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
  /** Leaves the outermost hundredth of the values on either side out of the picture. */
  readonly clip?: boolean;
  readonly sync?: string;
  readonly formatX?: (x: number) => string;
  /** The xs are Unix ms; this writes marks that are `stepMs` apart. */
  readonly clock?: ((times: readonly number[], stepMs: number) => string[]) | undefined;
  readonly formatY?: (y: number) => string;
  /** The place on the axis, by value, of a point that the user clicked. */
  readonly onPoint?: (x: number) => void;
  /** The part of the axis that the user chose; undefined: all of it. */
  readonly onZoom?: (range: readonly [number, number] | undefined) => void;
}

const HEIGHT_PX = 220;
const CLIPPED_SHARE = 0.01;
/** Room above and below clipped curves, as a part of their height. */
const CLIP_MARGIN = 0.05;
/** Of the raw curve behind a smooth one. */
const FAINT = "55";
const BAND = "2a";
const DRAG_PX = 4;

export function LineChart(props: LineChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const onZoom = useRef(props.onZoom);
  onZoom.current = props.onZoom;
  const onPoint = useRef(props.onPoint);
  onPoint.current = props.onPoint;
  const theme = shownTheme.value;
  const data = tableOf(props);
  const clipped = useRef<readonly [number, number] | undefined>(undefined);
  clipped.current = props.clip === true ? clipOf(props.curves) : undefined;
  const shape = `${props.curves.map(({ label, colour: index, band }) => `${label}\n${index}\n${band !== undefined}`).join("\n\n")} ${props.clock !== undefined} ${props.logX} ${props.logY} ${(props.smoothing ?? 0) > 0} ${theme} ${props.height}`;

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(options(props, element.clientWidth, { onZoom, onPoint }, clipped), data, element);
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
    // Live points arrive while the user looks at a part: the part stays. With onZoom, only points of that part arrive.
    const { min, max } = shown.scales.x ?? {};
    const first = shown.data[0][0];
    const last = shown.data[0].at(-1);
    const zoomed =
      props.onZoom === undefined &&
      min != null &&
      max != null &&
      first !== undefined &&
      (min > first || max < (last ?? max));
    shown.setData(data, !zoomed);
    if (zoomed) shown.redraw();
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

/** All curves over the union of their xs; each is followed by its smooth one, where it is smoothed, and by the edges of its band. */
function tableOf({ curves, smoothing = 0, logX = false, logY = false }: LineChartProps): uPlot.AlignedData {
  const tables = curves.map((curve): uPlot.AlignedData => {
    const first = logX ? curve.xs.findIndex((x) => x > 0) : 0;
    const shown = <T,>(values: readonly T[]) => (first < 0 ? [] : values.slice(first));
    const xs = shown(curve.xs);
    const drawn = [curve.ys, ...(curve.band ? [curve.band.low, curve.band.high] : [])].map((ys) =>
      smooth(xs, shown(ys), smoothing),
    );
    const rows = smoothing > 0 ? [shown(curve.ys), ...drawn] : drawn;
    // What is not above zero has no place on a log axis: a gap.
    return [xs, ...rows.map((row) => (logY ? row.map((y) => (y !== null && y > 0 ? y : null)) : row))];
  });
  if (tables.length === 0) return [[]];
  return tables.length === 1 && tables[0] ? tables[0] : uPlot.join(tables);
}

function clipOf(curves: readonly Curve[]): readonly [number, number] | undefined {
  const range = clipRange(
    curves.flatMap(({ ys }) => [...ys]),
    CLIPPED_SHARE,
  );
  if (!range || range[0] === range[1]) return undefined;
  const margin = (range[1] - range[0]) * CLIP_MARGIN;
  return [range[0] - margin, range[1] + margin];
}

interface Handlers {
  readonly onZoom: { readonly current: LineChartProps["onZoom"] };
  readonly onPoint: { readonly current: LineChartProps["onPoint"] };
}

function options(
  props: LineChartProps,
  width: number,
  { onZoom, onPoint }: Handlers,
  clipped: { readonly current: readonly [number, number] | undefined },
): uPlot.Options {
  const text = colour("--muted");
  const grid = { stroke: colour("--line"), width: 1 };
  const axis: uPlot.Axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };
  const formatX = props.formatX ?? number;
  const formatY = props.formatY ?? number;
  const smoothing = props.smoothing ?? 0;
  const bands = bandsOf(props.curves, smoothing > 0 ? 2 : 1);
  return {
    width,
    height: props.height ?? HEIGHT_PX,
    cursor: props.sync === undefined ? {} : { sync: { key: props.sync, setSeries: false, scales: ["x", null] } },
    legend: { live: true },
    ms: 1,
    bands: bands.map(({ low, high, stroke }) => ({ series: [high, low], fill: stroke + BAND })),
    scales: {
      x: { time: props.clock !== undefined, distr: props.logX === true ? 3 : 1 },
      y: {
        distr: props.logY === true ? 3 : 1,
        range: (_, low, high) => rangeOf(clipped.current, props.logY === true, low, high),
      },
    },
    axes: [
      {
        ...axis,
        values: (_, values, __, ___, step) =>
          props.clock?.(values, step) ?? values.map((x) => (x === null ? "" : formatX(x))),
      },
      { ...axis, size: 62, values: (_, values) => values.map((y) => (y === null ? "" : short(formatY(y), y))) },
    ],
    series: [
      { label: "x", value: (_, x) => (x === null ? "" : formatX(x)) },
      ...props.curves.flatMap((curve): uPlot.Series[] => {
        const stroke = seriesColour(curve.colour);
        const value = (_: uPlot, y: number | null) => (y === null ? "" : formatY(y));
        const line: uPlot.Series = {
          label: curve.label,
          stroke,
          width: 1.5,
          spanGaps: true,
          value,
          points: { size: 4 },
        };
        const edge: uPlot.Series = { ...line, stroke: "transparent", points: { show: false }, class: "band-edge" };
        const edges = curve.band ? [edge, edge] : [];
        if (smoothing <= 0) return [line, ...edges];
        return [
          {
            ...line,
            label: props.curves.length === 1 ? t("chart.raw") : `${curve.label} ·`,
            stroke: stroke + FAINT,
            width: 1,
            points: { show: false },
          },
          line,
          ...edges,
        ];
      }),
    ],
    hooks: {
      setSeries: [
        (shown, index, { show }) => {
          // A curve that is hidden or shown by its name takes its band along.
          const band = show === undefined ? undefined : bands.find(({ curve }) => curve === index);
          if (!band || show === undefined) return;
          for (const edge of [band.low, band.high]) shown.setSeries(edge, { show });
        },
      ],
      setSelect: [
        (shown) => {
          if (shown.select.width <= 0) return;
          const from = shown.posToVal(shown.select.left, "x");
          onZoom.current?.([from, shown.posToVal(shown.select.left + shown.select.width, "x")]);
        },
      ],
      ready: [
        (shown) => {
          let downAt = 0;
          shown.over.addEventListener("dblclick", () => onZoom.current?.(undefined));
          shown.over.addEventListener("mousedown", ({ clientX }) => {
            downAt = clientX;
          });
          shown.over.addEventListener("click", ({ clientX }) => {
            const x = shown.data[0][shown.cursor.idx ?? -1];
            // The end of dragging is no click.
            if (x !== undefined && Math.abs(clientX - downAt) < DRAG_PX) onPoint.current?.(x);
          });
        },
      ],
    },
  };
}

/** Where the series of each band stand, behind that of the axis; `rows`: how many a curve has itself. */
function bandsOf(curves: readonly Curve[], rows: number) {
  const bands: { curve: number; low: number; high: number; stroke: string }[] = [];
  let next = 1;
  for (const { band, colour: index } of curves) {
    const curve = next + rows - 1;
    if (band) bands.push({ curve, low: curve + 1, high: curve + 2, stroke: seriesColour(index) });
    next = curve + (band ? 3 : 1);
  }
  return bands;
}

function seriesColour(index: number): string {
  return colour(`--series-${(index % 8) + 1}`);
}

/** A mark of an axis has room for eight characters. */
function short(text: string, value: number): string {
  return text.length <= 8 ? text : value.toExponential(1);
}

function rangeOf(
  clipped: readonly [number, number] | undefined,
  isLog: boolean,
  low: number | null,
  high: number | null,
): uPlot.Range.MinMax {
  if (clipped && (!isLog || clipped[0] > 0)) return [clipped[0], clipped[1]];
  if (low === null || high === null) return [null, null];
  return isLog ? uPlot.rangeLog(low, high, 10, false) : uPlot.rangeNum(low, high, 0.1, true);
}
