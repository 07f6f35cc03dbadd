/**
 * Which faults a seed switches on, and how hard. Swarm testing: each seed takes a random subset, since faults that are always
 * on together hide what each alone would show.
 */
import type { Prng } from "./prng.ts";

export interface FaultPlan {
  /** Milliseconds of faults before everything must come to its end. */
  readonly safetyMs: number;
  /** Mean milliseconds between faults of one kind; 0: never. */
  readonly coordinatorCrashMs: number;
  readonly coordinatorPauseMs: number;
  readonly agentCrashMs: number;
  readonly agentPauseMs: number;
  readonly rebootMs: number;
  readonly cutMs: number;
  readonly breakMs: number;
  readonly shimKillMs: number;
  readonly dirtyDeviceMs: number;
  readonly wallJumpMs: number;
  /** Mean milliseconds between what users do. */
  readonly cancelMs: number;
  readonly retryMs: number;
  readonly nodeActionMs: number;
  readonly pauseMs: number;
  readonly editMs: number;
  /** Chance of a crash at each of the points around a commit. */
  readonly crashPoint: number;
  readonly notSpawned: number;
  readonly uncleanEnd: number;
  readonly slowKill: boolean;
  readonly restartMaxMs: number;
  readonly cutMaxMs: number;
  readonly delayMaxMs: number;
  readonly duplicates: number;
  /** Clock rates differ from true time by this part at most, on each machine. */
  readonly drift: number;
}

/** Two machines together then differ by less than the 1 % that the lease allows for. */
const DRIFT_MAX = 0.0049;

export function drawPlan(prng: Prng): FaultPlan {
  const often = (fastMs: number, slowMs: number): number => (prng.chance(0.45) ? prng.between(fastMs, slowMs) : 0);
  const share = (most: number): number => (prng.chance(0.45) ? prng.float() * most : 0);
  return {
    safetyMs: prng.between(30_000, 240_000),
    coordinatorCrashMs: often(5_000, 120_000),
    coordinatorPauseMs: often(20_000, 120_000),
    agentCrashMs: often(5_000, 120_000),
    agentPauseMs: often(10_000, 90_000),
    rebootMs: often(30_000, 240_000),
    cutMs: often(10_000, 90_000),
    breakMs: often(3_000, 60_000),
    shimKillMs: often(10_000, 60_000),
    dirtyDeviceMs: often(10_000, 60_000),
    wallJumpMs: often(20_000, 90_000),
    cancelMs: often(1_000, 20_000),
    retryMs: often(1_000, 20_000),
    nodeActionMs: often(5_000, 60_000),
    pauseMs: often(2_000, 30_000),
    editMs: often(2_000, 30_000),
    crashPoint: share(0.01),
    notSpawned: share(0.1),
    uncleanEnd: share(0.1),
    slowKill: prng.chance(0.5),
    restartMaxMs: prng.pick([200, 5_000, 60_000]),
    cutMaxMs: prng.pick([5_000, 30_000, 90_000]),
    delayMaxMs: prng.pick([5, 50, 500, 3_000]),
    duplicates: share(0.2),
    drift: prng.chance(0.5) ? DRIFT_MAX : 0,
  };
}
