/**
 * [P] Curves cut to what a screen can show: of each bucket of x the smallest and the largest value, so that no peak is lost.
 */
export interface Curve {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

export interface Sampled {
  /** Points in the range. */
  readonly points: number;
  readonly exact: boolean;
  readonly xs: number[];
  /** Null where the value is no finite number. */
  readonly ys: (number | null)[];
}

/** At most two points for each of `width` buckets; all of them where there are no more. Both ends count. */
export function downSample(curve: Curve, width: number, from = -Infinity, to = Infinity): Sampled {
  const { xs, ys } = inOrder(curve);
  const start = from === -Infinity ? 0 : firstNotBelow(xs, from);
  let end = to === Infinity ? xs.length : firstNotBelow(xs, to);
  while (end < xs.length && xs[end] === to) end += 1;
  const points = Math.max(0, end - start);
  if (points <= 2 * width) {
    return {
      points,
      exact: true,
      xs: Array.from(xs.subarray(start, end)),
      ys: Array.from(ys.subarray(start, end), finite),
    };
  }
  const picked = pick(xs, ys, start, end, width);
  return {
    points,
    exact: false,
    xs: picked.map((i) => xs[i] as number),
    ys: picked.map((i) => finite(ys[i] as number)),
  };
}

/** Positions of the extremes of each bucket, in order. A bucket without finite values gives its first point. */
function pick(xs: Float64Array, ys: Float64Array, start: number, end: number, width: number): number[] {
  const first = xs[start] as number;
  const span = (xs[end - 1] as number) - first;
  const picked: number[] = [];
  let bucket = -1;
  let low = -1;
  let high = -1;
  let any = -1;
  const close = () => {
    if (low < 0) {
      if (any >= 0) picked.push(any);
    } else if (low === high) picked.push(low);
    else picked.push(Math.min(low, high), Math.max(low, high));
  };
  for (let i = start; i < end; i++) {
    const at = span > 0 ? Math.min(width - 1, Math.floor((((xs[i] as number) - first) / span) * width)) : 0;
    if (at !== bucket) {
      close();
      bucket = at;
      low = -1;
      high = -1;
      any = i;
    }
    const y = ys[i] as number;
    if (!Number.isFinite(y)) continue;
    if (low < 0 || y < (ys[low] as number)) low = i;
    if (high < 0 || y > (ys[high] as number)) high = i;
  }
  close();
  return picked;
}

/** By x; points of one x in the order in which they were logged. Those without an x are left out. */
function inOrder({ xs, ys }: Curve): Curve {
  let sorted = true;
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i] as number;
    if (!Number.isFinite(x) || (i > 0 && x < (xs[i - 1] as number))) sorted = false;
  }
  if (sorted) return { xs, ys };
  const order = Uint32Array.from(Array.from(xs.keys()).filter((i) => Number.isFinite(xs[i])));
  order.sort((a, b) => (xs[a] as number) - (xs[b] as number) || a - b);
  return {
    xs: Float64Array.from(order, (i) => xs[i] as number),
    ys: Float64Array.from(order, (i) => ys[i] as number),
  };
}

function firstNotBelow(xs: Float64Array, x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((xs[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
