/** Waiting times between repeated tries: exponential with full jitter, so that a crowd does not come back at once. */

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Milliseconds to wait before try `attempt` (from 1). `random` is uniform in [0, 1); the wait is at least a tenth of the
 * step, so that a crash loop never spins. Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: number): number {
  const step = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(step * (0.1 + 0.9 * random));
}
