/**
 * Which points of a spec become runs, and in which order: what the survey leaves, in queue order, up to the limit. Points
 * stand here as numbers, counted from 0 through all blocks.
 */
import type { Meter } from "../expression/evaluate.ts";
import { shuffledIndexes } from "../sampling/shuffle.ts";
import type { SweepSpec } from "./parse.ts";
import type { PointMaker } from "./point-maker.ts";
import { addFinding, valueSpan } from "./report.ts";
import { refuseAt, STEPS_MAX, Survey, type Weight, weigh } from "./survey.ts";
import type { RunNumbers, RunShape } from "./types.ts";

export interface Selection {
  readonly total: number;
  /** Points by their place in the queue; undefined: all of them as they come. */
  readonly points: Uint32Array | undefined;
  readonly shapes: readonly RunShape[];
  /** By number of the point; undefined: by block. */
  readonly shapeOfPoint: Uint32Array | undefined;
  readonly shapeOfBlock: readonly number[];
  /** Points dropped by each condition. */
  readonly dropped: readonly number[];
  readonly duplicates: number;
  readonly cut: number;
}

/** The selection; undefined, and findings, where an expression fails at a point or nothing is left. */
export function selectPoints(spec: SweepSpec, maker: PointMaker, numbers?: RunNumbers): Selection | undefined {
  const survey = new Survey(spec, maker);
  const kept = survey.walk();
  if (spec.report.findings.length > 0) return undefined;
  const count = kept?.length ?? maker.count;
  if (count === 0) return nothingLeft(spec);
  const total = spec.settings.runsMax > 0 ? Math.min(count, spec.settings.runsMax) : count;
  const order = orderOf(spec, maker, survey, kept, count);
  const points = inOrder(kept, order, total);
  const selection: Selection = {
    total,
    points,
    shapes: survey.shapes,
    shapeOfPoint: survey.shapeOfPoint,
    shapeOfBlock: survey.shapeOfBlock,
    dropped: survey.dropped,
    duplicates: survey.duplicates,
    cut: count - total,
  };
  return checkLate(spec, maker, selection, numbers, survey.meter) ? selection : undefined;
}

/** True where a parameter says which run of the sweep it is. */
export function isNumbered({ blocks }: SweepSpec): boolean {
  return blocks.some(({ derived }) => derived.some(({ isLate }) => isLate));
}

/** The number of the run that the point at a place of the queue, counted from 0, becomes; 0: it becomes none. */
export function numberAt(numbers: RunNumbers | undefined, place: number): number {
  return numbers ? (numbers[place] ?? 0) : place + 1;
}

/** Expressions that need a run's number are tried with it, so that nothing can fail once points are handed out. */
function checkLate(
  spec: SweepSpec,
  maker: PointMaker,
  { total, points }: Selection,
  numbers: RunNumbers | undefined,
  meter: Meter,
): boolean {
  if (!isNumbered(spec)) return true;
  const weight: Weight = { bytes: 0 };
  for (let i = 0; i < total; i++) {
    const index = numberAt(numbers, i);
    if (index === 0) continue;
    const point = points ? (points[i] ?? 0) : i;
    const cursor = maker.move(point);
    const block = maker.blockOf(point);
    const problem = cursor.derive(meter) ?? cursor.deriveLate(index, meter);
    if (problem) refuseAt(spec.report, block, cursor, problem);
    else weigh(spec.report, weight, block, cursor);
    if (spec.report.findings.length > 0) return false;
    if (meter.steps > 2 * STEPS_MAX) {
      const late = spec.blocks.flatMap(({ derived }) => derived).find(({ isLate }) => isLate);
      const message = "the expressions are too much work for so many points";
      if (late) addFinding(spec.report, { id: "expression.limit", message, span: valueSpan(late.checked.node) });
      return false;
    }
  }
  return true;
}

/** Which of the points that are left comes where; undefined: they stay as they are. */
function orderOf(
  { order, shuffleSeed }: SweepSpec,
  maker: PointMaker,
  survey: Survey,
  kept: Uint32Array | undefined,
  count: number,
): Uint32Array | undefined {
  if (order === "shuffled") return shuffledIndexes(count, shuffleSeed);
  if (order === "listed" || survey.shapes.length < 2) return undefined;
  const ranks = costRanks(survey.shapes);
  const rankOf = (place: number) => {
    const point = kept ? (kept[place] ?? 0) : place;
    return ranks[survey.shapeOfPoint?.[point] ?? survey.shapeOfBlock[maker.blockNumberOf(point)] ?? 0] ?? 0;
  };
  // By counting: the order of equals stays, and a million points take no longer than they need.
  const starts = new Uint32Array(ranks.length + 1);
  for (let place = 0; place < count; place++) starts[rankOf(place) + 1] = (starts[rankOf(place) + 1] ?? 0) + 1;
  for (let rank = 0; rank < ranks.length; rank++) starts[rank + 1] = (starts[rank + 1] ?? 0) + (starts[rank] ?? 0);
  const sorted = new Uint32Array(count);
  for (let place = 0; place < count; place++) {
    const rank = rankOf(place);
    const at = starts[rank] ?? 0;
    sorted[at] = place;
    starts[rank] = at + 1;
  }
  return sorted;
}

/**
 * From 0, the cheapest: by the GPUs that a run asks for, then by the time that it may take. Without a word about GPUs it
 * takes one device; without a limit it may take any time.
 */
function costRanks(shapes: readonly RunShape[]): number[] {
  const costs = shapes.map(({ resources, limits }, number) => ({
    number,
    gpus: resources.gpus ?? 1,
    timeMs: limits.timeMs === 0 ? Number.MAX_VALUE : limits.timeMs,
  }));
  costs.sort((a, b) => a.gpus - b.gpus || a.timeMs - b.timeMs);
  const ranks = shapes.map(() => 0);
  for (const [i, { number, gpus, timeMs }] of costs.entries()) {
    const before = costs[i - 1];
    const isSame = before?.gpus === gpus && before.timeMs === timeMs;
    ranks[number] = before && isSame ? (ranks[before.number] ?? 0) : i;
  }
  return ranks;
}

function nothingLeft({ report, conditions }: SweepSpec): undefined {
  const message = "no point meets all conditions, so there would be no run at all";
  const [first] = conditions;
  if (!first) throw new Error("assertion failed: points vanish by conditions only");
  addFinding(report, { id: "spec.empty", message, span: valueSpan(first.checked.node) });
  return undefined;
}

function inOrder(
  values: Uint32Array | undefined,
  order: Uint32Array | undefined,
  total: number,
): Uint32Array | undefined {
  if (!values) return order?.subarray(0, total);
  if (!order) return values.subarray(0, total);
  return order.subarray(0, total).map((at) => values[at] ?? 0);
}
