/**
 * [P] Numbers as the decimals that people write. A float in a file stands for its shortest decimal text, so `0.1` is one
 * tenth here and not the binary number next to it; sums and quotients of such numbers are exact until the last step, which
 * rounds once. So a third step of `0.1` is `0.3`, not `0.30000000000000004`.
 */

/** `units / 10^scale`, exactly. `scale` is never negative. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** The decimal that the shortest text of `value` says. */
export function decimalOf(value: number): Decimal {
  const [mantissa = "0", exponentText = "0"] = value.toExponential().split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const scale = fraction.length - Number(exponentText);
  const units = BigInt(whole + fraction);
  return scale >= 0 ? { units, scale } : { units: units * tenTo(-scale), scale: 0 };
}

/** All of them over the largest of their scales: their units can be added and compared. */
export function aligned(...values: readonly number[]): { units: bigint[]; scale: number } {
  const decimals = values.map(decimalOf);
  const scale = Math.max(...decimals.map((each) => each.scale));
  return { units: decimals.map((each) => each.units * tenTo(scale - each.scale)), scale };
}

export function tenTo(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

const EXACT = 2n ** 53n;
/** Significant bits of a float. */
const PRECISION = 53;
/** Exponent of the last bit of the smallest floats. */
const LEAST_EXPONENT = -1074;

/** The float nearest to `numerator / denominator`, ties to even. `denominator` is above zero. */
export function ratioToNumber(numerator: bigint, denominator: bigint): number {
  const size = numerator < 0n ? -numerator : numerator;
  // Both exact as floats: the division of the machine rounds once, as it should.
  if (size <= EXACT && denominator <= EXACT) return Number(numerator) / Number(denominator);
  // As many bits of the quotient as a float has, two more, and in the last of them whether anything is left over.
  const lowest = bitLength(size) - bitLength(denominator) - PRECISION - 2;
  const exponent = Math.max(lowest, LEAST_EXPONENT - 2);
  const scaledSize = exponent < 0 ? size << BigInt(-exponent) : size;
  const scaledDenominator = exponent > 0 ? denominator << BigInt(exponent) : denominator;
  let quotient = scaledSize / scaledDenominator;
  if (quotient * scaledDenominator !== scaledSize) quotient |= 1n;
  // A quotient with one bit more is of the smallest whose last bit is not the least: those round as all others do.
  const isTiny = exponent === LEAST_EXPONENT - 2 && bitLength(quotient) <= PRECISION + 2;
  const value = isTiny ? tiny(quotient) : scaled(Number(quotient), exponent);
  return numerator < 0n ? 0 - value : value;
}

/** `value * 2^exponent`, where the factor alone may be beyond floats. */
export function scaled(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

/** A float, taken as the binary number that it is. */
export function binaryOf(value: number): { units: bigint; exponent: number } {
  const { fraction, exponent } = fractionOf(value);
  return { units: BigInt(fraction * 2 ** PRECISION), exponent: exponent - PRECISION };
}

const bytes = new DataView(new ArrayBuffer(8));

/** `value` as `fraction * 2^exponent`, the fraction from 1/2 on and below 1 (0 for zero). */
export function fractionOf(value: number): { fraction: number; exponent: number } {
  if (value === 0) return { fraction: 0, exponent: 0 };
  const isTiny = Math.abs(value) < 2 ** -1022;
  bytes.setFloat64(0, isTiny ? value * 2 ** 54 : value);
  const high = bytes.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1022;
  bytes.setUint32(0, ((high & 0x800fffff) | 0x3fe00000) >>> 0);
  return { fraction: bytes.getFloat64(0), exponent: isTiny ? exponent - 54 : exponent };
}

/** A quotient with two bits below the last bit of a float that small: rounded here, as the machine would round twice. */
function tiny(quotient: bigint): number {
  const rest = quotient & 3n;
  const whole = quotient >> 2n;
  const isUp = rest === 3n || (rest === 2n && (whole & 1n) === 1n);
  return scaled(Number(isUp ? whole + 1n : whole), LEAST_EXPONENT);
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}
