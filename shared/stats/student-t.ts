/** [P] Quantiles of Student's t distribution, for confidence intervals of means of a few runs. */
import { assert } from "../kernel/assert.ts";

const STEPS_MAX = 200;
const PRECISION = 1e-14;

/** The t below which a share `p` of the distribution lies; exact to about 1e-9. `freedom` is a whole number from 1. */
export function studentTQuantile(p: number, freedom: number): number {
  assert(p > 0 && p < 1, "a quantile is asked for a share between 0 and 1");
  assert(Number.isInteger(freedom) && freedom >= 1, "degrees of freedom count from 1");
  if (p < 0.5) return -studentTQuantile(1 - p, freedom);
  let low = 0;
  let high = 2;
  while (cumulative(high, freedom) < p) high *= 2;
  for (let step = 0; step < STEPS_MAX && high - low > PRECISION * Math.max(1, high); step++) {
    const middle = (low + high) / 2;
    if (cumulative(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of the distribution below `t`, which is not negative. */
function cumulative(t: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
}

/** Regularised incomplete beta function, by its continued fraction (modified Lentz). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on this side of the mean only.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const safe = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= STEPS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return result;
}

/** Lanczos' approximation with g = 7. */
function logGamma(x: number): number {
  let sum = 0.99999999999980993;
  for (const [i, weight] of LANCZOS.entries()) sum += weight / (x + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
