/** One point for each run, by any two of its values. A click opens the run. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Cell } from "../../../shared/run/dashboard.ts";
import { Canvas, type CanvasPoint, Tip } from "../charts/canvas.tsx";
import { text } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { titleOf } from "../keys.ts";
import { go } from "../router.ts";
import { type AxisScale, axisScale } from "../stats/axis-scale.ts";
import { colour } from "../theme.ts";
import { createRamp } from "./colours.ts";
import { columnOf, type Frame } from "./frame.ts";

export interface ScatterProps {
  readonly frame: Frame;
  readonly x: string;
  readonly y: string;
  /** "": one colour for all. */
  readonly by: string;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly height: number;
}

interface Dot {
  readonly row: number;
  /** Places from 0 to 1. */
  readonly x: number;
  readonly y: number;
  readonly by: number | undefined;
}

const LEFT = 64;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 40;
const NEAR_PX = 12;
/** Points of one word stand beside each other, not upon each other. */
const SPREAD = 0.5;

export function Scatter({ frame, x, y, by, logX, logY, height }: ScatterProps) {
  const over = useSignal<{ readonly dot: Dot; readonly point: CanvasPoint } | undefined>(undefined);
  const { dots, scaleX, scaleY } = useMemo(() => {
    const xs = columnOf(frame, x);
    const ys = columnOf(frame, y);
    const bys = columnOf(frame, by);
    // Axes span what is drawn: a run without the other value has no place on either.
    const drawn = [...frame.refs.keys()].filter((row) => isDrawn(xs[row]) && isDrawn(ys[row]));
    const scaleX = axisScale(
      drawn.map((row) => xs[row] ?? null),
      { log: logX },
    );
    const scaleY = axisScale(
      drawn.map((row) => ys[row] ?? null),
      { log: logY },
    );
    const scaleBy = axisScale(bys);
    const dots = drawn.flatMap((row): Dot[] => {
      const left = scaleX.at(xs[row] ?? null);
      const up = scaleY.at(ys[row] ?? null);
      if (left === undefined || up === undefined) return [];
      const place = { x: spread(scaleX, left, row), y: spread(scaleY, up, row + 1) };
      return [{ row, ...place, by: by === "" ? undefined : scaleBy.at(bys[row] ?? null) }];
    });
    return { dots, scaleX, scaleY };
  }, [frame, x, y, by, logX, logY]);

  const shown = over.value?.dot;
  const value = (key: string) => `${titleOf(key)} ${text(columnOf(frame, key)[shown?.row ?? 0])}`;
  return (
    <div class="canvas-box">
      <Canvas
        label={t("scatter.label", { x: titleOf(x), y: titleOf(y), count: dots.length })}
        height={height}
        keys={[dots, shown]}
        draw={(context, width) => {
          drawAxes(context, { scaleX, scaleY, titleX: titleOf(x), titleY: titleOf(y), width, height });
          drawDots(context, dots, shown, by !== "", width, height);
        }}
        onPoint={(point) => {
          const dot = point.kind === "leave" ? undefined : dotAt(point, dots, height);
          over.value = dot && { dot, point };
          if (point.kind === "up" && dot) go(`/runs/${frame.refs[dot.row]}`);
        }}
      />
      {over.value && (
        <Tip
          {...over.value.point}
          lines={[frame.refs[over.value.dot.row] ?? "", value(x), value(y), ...(by === "" ? [] : [value(by)])]}
        />
      )}
    </div>
  );
}

function isDrawn(value: Cell | undefined): boolean {
  return value !== null && value !== undefined && (typeof value !== "number" || Number.isFinite(value));
}

/** Words get a band each, and the same run stands at the same place of it every time. */
function spread(scale: AxisScale, place: number, row: number): number {
  if (scale.kind !== "ordinal") return place;
  return band(scale, place) + ((((row * 0.618_034) % 1) - 0.5) * SPREAD) / scale.places;
}

/** The middle of the band of a word. */
function band(scale: AxisScale, place: number): number {
  return scale.kind === "ordinal" ? (place * (scale.places - 1) + 0.5) / scale.places : place;
}

function xOf(place: number, width: number): number {
  return LEFT + (0.03 + 0.94 * place) * (width - LEFT - RIGHT);
}

function yOf(place: number, height: number): number {
  return height - BOTTOM - (0.04 + 0.92 * place) * (height - TOP - BOTTOM);
}

function dotAt({ x, y, width }: CanvasPoint, dots: readonly Dot[], height: number): Dot | undefined {
  let best: Dot | undefined;
  let nearest = NEAR_PX;
  for (const dot of dots) {
    const distance = Math.hypot(x - xOf(dot.x, width), y - yOf(dot.y, height));
    if (distance < nearest) {
      nearest = distance;
      best = dot;
    }
  }
  return best;
}

function drawDots(
  context: CanvasRenderingContext2D,
  dots: readonly Dot[],
  shown: Dot | undefined,
  coloured: boolean,
  width: number,
  height: number,
): void {
  const ramp = createRamp();
  const plain = colour("--series-1");
  const disc = (dot: Dot, radius: number) => {
    context.beginPath();
    context.arc(xOf(dot.x, width), yOf(dot.y, height), radius, 0, 2 * Math.PI);
    context.fill();
  };
  context.globalAlpha = dots.length > 500 ? 0.55 : 0.85;
  for (const dot of dots) {
    context.fillStyle = coloured ? ramp(dot.by) : plain;
    disc(dot, 3.5);
  }
  context.globalAlpha = 1;
  if (!shown) return;
  context.fillStyle = colour("--text");
  disc(shown, 5.5);
}

interface Axes {
  readonly scaleX: AxisScale;
  readonly scaleY: AxisScale;
  readonly titleX: string;
  readonly titleY: string;
  readonly width: number;
  readonly height: number;
}

function drawAxes(context: CanvasRenderingContext2D, axes: Axes): void {
  const { scaleX, scaleY, titleX, titleY, width, height } = axes;
  context.strokeStyle = colour("--line");
  context.fillStyle = colour("--muted");
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  let lastEnd = Number.NEGATIVE_INFINITY;
  for (const { at, value } of scaleX.ticks) {
    const x = xOf(band(scaleX, at), width);
    rule(context, x, TOP, x, height - BOTTOM);
    const label = shortened(text(value), 12);
    const half = context.measureText(label).width / 2;
    // Where words would touch, the later one is left out.
    if (x - half < lastEnd + 6) continue;
    context.fillText(label, x, height - BOTTOM + 5);
    lastEnd = x + half;
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { at, value } of scaleY.ticks) {
    const y = yOf(band(scaleY, at), height);
    rule(context, LEFT, y, width - RIGHT, y);
    context.fillText(shortened(text(value), 9), LEFT - 6, y);
  }
  context.fillStyle = colour("--text");
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(shortened(titleX, 60), (LEFT + width - RIGHT) / 2, height - 2);
  context.save();
  context.translate(12, (TOP + height - BOTTOM) / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(shortened(titleY, 30), 0, 0);
  context.restore();
}

function rule(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function shortened(label: string, max: number): string {
  return label.length > max ? `${label.slice(0, max - 1)}…` : label;
}
