/** Smoothing of a curve whose points are not evenly spaced. */

/**
 * Exponential moving average whose memory is measured along x, so that dense and sparse stretches are smoothed alike, corrected
 * for its start as in Adam (Kingma and Ba 2015, section 3). `weight` in [0, 1): how much is left of a value after one mean
 * step of x. Null stays null and is passed over.
 */
export function smooth(xs: readonly number[], ys: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...ys];
  const span = (xs.at(-1) ?? 0) - (xs[0] ?? 0);
  const step = xs.length > 1 && span > 0 ? span / (xs.length - 1) : 1;
  let mean = 0;
  let mass = 0;
  let before: number | undefined;
  return ys.map((y, i) => {
    const x = xs[i] ?? 0;
    if (y === null) return null;
    const keep = before === undefined ? 0 : weight ** (Math.max(0, x - before) / step);
    before = x;
    mean = keep * mean + (1 - weight) * y;
    mass = keep * mass + (1 - weight);
    return mean / mass;
  });
}

/** Lower and upper bound that leave out the outermost `share` of the values on each side; undefined with too few values. */
export function clipRange(ys: readonly (number | null)[], share: number): readonly [number, number] | undefined {
  const sorted = ys.filter((y) => y !== null).sort((a, b) => a - b);
  if (sorted.length < 20) return undefined;
  const cut = Math.floor(sorted.length * share);
  return [sorted[cut] ?? 0, sorted[sorted.length - 1 - cut] ?? 0];
}
