/**
 * [P] Sobol sequences: points that fill a cube evenly, in Gray-code order, each of which can be made alone. The first 2^k
 * points put one value into each of 2^k equal parts of every axis. A digital shift (all values of an axis XOR one word)
 * gives another sequence as even as this one.
 */
import { SOBOL_ROWS } from "./sobol-table.ts";

export const SOBOL_DIMENSIONS_MAX = SOBOL_ROWS.length + 1;

const BITS = 32;

/** Direction numbers of the axis with this number, from 0; the first one in the highest bits. */
export function sobolDirections(dimension: number): Uint32Array {
  const directions = new Uint32Array(BITS);
  const [coefficients = 0, ...first] = dimension === 0 ? [0] : (SOBOL_ROWS[dimension - 1] ?? []);
  const degree = first.length;
  for (let i = 0; i < BITS; i++) {
    const given = dimension === 0 ? 1 : first[i];
    if (given !== undefined) {
      directions[i] = given * 2 ** (BITS - 1 - i);
      continue;
    }
    const before = directions[i - degree] ?? 0;
    let value = before ^ (before >>> degree);
    for (let k = 1; k < degree; k++) {
      if ((coefficients >>> (degree - 1 - k)) & 1) value ^= directions[i - k] ?? 0;
    }
    directions[i] = value;
  }
  return directions;
}

/** The value of the point with this number, from 0 and below 2^32, on an axis: 32 bits as an unsigned integer. */
export function sobolWord(directions: Uint32Array, point: number): number {
  let value = 0;
  for (let gray = (point ^ (point >>> 1)) >>> 0, i = 0; gray !== 0; gray >>>= 1, i++) {
    if (gray & 1) value ^= directions[i] ?? 0;
  }
  return value >>> 0;
}
