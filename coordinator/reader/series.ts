/** Curves of a run for a screen. */
import { isSystemMetric } from "../../shared/capture/options.ts";
import type { SeriesAnswer } from "../../shared/run/dashboard.ts";
import { downSample } from "./down-sample.ts";
import type { MomentQuestion, SeriesQuestion } from "./messages.ts";
import type { PointCache, PointColumns, Points } from "./point-cache.ts";

/** Where no key is named, so many are given, in order of first appearance. */
const KEYS_DEFAULT_MAX = 50;

/** A key that was never logged gives no points. */
export async function readSeries(cache: PointCache, question: SeriesQuestion): Promise<SeriesAnswer> {
  const { fence, path, end, x, width, from, to } = question;
  const columns = await cache.read(fence, path, end);
  const keys = question.keys.length > 0 ? question.keys : ownKeys(columns).slice(0, KEYS_DEFAULT_MAX);
  const series = keys.map((key) => {
    const points = columns.get(key);
    if (!points) return { key, points: 0, exact: true, xs: [], ys: [] };
    const xs = xsOf(points, columns, x, question.startedAt);
    return { key, ...downSample({ xs, ys: points.values.values }, width, from, to) };
  });
  return { x, series };
}

/** When the point was logged that is nearest to a place on the axis. */
export async function readMoment(cache: PointCache, question: MomentQuestion): Promise<number | null> {
  const { fence, path, end, key, x, value, startedAt } = question;
  const columns = await cache.read(fence, path, end);
  const points = columns.get(key);
  if (!points) return null;
  let nearest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [i, at] of xsOf(points, columns, x, startedAt).entries()) {
    const distance = Math.abs(at - value);
    if (distance >= least) continue;
    least = distance;
    nearest = i;
  }
  const time = points.times.values[nearest] ?? 0;
  return time > 0 ? time : null;
}

/** Of the program itself: those of the host are drawn where they are asked for. */
function ownKeys(columns: PointColumns): string[] {
  return [...columns.keys()].filter((key) => !isSystemMetric(key));
}

function xsOf(points: Points, columns: PointColumns, x: string, startedAt: number): Float64Array {
  if (x === "step") return points.steps.values;
  // A point that says no time has no place on an axis of time.
  if (x === "wall") return points.times.values.map((time) => (time > 0 ? time : Number.NaN));
  if (x === "time") return points.times.values.map((time) => (time > 0 ? time - startedAt : Number.NaN));
  const other = columns.get(x);
  return other ? joined(points, other) : new Float64Array(points.steps.length).fill(Number.NaN);
}

/** Of each point the value that the other metric had at the same step; NaN where it had none. */
function joined(points: Points, other: Points): Float64Array {
  const steps = points.steps.values;
  const otherSteps = other.steps.values;
  const values = other.values.values;
  if (steps.length === otherSteps.length && steps.every((step, i) => step === otherSteps[i])) return values.slice();
  const byStep = new Map<number, number>();
  for (const [i, step] of otherSteps.entries()) byStep.set(step, values[i] as number);
  return steps.map((step) => byStep.get(step) ?? Number.NaN);
}
