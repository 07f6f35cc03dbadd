/** Shims that were started before there is an attempt for them: what those who decide how many there are need of the spawner. */
import type { Fence } from "../../shared/kernel/ids.ts";

export interface ShimsAhead {
  /** In the group, or in none. */
  startAhead(group: string | undefined): void;
  /** Those that are there and were not used. */
  aheadCount(group: string | undefined): number;
}

/** As many as may start at once without waiting. */
export const AHEAD_MAX = 16;
/** After a shorter run the next one is expected soon. */
const SHORT_MS_MAX = 10_000;

/** On a host without cgroups: each short run that ends has a shim started for the next one. */
export interface ShimsOfShortRuns {
  began(fence: Fence): void;
  ended(fence: Fence): void;
}

export function createShimsOfShortRuns(shims: ShimsAhead, monotonicMs: () => number): ShimsOfShortRuns {
  const beganMs = new Map<Fence, number>();
  return {
    began: (fence) => void beganMs.set(fence, monotonicMs()),
    ended: (fence) => {
      const sinceMs = beganMs.get(fence);
      beganMs.delete(fence);
      if (sinceMs === undefined || monotonicMs() - sinceMs >= SHORT_MS_MAX) return;
      if (shims.aheadCount(undefined) < AHEAD_MAX) shims.startAhead(undefined);
    },
  };
}
