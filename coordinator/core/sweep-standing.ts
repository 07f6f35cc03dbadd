/** How a sweep stands to what may stop it: what was counted so far, and whether it was stopped. */
import type { Sweep, SweepStanding } from "./cluster.ts";
import type { Now } from "./events.ts";

export function standingOf({ failed, stopped, gpuMs, deadline }: SweepStanding): SweepStanding {
  return { failed, stopped, gpuMs, deadline };
}

/** How it stands when a user has opened it again: what was counted is counted anew, and what has passed is over. */
export function opened(sweep: Pick<Sweep, "deadline">, now: Now): SweepStanding {
  return { failed: 0, stopped: "", gpuMs: 0, deadline: sweep.deadline <= now.wallMs ? 0 : sweep.deadline };
}

/** True for a sweep that something may stop, or has stopped. */
export function hasLimits({ failuresMax, gpuMsMax, deadline, stopped }: Sweep): boolean {
  return failuresMax > 0 || gpuMsMax > 0 || deadline > 0 || stopped !== "";
}
