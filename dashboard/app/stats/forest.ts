/**
 * [P] Which parameters a metric depends on: permutation importance (Breiman 2001, section 10) on a small random forest. It
 * is computed tree by tree, so that the page can draw in between. Same input and seed, same result.
 */
import type { Cell } from "../../../shared/run/dashboard.ts";

export interface Feature {
  readonly key: string;
  readonly values: readonly Cell[];
}

export interface Importance {
  /** The largest first. */
  readonly features: readonly {
    readonly key: string;
    /** How much worse the forest predicts without it, in parts of the metric's variance; 0 or more. */
    readonly score: number;
  }[];
  /** Share of the metric's variance that the forest explains on runs that a tree has not seen; may be negative. */
  readonly explained: number;
  /** Runs it rests on. */
  readonly runs: number;
}

/** With fewer runs nothing is said. */
export const IMPORTANCE_RUNS_MIN = 10;
/** Of more runs, so many are drawn. */
const RUNS_MAX = 1_000;
const TREES = 100;
const DEPTH_MAX = 14;
const LEAF_RUNS_MIN = 1;

type Tree =
  | { readonly mean: number }
  | { readonly feature: number; readonly threshold: number; readonly low: Tree; readonly high: Tree };

interface Rows {
  readonly columns: readonly Float64Array[];
  readonly target: Float64Array;
}

/**
 * Yields the share that is done, in (0, 1), after each tree. Undefined with fewer than IMPORTANCE_RUNS_MIN runs that have
 * the metric, without features, or where the metric has one value only.
 */
export function* importance(
  features: readonly Feature[],
  metric: readonly Cell[],
  seed = 1,
): Generator<number, Importance | undefined> {
  const random = randomFrom(seed);
  const withMetric = metric.flatMap((value, i) => (typeof value === "number" && Number.isFinite(value) ? [i] : []));
  const chosen = withMetric.length <= RUNS_MAX ? withMetric : draw(withMetric, RUNS_MAX, random);
  const target = Float64Array.from(chosen, (i) => metric[i] as number);
  const variance = varianceOf(target);
  if (chosen.length < IMPORTANCE_RUNS_MIN || features.length === 0 || !(variance > 0)) return undefined;
  const columns = features.map(({ values }) => encode(chosen.map((i) => values[i] ?? null)));
  const rows = { columns, target };
  const worse = new Float64Array(features.length);
  const sums = new Float64Array(target.length);
  const counts = new Uint16Array(target.length);
  let trees = 0;
  for (let i = 0; i < TREES; i++) {
    const { sample, rest } = bootstrap(target.length, random);
    if (rest.length > 0) {
      trees += 1;
      const tree = grow(rows, sample, 0);
      addErrors(tree, rows, rest, worse, random);
      for (const row of rest) {
        sums[row] = (sums[row] ?? 0) + predict(tree, columns, row);
        counts[row] = (counts[row] ?? 0) + 1;
      }
    }
    yield (i + 1) / (TREES + 1);
  }
  return {
    features: features
      .map(({ key }, i) => ({ key, score: Math.max(0, (worse[i] ?? 0) / trees / variance) }))
      .sort((a, b) => b.score - a.score),
    explained: 1 - errorOf(sums, counts, target) / variance,
    runs: target.length,
  };
}

/** Numbers as they are; where there is any text, each different value gets a number by its first appearance. */
export function encode(values: readonly Cell[]): Float64Array {
  const present = values.filter((value) => value !== null);
  const asNumber = (value: Cell) => (typeof value === "number" ? value : value === true ? 1 : 0);
  const isText = present.some((value) => typeof value === "string");
  const known = new Map<Cell, number>([...new Set(present)].map((value, i) => [value, i]));
  const code = (value: Cell) => (isText ? (known.get(value) ?? 0) : asNumber(value));
  // What a run does not have stands below everything, where one threshold sets it apart.
  const lowest = present.reduce<number>((low, value) => Math.min(low, code(value)), 0);
  return Float64Array.from(values, (value) => (value === null ? lowest - 1 : code(value)));
}

/** Mulberry32: numbers in [0, 1). Not for secrets. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function draw(from: readonly number[], count: number, random: () => number): number[] {
  const left = [...from];
  shuffle(left, random);
  return left.slice(0, count);
}

function shuffle(list: number[], random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j] as number, list[i] as number];
  }
}

/** As many rows as there are, drawn with replacement, and those that were not drawn. */
function bootstrap(count: number, random: () => number): { readonly sample: number[]; readonly rest: number[] } {
  const sample = Array.from({ length: count }, () => Math.floor(random() * count));
  const drawn = new Set(sample);
  return { sample, rest: Array.from({ length: count }, (_, i) => i).filter((i) => !drawn.has(i)) };
}

function grow(rows: Rows, sample: readonly number[], depth: number): Tree {
  const split = depth < DEPTH_MAX && sample.length >= 2 * LEAF_RUNS_MIN ? bestSplit(rows, sample) : undefined;
  if (!split) return { mean: meanOf(rows.target, sample) };
  const column = rows.columns[split.feature] as Float64Array;
  const isLow = (row: number) => (column[row] as number) <= split.threshold;
  return {
    ...split,
    low: grow(rows, sample.filter(isLow), depth + 1),
    high: grow(
      rows,
      sample.filter((row) => !isLow(row)),
      depth + 1,
    ),
  };
}

/**
 * The threshold of any feature that leaves the least squared error. Every feature is tried: parameters of a sweep are drawn
 * independently, and with few runs a tree that may not use the right one shows small effects as none.
 */
function bestSplit(
  { columns, target }: Rows,
  sample: readonly number[],
): { readonly feature: number; readonly threshold: number } | undefined {
  const total = sample.reduce((sum, row) => sum + (target[row] as number), 0);
  let best: { readonly feature: number; readonly threshold: number } | undefined;
  let bestGain = (total * total) / sample.length + 1e-12;
  for (const [feature, column] of columns.entries()) {
    const sorted = [...sample].sort((a, b) => (column[a] as number) - (column[b] as number));
    let left = 0;
    for (let i = 0; i + 1 < sorted.length; i++) {
      left += target[sorted[i] as number] as number;
      const here = column[sorted[i] as number] as number;
      const next = column[sorted[i + 1] as number] as number;
      const count = i + 1;
      if (here === next || count < LEAF_RUNS_MIN || sorted.length - count < LEAF_RUNS_MIN) continue;
      const gain = (left * left) / count + (total - left) ** 2 / (sorted.length - count);
      if (gain <= bestGain) continue;
      bestGain = gain;
      best = { feature, threshold: (here + next) / 2 };
    }
  }
  return best;
}

function predict(tree: Tree, columns: readonly Float64Array[], row: number, swapped = -1, other = row): number {
  let at = tree;
  while (!("mean" in at)) {
    const column = columns[at.feature] as Float64Array;
    at = (column[at.feature === swapped ? other : row] as number) <= at.threshold ? at.low : at.high;
  }
  return at.mean;
}

/** For each feature: how much the mean squared error grows when its values are shuffled among the rows. */
function addErrors(tree: Tree, rows: Rows, rest: readonly number[], worse: Float64Array, random: () => number): void {
  const { columns, target } = rows;
  const error = (row: number, swapped: number, other: number) =>
    (predict(tree, columns, row, swapped, other) - (target[row] as number)) ** 2;
  const plain = rest.reduce((sum, row) => sum + error(row, -1, row), 0);
  for (const feature of columns.keys()) {
    const others = [...rest];
    shuffle(others, random);
    const shuffled = rest.reduce((sum, row, i) => sum + error(row, feature, others[i] as number), 0);
    worse[feature] = (worse[feature] ?? 0) + (shuffled - plain) / rest.length;
  }
}

function errorOf(sums: Float64Array, counts: Uint16Array, target: Float64Array): number {
  let sum = 0;
  let seen = 0;
  for (const [row, count] of counts.entries()) {
    if (count === 0) continue;
    sum += ((sums[row] as number) / count - (target[row] as number)) ** 2;
    seen += 1;
  }
  return sum / seen;
}

function meanOf(target: Float64Array, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + (target[row] as number), 0) / rows.length;
}

function varianceOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}
