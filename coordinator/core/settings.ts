/** Times that the core decides by. In milliseconds; tests and the simulator shorten them. */
import type { BackoffPolicy } from "../../shared/kernel/backoff.ts";

export interface CoreSettings {
  readonly heartbeatMs: number;
  /** Silence after which a node and its runs are shown as unknown. */
  readonly unknownAfterMs: number;
  /** How long an attempt may run without a renewal. */
  readonly leaseMs: number;
  /** What the host may need to kill an attempt after its lease: TERM, grace, KILL. */
  readonly killMs: number;
  readonly retryBackoff: BackoffPolicy;
  /** Where no run of a sweep takes longer, the next is handed to the host before the one at work has ended; 0: never. */
  readonly shortRunMs: number;
}

export const DEFAULT_SETTINGS: CoreSettings = {
  heartbeatMs: 2_000,
  unknownAfterMs: 30_000,
  leaseMs: 40 * 60_000,
  killMs: 40_000,
  retryBackoff: { baseMs: 1_000, maxMs: 300_000 },
  shortRunMs: 1_000,
};

/** Of `shortRunMs`: behind a longer run no host waits for its end. */
export const SHORT_RUN_MS_MAX = 30_000;

/** Two clocks may differ in rate by this factor before the lease stops being safe. */
const CLOCK_RATE_MARGIN = 1.01;

/**
 * Silence after which an attempt may be started elsewhere: the host's own deadline is counted from the sending of a
 * heartbeat, ours from its receipt, so the host always stops first.
 */
export function requeueAfterMs(settings: CoreSettings): number {
  return (settings.leaseMs + settings.killMs) * CLOCK_RATE_MARGIN;
}
