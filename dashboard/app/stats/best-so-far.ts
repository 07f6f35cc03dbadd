/** [P] The best value that was known at each time. */

export type Goal = "maximize" | "minimize";

export interface TimedValue {
  /** Unix ms. */
  readonly at: number;
  readonly value: number;
  readonly ref: string;
}

/** Those that were better than all before them, by time; of equal ones the first. What is no finite number is passed over. */
export function bestSoFar(points: readonly TimedValue[], goal: Goal): TimedValue[] {
  const sorted = points.filter(({ value }) => Number.isFinite(value)).sort((a, b) => a.at - b.at);
  const best: TimedValue[] = [];
  for (const point of sorted) {
    const before = best.at(-1);
    if (!before || isBetter(point.value, before.value, goal)) best.push(point);
  }
  return best;
}

function isBetter(value: number, than: number, goal: Goal): boolean {
  return goal === "maximize" ? value > than : value < than;
}

/**
 * The curve of a value that holds until the next: two points for each but the first, and one at `until`, so that a line
 * through them has steps. Times become ms since `from`.
 */
export function steps(
  points: readonly { readonly at: number; readonly value: number }[],
  from: number,
  until: number,
): { readonly xs: number[]; readonly ys: number[] } {
  const xs: number[] = [];
  const ys: number[] = [];
  for (const { at, value } of points) {
    const before = ys.at(-1);
    if (before !== undefined) {
      xs.push(at - from);
      ys.push(before);
    }
    xs.push(at - from);
    ys.push(value);
  }
  const last = ys.at(-1);
  if (last !== undefined && until - from > (xs.at(-1) ?? 0)) {
    xs.push(until - from);
    ys.push(last);
  }
  return { xs, ys };
}
