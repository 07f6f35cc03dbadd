/**
 * Parallel coordinates: one axis for each key, one line for each run, coloured by the last axis. Dragging along an axis marks
 * a part of it, a click on the axis takes the mark away, a click on a line opens its run.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Cell } from "../../../shared/run/dashboard.ts";
import { Canvas, type CanvasPoint, Tip } from "../charts/canvas.tsx";
import { text } from "../format.ts";
import { t } from "../i18n/i18n.ts";
import { titleOf } from "../keys.ts";
import { go } from "../router.ts";
import { type AxisScale, axisScale, type Brush, brushBetween, isIn } from "../stats/axis-scale.ts";
import { colour } from "../theme.ts";
import { createRamp } from "./colours.ts";
import { columnOf, type Frame } from "./frame.ts";

export interface ParallelProps {
  readonly frame: Frame;
  readonly keys: readonly string[];
  readonly log: ReadonlySet<string>;
  readonly flip: ReadonlySet<string>;
  readonly brushes: ReadonlyMap<string, Brush>;
  readonly onLog: (key: string) => void;
  readonly onFlip: (key: string) => void;
  readonly onBrush: (key: string, brush: Brush | undefined) => void;
}

interface Axis {
  readonly key: string;
  readonly values: readonly Cell[];
  readonly scale: AxisScale;
}

const HEIGHT = 320;
const TOP = 10;
const BOTTOM = 12;
/** A press this near to an axis is on it. */
const AXIS_PX = 28;
/** A pointer this near to a line is on it. */
const LINE_PX = 7;
/** A press that moves less is a click. */
const CLICK_PX = 4;
/** With more lines each is drawn thinner. */
const MANY_LINES = 300;

export function Parallel(props: ParallelProps) {
  const { frame, keys, log, flip, brushes } = props;
  const drag = useSignal<{ readonly axis: number; readonly from: number; readonly to: number } | undefined>(undefined);
  const over = useSignal<{ readonly row: number; readonly point: CanvasPoint } | undefined>(undefined);
  const axes = useMemo(
    () =>
      keys.map((key): Axis => {
        const values = columnOf(frame, key);
        return { key, values, scale: axisScale(values, { log: log.has(key), flip: flip.has(key) }) };
      }),
    [frame, keys.join("\n"), [...log].join("\n"), [...flip].join("\n")],
  );
  const marked = useMemo(() => markedRows(frame, brushes), [frame, brushes]);
  const hovered = over.value?.row;
  const dragged = drag.value;

  const onPoint = (point: CanvasPoint) => {
    const place = placeOf(point.y);
    if (point.kind === "down") {
      const axis = axisAt(point, axes.length);
      if (axis !== undefined) drag.value = { axis, from: place, to: place };
    } else if (point.kind === "move") {
      if (drag.value) drag.value = { ...drag.value, to: place };
      else {
        const row = rowAt(point, axes, marked);
        over.value = row === undefined ? undefined : { row, point };
      }
    } else if (point.kind === "up") {
      const done = drag.value;
      drag.value = undefined;
      const axis = done && axes[done.axis];
      if (axis && Math.abs(done.to - done.from) * HEIGHT > CLICK_PX) {
        props.onBrush(axis.key, brushBetween(axis.scale, axis.values, done.from, done.to));
      } else {
        const row = rowAt(point, axes, marked);
        if (axis && brushes.has(axis.key)) props.onBrush(axis.key, undefined);
        else if (row !== undefined) go(`/runs/${frame.refs[row]}`);
      }
    } else if (!drag.value) over.value = undefined;
  };

  return (
    <div class="parallel">
      <div class="parallel-heads" style={{ gridTemplateColumns: `repeat(${axes.length}, minmax(0, 1fr))` }}>
        {axes.map((axis) => (
          <Head key={axis.key} axis={axis} {...props} />
        ))}
      </div>
      <div class="canvas-box">
        <Canvas
          label={t("parallel.label", { axes: keys.map(titleOf).join(", "), count: marked.length })}
          height={HEIGHT}
          keys={[axes, marked, hovered, dragged, brushes]}
          draw={(context, width) => draw(context, width, { axes, marked, hovered, dragged, brushes, frame })}
          onPoint={onPoint}
        />
        {over.value && (
          <Tip
            {...over.value.point}
            lines={[
              frame.refs[over.value.row] ?? "",
              ...axes.map(({ key, values }) => `${titleOf(key)} ${text(values[over.value?.row ?? 0])}`),
            ]}
          />
        )}
      </div>
    </div>
  );
}

function Head({ axis, log, flip, brushes, onLog, onFlip, onBrush }: { axis: Axis } & ParallelProps) {
  const { key, scale } = axis;
  const title = titleOf(key);
  return (
    <div class="parallel-head">
      <span class="parallel-name" title={title}>
        {title}
      </span>
      <span>
        {scale.canLog && (
          <button
            type="button"
            aria-pressed={log.has(key)}
            aria-label={t("parallel.log", { axis: title })}
            onClick={() => onLog(key)}
          >
            {t("parallel.log-word")}
          </button>
        )}
        <button
          type="button"
          aria-pressed={flip.has(key)}
          aria-label={t("parallel.flip", { axis: title })}
          title={t("parallel.flip", { axis: title })}
          onClick={() => onFlip(key)}
        >
          ⇅
        </button>
        {brushes.has(key) && (
          <button
            type="button"
            aria-label={t("parallel.clear", { axis: title })}
            onClick={() => onBrush(key, undefined)}
          >
            ✕
          </button>
        )}
      </span>
    </div>
  );
}

/** Rows within every marked part. */
export function markedRows(frame: Frame, brushes: ReadonlyMap<string, Brush>): number[] {
  const wanted = [...brushes].map(([key, brush]) => ({ brush, values: columnOf(frame, key) }));
  return [...frame.refs.keys()].filter((row) => wanted.every(({ brush, values }) => isIn(brush, values[row] ?? null)));
}

function xOf(axis: number, count: number, width: number): number {
  return ((axis + 0.5) * width) / count;
}

function yOf(place: number): number {
  return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);
}

function placeOf(y: number): number {
  return Math.min(1.02, Math.max(-0.02, (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM)));
}

function axisAt({ x, width }: CanvasPoint, count: number): number | undefined {
  const nearest = Math.min(count - 1, Math.max(0, Math.floor((x / width) * count)));
  return Math.abs(x - xOf(nearest, count, width)) <= AXIS_PX ? nearest : undefined;
}

/** The line nearest to the pointer, between the two axes around it. */
function rowAt({ x, y, width }: CanvasPoint, axes: readonly Axis[], rows: readonly number[]): number | undefined {
  const left = Math.floor((x / width) * axes.length - 0.5);
  const [a, b] = [axes[left], axes[left + 1]];
  if (!a || !b) return undefined;
  const from = xOf(left, axes.length, width);
  const share = (x - from) / (xOf(left + 1, axes.length, width) - from);
  let best: number | undefined;
  let nearest = LINE_PX;
  for (const row of rows) {
    const start = a.scale.at(a.values[row] ?? null);
    const end = b.scale.at(b.values[row] ?? null);
    if (start === undefined || end === undefined) continue;
    const distance = Math.abs(y - (yOf(start) + share * (yOf(end) - yOf(start))));
    if (distance < nearest) {
      nearest = distance;
      best = row;
    }
  }
  return best;
}

interface Picture {
  readonly frame: Frame;
  readonly axes: readonly Axis[];
  readonly marked: readonly number[];
  readonly hovered: number | undefined;
  readonly dragged: { readonly axis: number; readonly from: number; readonly to: number } | undefined;
  readonly brushes: ReadonlyMap<string, Brush>;
}

function draw(context: CanvasRenderingContext2D, width: number, picture: Picture): void {
  const { axes, marked, hovered, dragged, brushes, frame } = picture;
  const line = (row: number) => {
    context.beginPath();
    let drawing = false;
    for (const [i, { scale, values }] of axes.entries()) {
      const place = scale.at(values[row] ?? null);
      if (place === undefined) {
        drawing = false;
        continue;
      }
      const x = xOf(i, axes.length, width);
      if (drawing) context.lineTo(x, yOf(place));
      else context.moveTo(x, yOf(place));
      drawing = true;
    }
    context.stroke();
  };
  const many = frame.refs.length > MANY_LINES;
  context.lineJoin = "round";
  if (brushes.size > 0) {
    const isMarked = new Set(marked);
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    for (const row of frame.refs.keys()) if (!isMarked.has(row)) line(row);
  }
  const ramp = createRamp();
  const last = axes.at(-1);
  context.globalAlpha = many ? 0.45 : 0.85;
  context.lineWidth = many ? 1 : 1.6;
  for (const row of marked) {
    context.strokeStyle = ramp(last?.scale.at(last.values[row] ?? null));
    line(row);
  }
  context.globalAlpha = 1;
  if (hovered !== undefined) {
    context.strokeStyle = colour("--text");
    context.lineWidth = 2.5;
    line(hovered);
  }
  for (const [i, axis] of axes.entries()) drawAxis(context, axis, xOf(i, axes.length, width), i === axes.length - 1);
  for (const [i, { key, scale, values }] of axes.entries()) {
    const brush = brushes.get(key);
    if (!brush) continue;
    const places = values.flatMap((value) => (isIn(brush, value) ? (scale.at(value) ?? []) : []));
    if (places.length > 0) drawMark(context, xOf(i, axes.length, width), lowest(places), highest(places));
  }
  if (dragged) drawMark(context, xOf(dragged.axis, axes.length, width), dragged.from, dragged.to);
}

function drawAxis(context: CanvasRenderingContext2D, { scale }: Axis, x: number, isLast: boolean): void {
  context.strokeStyle = colour("--muted");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, TOP);
  context.lineTo(x, HEIGHT - BOTTOM);
  context.stroke();
  context.textBaseline = "middle";
  context.textAlign = isLast ? "right" : "left";
  const side = isLast ? -1 : 1;
  for (const { at, value } of scale.ticks) {
    const y = yOf(at);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + side * 4, y);
    context.stroke();
    const label = shortened(text(value));
    // A ground of its own keeps the words apart from the lines behind them.
    const wide = context.measureText(label).width + 4;
    context.globalAlpha = 0.85;
    context.fillStyle = colour("--raised");
    context.fillRect(isLast ? x - 5 - wide : x + 5, y - 8, wide, 16);
    context.globalAlpha = 1;
    context.fillStyle = colour("--text");
    context.fillText(label, x + side * 7, y);
  }
}

function drawMark(context: CanvasRenderingContext2D, x: number, from: number, to: number): void {
  const top = yOf(Math.max(from, to));
  const height = Math.max(6, yOf(Math.min(from, to)) - top);
  context.fillStyle = colour("--accent");
  context.globalAlpha = 0.25;
  context.fillRect(x - 8, top - 1, 16, height + 2);
  context.globalAlpha = 1;
  context.strokeStyle = colour("--accent");
  context.lineWidth = 1.5;
  context.strokeRect(x - 8, top - 1, 16, height + 2);
}

function lowest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function highest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}

function shortened(label: string): string {
  return label.length > 18 ? `${label.slice(0, 17)}…` : label;
}
