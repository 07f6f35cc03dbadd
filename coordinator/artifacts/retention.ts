/** [P] Which checkpoints of a run are kept. The last one always is: it is what another attempt goes on from. */

/** keepLast: newest so many; undefined: only the last, where the best are kept, else all. keepBest: best so many. */
export interface KeepRule {
  readonly keepLast: number | undefined;
  readonly keepBest: number | undefined;
  readonly goal: "maximize" | "minimize" | undefined;
}

export interface KeptCheckpoint {
  readonly id: number;
  /** Value of the objective; null: not known. */
  readonly score: number | null;
}

/**
 * Checkpoints that can go, of those given with the oldest first. While scores may still become known (`isFinal` false), what
 * has none stays.
 */
export function superfluous(checkpoints: readonly KeptCheckpoint[], rule: KeepRule, isFinal: boolean): number[] {
  const { keepLast, keepBest, goal } = rule;
  if (keepLast === undefined && keepBest === undefined) return [];
  const kept = new Set(checkpoints.slice(-Math.max(1, keepLast ?? 1)).map(({ id }) => id));
  if (keepBest !== undefined) {
    const sign = goal === "minimize" ? 1 : -1;
    const scored = checkpoints.filter(({ score }) => score !== null);
    // Of equal ones the newer is kept.
    const best = scored.toReversed().sort((a, b) => sign * ((a.score ?? 0) - (b.score ?? 0)));
    for (const { id } of best.slice(0, keepBest)) kept.add(id);
    if (!isFinal) for (const { id, score } of checkpoints) if (score === null) kept.add(id);
  }
  return checkpoints.filter(({ id }) => !kept.has(id)).map(({ id }) => id);
}
