/** What the checks keep of runs, attempts and sweeps, from what was committed and from what the hosts really did. */
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import type { RunState } from "../../shared/run/states.ts";

export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

export interface RunFacts {
  state: RunState;
  completed: boolean;
  /** A cancel was acknowledged, and nobody asked for the run again. */
  cancelled: boolean;
  /** A pause was acknowledged, and nobody has asked to let it go since. */
  paused: boolean;
  readonly sweepId: SweepId;
  /** Attempts that the store has open for it: one, or several of one gang. */
  readonly open: Set<Fence>;
  /** Those of its last try. */
  readonly last: Set<Fence>;
  /** It has its result from another run. */
  reused: boolean;
  readonly fingerprint: string;
  /** Content with the result of another run. */
  readonly shares: boolean;
}

export interface AttemptFacts {
  readonly runId: RunId;
  /** Of its rank 0; its own where it is alone. */
  readonly first: Fence;
  /** Whose place it takes over. */
  readonly behind: Fence | undefined;
  ended: boolean;
  /** Its command ended with 0. */
  exitedWell: boolean;
}

export interface SweepFacts {
  readonly failuresMax: number;
  /** Something else than failures may stop it. */
  readonly mayStop: boolean;
  readonly after: readonly SweepId[];
  /** Since it was submitted, or opened again. */
  failures: number;
  stopped: boolean;
  live: number;
}
