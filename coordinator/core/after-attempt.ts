/**
 * What becomes of a run when its current attempt ends: done, tried again, held, or failed. A fault of the host's does not
 * count against the program and is always tried again, unless the policy names it in `never`; one of the program's is tried
 * again as the policy says.
 */
import { required } from "../../shared/kernel/assert.ts";
import { type BackoffPolicy, backoffMs } from "../../shared/kernel/backoff.ts";
import { causesOfOutcome } from "../../shared/run/causes.ts";
import { CRASHES_BEFORE_HOLD } from "../../shared/run/limits.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { Outcome } from "../../shared/run/states.ts";
import { describeOutcome } from "../../shared/run/states.ts";
import { HELD_BY_USER, type RunStateRow, whyCancelled } from "./changes.ts";
import { type Attempt, type Cluster, type Run, shapeOf } from "./cluster.ts";
import type { Now } from "./events.ts";
import type { CoreSettings } from "./settings.ts";

export interface Ended {
  readonly run: Run;
  readonly attempt: Attempt;
  readonly retry: RetryPolicy;
  readonly outcome: Outcome;
  /** What the host found in its output. */
  readonly causes: readonly string[];
}

export type Next = Pick<RunStateRow, "state" | "reason"> & Partial<RunStateRow>;

export function nextOfRun(ended: Ended, now: Now, settings: CoreSettings): Next {
  const next = unlessPaused(ended, now, settings);
  if (next.state !== "queued" || !ended.run.paused) return next;
  const reason = next.reason === "" ? HELD_BY_USER : `${HELD_BY_USER} (${next.reason})`;
  return { ...next, state: "held", reason };
}

/** The longest delay before another attempt that may have been drawn for the run. */
export function longestDelayMs(cluster: Cluster, run: Run, settings: CoreSettings): number {
  const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep of a live run");
  return Math.max(settings.retryBackoff.maxMs, backoffOf(shapeOf(sweep, run).retry, settings).maxMs);
}

function unlessPaused(ended: Ended, now: Now, settings: CoreSettings): Next {
  const { run, attempt, outcome } = ended;
  if (outcome.kind === "succeeded") return { state: "succeeded", reason: "", crashes: 0 };
  if (outcome.kind === "skipped") return { state: "skipped", reason: "the program skipped it", crashes: 0 };
  if (run.cancelRequested) return { state: "cancelled", reason: whyCancelled(run) };
  switch (outcome.kind) {
    case "cancelled":
    case "superseded":
      return { state: "queued", reason: `stopped on ${attempt.node}` };
    case "failed":
    case "signalled":
    case "oom":
    case "timeout":
    case "idle":
      if (attempt.stopping !== "") return afterStop(ended);
      return afterFailure(ended, now, settings);
    case "rejected":
      if (outcome.reason.startsWith("bad_spec")) return { state: "failed", reason: describeEnd(ended) };
      if (outcome.reason.startsWith("start_failed")) return afterCrash(ended, now, settings);
      // It was handed out ahead, and what it waited behind took longer than was thought.
      if (outcome.reason.startsWith("waited")) return { state: "queued", reason: "" };
      return {
        state: "queued",
        reason: describeEnd(ended),
        notBefore: now.wallMs + settings.retryBackoff.baseMs,
      };
    case "lost":
      if (outcome.reason === "stopped") return afterStop(ended);
      return afterCrash(ended, now, settings);
  }
}

/** Its host was stopped by a user: it starts again elsewhere, at no cost. */
function afterStop({ run, attempt, retry }: Ended): Next {
  const reason = `stopped on ${attempt.node}`;
  const never = retry.never?.find((cause) => cause === "lost" || cause === "preempted");
  if (never === undefined) return { state: "queued", reason };
  return {
    state: "failed",
    reason: `${reason}; not started again: [retry] never has "${never}"`,
    crashes: run.crashes,
  };
}

/** Of a run on several nodes, which of them it was. */
function describeEnd({ attempt: { fence, gang, node }, outcome }: Ended): string {
  const text = describeOutcome(outcome);
  return gang ? `rank ${fence - gang.first} on ${node}: ${text}` : text;
}

function afterFailure(ended: Ended, now: Now, settings: CoreSettings): Next {
  const { run, attempt, retry, outcome, causes } = ended;
  const failures = run.failures + 1;
  const own = new Set([...causesOfOutcome(outcome), ...causes]);
  const reason = [describeEnd(ended), ...causes].join(", ");
  const final = (why: string): Next => ({ state: "failed", reason: `${reason}${why}`, failures, crashes: 0 });
  const never = retry.never?.find((cause) => own.has(cause));
  if (never !== undefined) return final(` (not tried again: [retry] never has "${never}")`);
  if (failures > retry.max) return final("");
  // What there is a remedy for is worth another attempt.
  const worth = retry.on && retry.on.length > 0 ? [...retry.on, ...(retry.remedies ?? []).map(({ when }) => when)] : [];
  if (worth.length > 0 && !worth.some((cause) => own.has(cause))) {
    return final(" (not tried again: nothing of it is in [retry] on)");
  }
  return {
    state: "queued",
    reason: `${reason} (retry ${failures} of ${retry.max}${changesBy(retry, own)})`,
    failures,
    crashes: 0,
    avoid: retry.avoidNode ? attempt.node : undefined,
    notBefore: now.wallMs + backoffMs(backoffOf(retry, settings), failures, now.random),
  };
}

/** Of remedies, as the sweep file says them. */
function changesBy({ remedies = [] }: RetryPolicy, causes: ReadonlySet<string>): string {
  const set = remedies.flatMap(({ when, set }) => (causes.has(when) ? Object.entries(set) : []));
  return set.length === 0 ? "" : ` with ${set.map(([name, text]) => `${name} = ${text}`).join(", ")}`;
}

/** The fault was the host's: it does not count against the program, but a run that takes hosts down is held. */
function afterCrash(ended: Ended, now: Now, settings: CoreSettings): Next {
  const { run, attempt, retry, outcome } = ended;
  const crashes = run.crashes + 1;
  const reason = describeEnd(ended);
  if (outcome.kind === "lost" && retry.never?.includes("lost")) {
    return { state: "failed", reason: `${reason} (not tried again: [retry] never has "lost")`, crashes };
  }
  if (crashes >= CRASHES_BEFORE_HOLD) {
    return { state: "held", reason: `${reason}, ${crashes} times in a row; \`exp retry\` lets it go`, crashes };
  }
  return {
    state: "queued",
    reason,
    crashes,
    avoid: retry.avoidNode ? attempt.node : undefined,
    notBefore: now.wallMs + backoffMs(settings.retryBackoff, crashes, now.random),
  };
}

function backoffOf(retry: RetryPolicy, settings: CoreSettings): BackoffPolicy {
  return retry.backoff ? { baseMs: retry.backoff.minMs, maxMs: retry.backoff.maxMs } : settings.retryBackoff;
}
