/** Pearson's statistic, for tests of distributions with a fixed seed. */

/** Sum of (found - expected)² / expected. With n cells its mean is n - 1 and its deviation √(2n - 2). */
export function chiSquare(found: readonly number[], expected: readonly number[]): number {
  return found.reduce((sum, count, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 0), 0);
}
