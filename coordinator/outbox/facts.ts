/** [P] What a message tells about a sweep. Facts that come while a message waits are gathered into it. */
import type { BestRun, FailedRun, FinishedSweep } from "../store/sweep-standing.ts";
import type { TargetRun } from "../store/targets.ts";

export interface SweepFacts {
  /** Handle, such as "digits.3"; empty in a test of a channel. */
  readonly sweep: string;
  readonly project: string;
  readonly started?: { readonly runs: number };
  readonly failed?: { readonly count: number; readonly examples: readonly FailedRun[] };
  readonly best?: BestRun;
  /** The run by which the sweep was stopped. */
  readonly target?: TargetRun;
  readonly finished?: FinishedSweep;
}

/** Failed runs that a message names. */
const EXAMPLES_MAX = 5;

/** The later ones count where only one of them can be true. */
export function mergeFacts(before: SweepFacts, now: SweepFacts): SweepFacts {
  const failed = [before.failed, now.failed].filter((each) => each !== undefined);
  return {
    ...before,
    ...now,
    ...(failed.length > 0 && {
      failed: {
        count: failed.reduce((sum, { count }) => sum + count, 0),
        examples: failed.flatMap(({ examples }) => examples).slice(0, EXAMPLES_MAX),
      },
    }),
  };
}
