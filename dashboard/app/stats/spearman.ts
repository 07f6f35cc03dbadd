/** [P] Rank correlation: whether one goes up with the other, whatever the shape. */
import type { Cell } from "../../../shared/run/dashboard.ts";

/** With fewer pairs a correlation says nothing. */
const PAIRS_MIN = 3;

/**
 * Spearman's rho of the rows in which both are finite numbers (false is 0, true is 1); ties share their mean rank. Undefined
 * with fewer than three such rows, or where one of them does not vary.
 */
export function spearman(xs: readonly Cell[], ys: readonly Cell[]): number | undefined {
  const pairs = xs.flatMap((x, i) => {
    const pair = [numberOf(x), numberOf(ys[i] ?? null)] as const;
    return Number.isFinite(pair[0]) && Number.isFinite(pair[1]) ? [pair] : [];
  });
  if (pairs.length < PAIRS_MIN) return undefined;
  return pearson(ranks(pairs.map(([x]) => x)), ranks(pairs.map(([, y]) => y)));
}

/** Ranks from 1; equal values get the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
  const result = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end += 1;
    for (let i = start; i < end; i++) result[order[i] as number] = (start + 1 + end) / 2;
    start = end;
  }
  return result;
}

function pearson(xs: readonly number[], ys: readonly number[]): number | undefined {
  const meanX = mean(xs);
  const meanY = mean(ys);
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (const [i, x] of xs.entries()) {
    const dx = x - meanX;
    const dy = (ys[i] as number) - meanY;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : undefined;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function numberOf(value: Cell): number {
  return typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : Number.NaN;
}
