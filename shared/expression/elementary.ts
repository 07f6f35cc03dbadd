/**
 * exp and log rounded correctly, as good C libraries (and so Python) give them nearly always. JavaScript's own differ in
 * the last digit for one value in ten: its log(3) is 1.0986122886681096. Calculated with pairs of floats, high and low,
 * whose sum carries about 100 bits.
 */

type Pair = readonly [high: number, low: number];

const LN2: Pair = [Math.LN2, 2.3190468138462996e-17];
/** The argument is made smaller by 2^8, and squared again as often. */
const HALVINGS = 8;
const TERMS = 10;

export function exactExp(x: number): number {
  // Where the result is no normal float, JavaScript's is as good.
  if (!(x > -708 && x < 709)) return Math.exp(x);
  const { power, rest } = expParts(x);
  const [high] = sum([1, 0], rest);
  return high * 2 ** (power - 1) * 2;
}

/** Of a positive number. */
export function exactLog(x: number): number {
  const near = Math.log(x);
  if (!(x > 1e-300 && x < 1e300)) return near;
  // One step of Newton's: with e^-near = 2^power (1 + rest), x e^-near - 1 is what is missing.
  const { power, rest } = expParts(-near);
  const scaled = x * 2 ** power;
  const [missing] = sum([scaled - 1, 0], product([scaled, 0], rest));
  return near + missing;
}

/** e^x as 2^power (1 + rest), with |rest| below 0.42. */
function expParts(x: number): { power: number; rest: Pair } {
  const power = Math.round(x / Math.LN2);
  const [high, low] = sum([x, 0], product([-power, 0], LN2));
  const scale = 2 ** -HALVINGS;
  const small: Pair = [high * scale, low * scale];
  // e^s - 1 = s (1 + s/2 (1 + s/3 (1 + …)))
  let series: Pair = [1, 0];
  for (let term = TERMS; term > 1; term--) series = sum([1, 0], product(series, quotient(small, term)));
  let rest = product(small, series);
  for (let i = 0; i < HALVINGS; i++) rest = sum([2 * rest[0], 2 * rest[1]], product(rest, rest));
  return { power, rest };
}

function sum(a: Pair, b: Pair): Pair {
  const high = a[0] + b[0];
  const shown = high - a[0];
  const low = a[0] - (high - shown) + (b[0] - shown) + a[1] + b[1];
  return normal(high, low);
}

function product(a: Pair, b: Pair): Pair {
  const high = a[0] * b[0];
  const [p, q] = split(a[0]);
  const [r, s] = split(b[0]);
  const low = p * r - high + p * s + q * r + q * s + (a[0] * b[1] + a[1] * b[0]);
  return normal(high, low);
}

function quotient(a: Pair, by: number): Pair {
  const high = a[0] / by;
  const [back, backLow] = product([high, 0], [by, 0]);
  return normal(high, (a[0] - back - backLow + a[1]) / by);
}

function normal(high: number, low: number): Pair {
  const total = high + low;
  return [total, low - (total - high)];
}

/** Two halves of 26 bits, whose products are exact. */
function split(a: number): Pair {
  const shifted = a * 134217729;
  const high = shifted - (shifted - a);
  return [high, a - high];
}
