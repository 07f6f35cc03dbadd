/**
 * [P] Curves as text: braille dots, four rows and two columns in a character. Each curve has a mark of its own at some of its
 * points, so that they are told apart without colour. Never wider than it is told, whatever the numbers.
 */
import { PLOT_COLOURS, paintPlot } from "./colour.ts";
import { escapeControl, shortNumber } from "./text.ts";
import { displayWidth, padEnd, padStart, truncate } from "./width.ts";

export interface Curve {
  readonly label: string;
  /** In any order; what is not finite is left out. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface PlotOptions {
  /** Columns, all included. */
  readonly width: number;
  /** Lines, all included. */
  readonly height: number;
  /** Logarithmic y; values that are not positive are left out. */
  readonly log: boolean;
  readonly color: boolean;
  /** What x is. */
  readonly xLabel: string;
}

/** Of the area with the curves. */
const WIDTH_MIN = 10;
const HEIGHT_MIN = 4;
/** Characters between two marks of a curve. */
const MARK_EVERY = 12;
const MARKS = "●▲■◆○△□◇";
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Lines without a newline; the curves, the axis, and a line for each label. */
export function plotLines(curves: readonly Curve[], options: PlotOptions): string[] {
  const drawn = curves.map((curve) => ({ ...curve, points: usable(curve, options.log) }));
  const all = drawn.flatMap(({ points }) => points);
  const legend = drawn.map((curve, n) => legendLine(curve, curves[n]?.points.length ?? 0, n, options));
  if (all.length === 0) return [...legend, "no points to draw"];
  const toY = (y: number) => (options.log ? Math.log10(y) : y);
  const xs = range(all.map(([x]) => x));
  const ys = range(all.map(([, y]) => toY(y)));
  const yTexts = [ys.high, (ys.low + ys.high) / 2, ys.low].map((y) => shortNumber(options.log ? 10 ** y : y));
  const gutter = Math.max(...yTexts.map((text) => text.length));
  const width = Math.max(WIDTH_MIN, options.width - gutter - 2);
  const height = Math.max(HEIGHT_MIN, options.height - 2 - legend.length);
  const canvas = createCanvas(width, height);
  for (const [n, { points }] of drawn.entries()) {
    const places = points.map(([x, y]): [number, number] => [
      share(x, xs) * (width * 2 - 1),
      (1 - share(toY(y), ys)) * (height * 4 - 1),
    ]);
    drawCurve(canvas, places, n);
  }
  const marked = [0, Math.floor((height - 1) / 2), height - 1];
  const rows = canvas.rows(options.color).map((row, n) => {
    const at = marked.indexOf(n);
    return `${padStart(at < 0 ? "" : (yTexts[at] ?? ""), gutter)} ${at < 0 ? "│" : "┤"}${row}`.trimEnd();
  });
  const axis = `${" ".repeat(gutter)} └${"─".repeat(width)}`;
  return [...rows, axis, xLine(xs, options.xLabel, gutter, width), ...legend].map((line) =>
    options.color ? line : truncate(line, Math.max(options.width, gutter + 2 + WIDTH_MIN)),
  );
}

interface Range {
  readonly low: number;
  readonly high: number;
}

function usable({ points }: Curve, log: boolean): [number, number][] {
  return points
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y) && (!log || y > 0))
    .map(([x, y]): [number, number] => [x, y])
    .sort(([a], [b]) => a - b);
}

/** Never empty: one value alone is drawn in the middle. */
function range(values: readonly number[]): Range {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low < high) return { low, high };
  const room = Math.abs(low) * 0.5 || 0.5;
  return { low: low - room, high: high + room };
}

/** 0 to 1. By halves first, as the difference of the largest numbers is none. */
function share(value: number, { low, high }: Range): number {
  const part = (value / 2 - low / 2) / (high / 2 - low / 2);
  return Math.max(0, Math.min(1, part));
}

interface Canvas {
  readonly width: number;
  readonly height: number;
  dot(x: number, y: number, curve: number): void;
  mark(x: number, y: number, curve: number): void;
  rows(color: boolean): string[];
}

function createCanvas(width: number, height: number): Canvas {
  const bits = new Uint8Array(width * height);
  const owner = new Uint8Array(width * height);
  const marks = new Map<number, string>();
  const cell = (x: number, y: number) => Math.floor(y / 4) * width + Math.floor(x / 2);
  return {
    width,
    height,
    dot(x, y, curve) {
      const at = cell(x, y);
      bits[at] = (bits[at] ?? 0) | (DOTS[y % 4]?.[x % 2] ?? 0);
      owner[at] = curve;
    },
    mark(x, y, curve) {
      const at = cell(x, y);
      marks.set(at, MARKS[curve % MARKS.length] ?? "");
      owner[at] = curve;
    },
    rows: (color) =>
      Array.from({ length: height }, (_, row) =>
        Array.from({ length: width }, (_, column) => {
          const at = row * width + column;
          const mark = marks.get(at);
          if (mark === undefined && bits[at] === 0) return " ";
          const char = mark ?? String.fromCodePoint(0x2800 + (bits[at] ?? 0));
          return paintPlot(char, owner[at] ?? 0, color);
        }).join(""),
      ),
  };
}

function drawCurve(canvas: Canvas, places: readonly (readonly [number, number])[], curve: number): void {
  let before: readonly [number, number] | undefined;
  for (const [x, y] of places) {
    const from = before ?? [x, y];
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x - from[0]), Math.abs(y - from[1]))));
    for (let i = 0; i <= steps; i++) {
      const part = i / steps;
      canvas.dot(Math.round(from[0] + (x - from[0]) * part), Math.round(from[1] + (y - from[1]) * part), curve);
    }
    before = [x, y];
  }
  // Marks of different curves stand at different places, also where the curves are one.
  let next = (curve * 3) % MARK_EVERY;
  for (const [x, y] of places) {
    if (x / 2 < next) continue;
    canvas.mark(Math.round(x), Math.round(y), curve);
    next = x / 2 + MARK_EVERY;
  }
}

function xLine(xs: Range, label: string, gutter: number, width: number): string {
  const [left, right] = [shortNumber(xs.low), shortNumber(xs.high)];
  const room = width - left.length - right.length;
  const middle = room >= label.length + 2 ? label : "";
  const start = Math.max(1, Math.floor((room - middle.length) / 2));
  return `${" ".repeat(gutter + 2)}${padEnd(left + " ".repeat(start) + middle, width - right.length)}${right}`;
}

function legendLine({ label, points }: Curve, given: number, n: number, { width, color }: PlotOptions): string {
  const [first, last] = [points[0], points.at(-1)];
  const values = first && last ? `  ${shortNumber(first[1])} → ${shortNumber(last[1])}` : "";
  const missing = given > points.length ? `  (${given - points.length} not drawn)` : "";
  const mark = MARKS[n % MARKS.length] ?? "";
  const room = Math.max(1, width - 2 - displayWidth(values + missing));
  return `${paintPlot(mark, n, color)} ${truncate(escapeControl(label), room)}${values}${missing}`;
}

/** Curves that have a mark of their own. */
export const CURVES_MAX = Math.min(MARKS.length, PLOT_COLOURS);
