/** Rounding as CPython: exact on the value that the float really has, a tie to the even neighbour. */

/** The nearest whole number, a tie to the even one. */
export function roundToWhole(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** To so many decimal places; negative: to tens, hundreds and so on. Infinite where the result is beyond floats. */
export function roundFloat(value: number, places: number): number {
  // Beyond these every float has no such digit, or has none but these.
  if (!Number.isFinite(value) || places > 323) return value;
  if (places < -308) return 0 * value;
  const { numerator, denominator } = fractionOf(Math.abs(value));
  const scale = 10n ** BigInt(Math.abs(places));
  const units =
    places >= 0 ? divideToEven(numerator * scale, denominator) : divideToEven(numerator, denominator * scale);
  // Reading a decimal text rounds once and correctly.
  const rounded = Number(`${units}e${-places}`);
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

/** An int to tens (`places` = -1), hundreds and so on. */
export function roundInteger(value: number, places: number): bigint {
  if (places >= 0) return BigInt(value);
  if (places < -20) return 0n;
  const scale = 10n ** BigInt(-places);
  const rounded = divideToEven(BigInt(Math.abs(value)), scale) * scale;
  return value < 0 ? -rounded : rounded;
}

/** The float as the exact fraction that it is; `value` is finite and not negative. */
function fractionOf(value: number): { numerator: bigint; denominator: bigint } {
  let mantissa = value;
  let exponent = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent += 1;
  }
  return { numerator: BigInt(mantissa), denominator: 1n << BigInt(exponent) };
}

/** Of two numbers that are not negative. */
function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const floor = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice === denominator) return floor % 2n === 0n ? floor : floor + 1n;
  return twice < denominator ? floor : floor + 1n;
}
