/**
 * [P] Logarithm and exponential from additions, multiplications and divisions of floats alone, with twice the digits of a
 * float. The machine's own functions may differ in the last digit from one processor or compiler to the next; IEEE
 * arithmetic does not, and JavaScript never fuses or reorders it. Results are within 1e-28, so rounding them to a float
 * gives the nearest one.
 */
import { binaryOf, decimalOf, fractionOf, ratioToNumber, scaled, tenTo } from "./decimal.ts";

/** The unevaluated sum of two floats; the second is at most half a last digit of the first. */
export type Pair = readonly [high: number, low: number];

const LN2: Pair = [Math.LN2, 2.3190468138462996e-17];
const SQRT_HALF = Math.SQRT1_2;
/** Terms that it takes for 1e-32: of the logarithm's series at (3 - 2√2)², of the exponential's at ln 2 / 2^10. */
const LOG_TERMS = 22;
const EXP_TERMS = 9;
const HALVINGS = 9;

/** Natural logarithm of a number above 0, to the nearest float. */
export function logOf(value: number): number {
  return log([value, 0])[0];
}

/** To the nearest float. */
export function expOf(value: number): number {
  return expNumber([value, 0]);
}

/** The decimal that the shortest text of `value` says, in twice the digits. */
export function pairOfDecimal(value: number): Pair {
  const { units, scale } = decimalOf(value);
  const binary = binaryOf(value);
  const up = 2n ** BigInt(Math.max(binary.exponent, 0));
  const down = 2n ** BigInt(Math.max(-binary.exponent, 0));
  const ten = tenTo(scale);
  return [value, ratioToNumber(units * down - binary.units * up * ten, ten * down)];
}

export function log(value: Pair): Pair {
  let { fraction, exponent } = fractionOf(value[0]);
  if (fraction < SQRT_HALF) {
    fraction *= 2;
    exponent -= 1;
  }
  const low = scaled(value[1], -exponent);
  const ratio = divide(add([fraction, low], [-1, 0]), add([fraction, low], [1, 0]));
  const square = multiply(ratio, ratio);
  let sum: Pair = [0, 0];
  for (const coefficient of LOG_COEFFICIENTS) sum = add(multiply(sum, square), coefficient);
  return add(multiply(LN2, [exponent, 0]), multiply(multiply(sum, ratio), [2, 0]));
}

/** The exponential of a pair, to the nearest float. */
export function expNumber(value: Pair): number {
  if (value[0] > 710) return Number.POSITIVE_INFINITY;
  if (value[0] < -746) return 0;
  const twos = Math.round(value[0] / LN2[0]);
  const rest = add(value, multiply(LN2, [-twos, 0]));
  const small: Pair = [rest[0] / 2 ** HALVINGS, rest[1] / 2 ** HALVINGS];
  // e^x - 1, which keeps its digits for a small x; doubling x gives 2y + y².
  let sum: Pair = [0, 0];
  for (const coefficient of EXP_COEFFICIENTS) sum = multiply(add(sum, coefficient), small);
  for (let i = 0; i < HALVINGS; i++) sum = add(multiply(sum, [2, 0]), multiply(sum, sum));
  return scaled(add(sum, [1, 0])[0], twos);
}

export function add(a: Pair, b: Pair): Pair {
  const high = a[0] + b[0];
  const part = high - a[0];
  const low = a[0] - (high - part) + (b[0] - part);
  // The low parts join with an error of their own, which may matter where the high parts cancel.
  const tail = a[1] + b[1];
  const tailPart = tail - a[1];
  const tailLow = a[1] - (tail - tailPart) + (b[1] - tailPart);
  const [first, second] = quickSum(high, low + tail);
  return quickSum(first, second + tailLow);
}

export function multiply(a: Pair, b: Pair): Pair {
  const high = a[0] * b[0];
  return quickSum(high, productError(a[0], b[0], high) + (a[0] * b[1] + a[1] * b[0]));
}

export function divide(a: Pair, b: Pair): Pair {
  const first = a[0] / b[0];
  const rest = add(a, multiply(b, [-first, 0]));
  const second = rest[0] / b[0];
  const last = add(rest, multiply(b, [-second, 0]))[0] / b[0];
  return add(quickSum(first, second), [last, 0]);
}

/** Sum of two floats, the first the larger one, with what its rounding loses. */
function quickSum(a: number, b: number): Pair {
  const high = a + b;
  return [high, b - (high - a)];
}

/** What the rounding of `a * b` loses: both are split into halves whose products are exact. */
function productError(a: number, b: number, product: number): number {
  const aHigh = upperHalf(a);
  const bHigh = upperHalf(b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

function upperHalf(value: number): number {
  const shifted = 134217729 * value;
  return shifted - (shifted - value);
}

/** 1 / (2i + 1), the highest first. */
const LOG_COEFFICIENTS: readonly Pair[] = Array.from({ length: LOG_TERMS + 1 }, (_, i) =>
  divide([1, 0], [2 * (LOG_TERMS - i) + 1, 0]),
);

/** 1 / i!, the highest first. The factorials are exact. */
const EXP_COEFFICIENTS: readonly Pair[] = Array.from({ length: EXP_TERMS }, (_, i) => {
  let factorial = 1;
  for (let k = 2; k <= EXP_TERMS - i; k++) factorial *= k;
  return divide([1, 0], [factorial, 0]);
});
