/**
 * A run on several nodes is one attempt in several places: a gang. Each place is an attempt of its own, with its fence, node,
 * devices, lease and end, so that hosts know nothing of gangs but their rank. Their fences follow one another, rank 0 first,
 * and rank 0 names the whole to the run.
 */
import { required } from "../../shared/kernel/assert.ts";
import { type Fence, fence as makeFence } from "../../shared/kernel/ids.ts";
import { causesOfOutcome } from "../../shared/run/causes.ts";
import { nodesMost } from "../../shared/run/devices.ts";
import type { Outcome } from "../../shared/run/states.ts";
import type { Change } from "./changes.ts";
import type { Attempt, Cluster, Run } from "./cluster.ts";
import { shapeOf } from "./cluster.ts";

/** How one of a gang ended. */
export interface MemberEnd {
  readonly attempt: Attempt;
  readonly outcome: Outcome;
  readonly finishedAt: number;
  readonly causes: readonly string[];
}

export type EndedChange = Extract<Change, { kind: "attempt-ended" }>;

/** The fence by which the run knows its attempt: that of rank 0. */
export function firstFence({ fence, gang }: Pick<Attempt, "fence" | "gang">): Fence {
  return gang?.first ?? fence;
}

/** The attempt, or one of its gang, is the run's current one. */
export function isCurrent(run: Run, attempt: Attempt): boolean {
  return run.fence !== undefined && run.fence === firstFence(attempt);
}

/** Live attempts of the run's current try by rank: one, or those of its gang that have not ended. */
export function attemptsOfRun(cluster: Cluster, run: Run): Attempt[] {
  if (run.fence === undefined) return [];
  const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep of a live run");
  const attempts: Attempt[] = [];
  for (let rank = 0; rank < nodesMost(shapeOf(sweep, run).resources); rank++) {
    const attempt = cluster.attempts.get(makeFence(run.fence + rank));
    if (attempt?.runId === run.id && isCurrent(run, attempt)) attempts.push(attempt);
  }
  return attempts;
}

/** Live attempts of the same gang, itself not among them. */
export function peersOf(cluster: Cluster, attempt: Attempt): Attempt[] {
  const { gang } = attempt;
  if (!gang) return [];
  const ranks = Array.from({ length: gang.size }, (_, rank) => makeFence(gang.first + rank));
  return ranks.flatMap((fence) => (fence === attempt.fence ? [] : (cluster.attempts.get(fence) ?? [])));
}

/** Of two ends, the one that the run's fate rests on, with what both failed by: whichever order they come in, the same. */
export function deciding(one: MemberEnd, other: MemberEnd): MemberEnd {
  if (one.attempt.fence === other.attempt.fence) return one;
  const order =
    weightOf(one) - weightOf(other) || other.finishedAt - one.finishedAt || other.attempt.fence - one.attempt.fence;
  const [end, rest] = order >= 0 ? [one, other] : [other, one];
  const own = weightOf(rest) >= FAILED ? causesOfOutcome(rest.outcome) : [];
  return { ...end, causes: [...new Set([...end.causes, ...rest.causes, ...own])].sort() };
}

/**
 * A lost host outweighs what programs elsewhere say, as they fail because of it; and what somebody stopped only because
 * another had ended says nothing.
 */
function weightOf({ attempt, outcome }: MemberEnd): number {
  if (outcome.kind === "lost") return FAILED + 1;
  if (attempt.stopping === "peer") return 0;
  return outcome.kind === "succeeded" ? FAILED - 1 : FAILED;
}

const FAILED = 2;

/** `attempt` as it was before it ended. */
export function endOf(attempt: Attempt, { outcome, finishedAt, causes = [] }: Omit<EndedChange, "kind">): MemberEnd {
  return { attempt, outcome, finishedAt, causes };
}
