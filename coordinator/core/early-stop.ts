/**
 * [P] Which runs fall behind: `[stop] policy`. A ladder has rungs at growing steps; who comes to one is compared with those who
 * came there before. "asha" is asynchronous successive halving that stops instead of pausing (Li et al., "A System for Massively
 * Parallel Hyperparameter Tuning", MLSys 2020, section 3); "median" is the median stopping rule (Golovin et al., "Google
 * Vizier", KDD 2017, section 3.2.2).
 */
import type { Objective, StopLadder } from "../../shared/spec/types.ts";

/** With fewer others at a rung their median says nothing. */
const MEDIAN_OTHERS_MIN = 3;

/** The objective of a run at a rung; undefined: it is no number any more, which is worse than any. */
export type RungValue = number | undefined;

/** Step of a rung; the first is rung 0. */
export function rungStep({ policy, minSteps, divisor }: StopLadder, rung: number): number {
  return policy === "asha" ? minSteps * divisor ** rung : minSteps * (rung + 1);
}

/** Rungs that a run has come to at this step. */
export function rungsReached(ladder: StopLadder, step: number): number {
  let count = 0;
  while (count < ladder.rungs && rungStep(ladder, count) <= step) count += 1;
  return count;
}

/**
 * Why a run is stopped at a rung, in one line; undefined: it goes on.
 * @param earlier values of the runs that came to the rung before it
 */
export function whyBehind(
  ladder: StopLadder,
  goal: Objective["goal"],
  rung: number,
  own: RungValue,
  earlier: readonly RungValue[],
): string | undefined {
  const at = `at step ${rungStep(ladder, rung)}`;
  const better = earlier.filter((value) => isBetter(goal, value, own)).length;
  if (ladder.policy === "asha") {
    const all = earlier.length + 1;
    if (all < ladder.divisor || better < Math.floor(all / ladder.divisor)) return undefined;
    return `${better + 1}. of ${all} ${at}, where one in ${ladder.divisor} goes on`;
  }
  if (earlier.length < MEDIAN_OTHERS_MIN) return undefined;
  const median = medianOf(goal, earlier);
  return isBetter(goal, median, own) ? `behind the median of ${earlier.length} others ${at}` : undefined;
}

function isBetter(goal: Objective["goal"], value: RungValue, than: RungValue): boolean {
  if (value === undefined) return false;
  if (than === undefined) return true;
  return goal === "maximize" ? value > than : value < than;
}

/** The lower one of two in the middle: a run as good as half of the others goes on. */
function medianOf(goal: Objective["goal"], values: readonly RungValue[]): RungValue {
  const sorted = [...values].sort((a, b) => Number(isBetter(goal, b, a)) - Number(isBetter(goal, a, b)));
  return sorted[Math.floor(sorted.length / 2)];
}
