/** [P] What a message tells about a sweep. Facts that come while a message waits are gathered into it. */

export interface SweepFacts {
  /** Handle, such as "digits.3". */
  readonly sweep: string;
  readonly project: string;
  readonly started?: { readonly runs: number };
  readonly failed?: { readonly count: number; readonly examples: readonly FailedRun[] };
  readonly best?: BestRun;
  readonly finished?: FinishedSweep;
}

export interface FailedRun {
  readonly run: string;
  readonly reason: string;
}

export interface BestRun {
  readonly run: string;
  readonly metric: string;
  readonly value: number;
}

export interface FinishedSweep {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  /** Succeeded ones that were not run again. */
  readonly reused: number;
  readonly tookMs: number;
  /** Why it was stopped; empty while it was not. */
  readonly stopped: string;
  readonly best: BestRun | undefined;
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
