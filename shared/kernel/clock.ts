/**
 * Time, passed in so that nothing else reads it. The wall clock is for people and records only; it decides nothing.
 */
import { uptime } from "node:os";
import { performance } from "node:perf_hooks";

export interface Clock {
  /** Unix milliseconds. May jump; never used for a decision. */
  wallMs(): number;
  /** Milliseconds since some start; only grows. Stops while the machine sleeps. */
  monotonicMs(): number;
  /** Milliseconds since boot, counting sleep, in steps of 10 ms: what leases are measured with on a host. */
  uptimeMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  uptimeMs: () => Math.round(uptime() * 1000),
};
