/** What a case gives, and the order statistics it is made from. */

export interface Row {
  readonly what: string;
  readonly value: string;
  /** What it is held against. */
  readonly against: string;
}

/** The value below which `part` (0 to 1) of the sorted values lie; NaN of nothing. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function fixed(value: number, digits = 1): string {
  return value.toFixed(digits);
}
