/**
 * [P] Where a value stands on an axis, from 0 to 1: numbers on a linear or logarithmic one, anything else at evenly spaced
 * places. Also which part of an axis a user has marked, and the marks to write beside it.
 */
import type { Cell } from "../../../shared/run/dashboard.ts";

export interface AxisScale {
  readonly kind: "linear" | "log" | "ordinal";
  /** Undefined: the value has no place here. */
  at(value: Cell): number | undefined;
  readonly ticks: readonly { readonly at: number; readonly value: Cell }[];
  /** Different values. */
  readonly places: number;
  /** Every number is above zero, so that a logarithmic axis is possible. */
  readonly canLog: boolean;
}

/** A marked part: numbers from `low` to `high`, or single values of an ordinal axis. */
export type Brush = { readonly low: number; readonly high: number } | { readonly values: readonly Cell[] };

export interface AxisOptions {
  readonly log?: boolean;
  readonly flip?: boolean;
}

const TICKS = 5;
const ORDINAL_TICKS_MAX = 14;
const GRID_TICKS_MAX = 8;
/** In parts of the axis. */
const GRID_GAP_MIN = 0.06;

/** `log` has no effect where a number is zero or less. */
export function axisScale(values: readonly Cell[], { log = false, flip = false }: AxisOptions = {}): AxisScale {
  const present = values.filter((value) => value !== null);
  const turn = (place: number) => (flip ? 1 - place : place);
  const numbers = present.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
  if (present.length === 0 || numbers.length < present.length) return ordinalScale(present, turn);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of numbers) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const canLog = low > 0;
  const isLog = log && canLog;
  const project = isLog ? Math.log10 : (x: number) => x;
  const span = project(high) - project(low);
  const at = (value: number) => turn(span > 0 ? (project(value) - project(low)) / span : 0.5);
  const different = [...new Set(numbers)].sort((a, b) => a - b);
  // The few values of a grid are the marks themselves, unless they stand too close.
  const isGrid =
    different.length <= GRID_TICKS_MAX &&
    different.every((value, i) => i === 0 || Math.abs(at(value) - at(different[i - 1] ?? value)) >= GRID_GAP_MIN);
  const ticks = isGrid ? different : isLog ? logTicks(low, high) : linearTicks(low, high);
  return {
    kind: isLog ? "log" : "linear",
    at: (value) => {
      if (typeof value !== "number" || !Number.isFinite(value) || (isLog && value <= 0)) return undefined;
      return at(value);
    },
    ticks: ticks.map((value) => ({ at: at(value), value })),
    places: different.length,
    canLog,
  };
}

/** What lies between two places of an axis; undefined where nothing does. */
export function brushBetween(scale: AxisScale, values: readonly Cell[], from: number, to: number): Brush | undefined {
  const low = Math.min(from, to);
  const high = Math.max(from, to);
  const inside = [...new Set(values)].filter((value) => {
    const place = scale.at(value);
    return place !== undefined && place >= low && place <= high;
  });
  if (inside.length === 0) return undefined;
  if (scale.kind === "ordinal") return { values: inside };
  // Bounds are values that occur: what is marked stays marked, digit by digit, in an address or an expression.
  const numbers = inside as number[];
  return {
    low: numbers.reduce((a, b) => Math.min(a, b)),
    high: numbers.reduce((a, b) => Math.max(a, b)),
  };
}

export function isIn(brush: Brush, value: Cell): boolean {
  if ("values" in brush) return brush.values.includes(value);
  return typeof value === "number" && value >= brush.low && value <= brush.high;
}

/** Round numbers from `low` to `high`, about `count` of them. */
export function linearTicks(low: number, high: number, count = TICKS): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Steps are counted, not added, so that 0.3 is not 0.30000000000000004.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten; within two decades also 2 and 5 times them; the two ends where these are too few. */
function logTicks(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((to - from) / (TICKS + 2)));
  const factors = to - from <= 3 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = from; power <= to; power += every) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= low && value <= high) ticks.push(value);
    }
  }
  return ticks.length >= 2 ? ticks : [low, high];
}

function ordinalScale(present: readonly Cell[], turn: (place: number) => number): AxisScale {
  const values = [...new Set(present)].sort(compareCells);
  const places = new Map(values.map((value, i) => [value, values.length === 1 ? 0.5 : i / (values.length - 1)]));
  const every = Math.ceil(values.length / ORDINAL_TICKS_MAX);
  const at = (value: Cell) => {
    const place = places.get(value);
    return place === undefined ? undefined : turn(place);
  };
  return {
    kind: "ordinal",
    at,
    ticks: values.filter((_, i) => i % every === 0).map((value) => ({ at: at(value) ?? 0, value })),
    places: values.length,
    canLog: false,
  };
}

/** False, true; numbers by size; then texts, "v2" before "v10". */
function compareCells(a: Cell, b: Cell): number {
  const rank = (value: Cell) => (typeof value === "boolean" ? 0 : typeof value === "number" ? 1 : 2);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return Number(a) - Number(b);
}
