/**
 * What agents say of their attempts. A message counts only when its session is the live one of the node that holds the
 * attempt; everything else is a late echo and changes nothing.
 */
import { required } from "../../shared/kernel/assert.ts";
import type { Fence, SessionId } from "../../shared/kernel/ids.ts";
import type { FinishReport } from "../../shared/run/session.ts";
import type { Outcome } from "../../shared/run/states.ts";
import { describeOutcome } from "../../shared/run/states.ts";
import { type Next, nextOfRun } from "./after-attempt.ts";
import type { Change } from "./changes.ts";
import type { Attempt, Cluster, Node, Run } from "./cluster.ts";
import { shapeOf } from "./cluster.ts";
import type { Reaction } from "./commands.ts";
import type { Event, Now } from "./events.ts";
import { isCurrent, type MemberEnd } from "./gang.ts";
import { history, runChanged } from "./reactor-runs.ts";
import type { CoreSettings } from "./settings.ts";

type EventOf<Kind extends Event["kind"]> = Extract<Event, { kind: Kind }>;

type HistoryChange = ReturnType<typeof history>;

const NOTHING: Reaction = { changes: [], commands: [] };

/** The live node behind a session; undefined for a session that is over. */
export function nodeOfSession(cluster: Cluster, session: SessionId): Node | undefined {
  for (const node of cluster.nodes.values()) if (node.connected && node.session === session) return node;
  return undefined;
}

/** Accepting is the agent's own record: the coordinator has assumed it since the assignment was committed. */
export function onAccepted(_cluster: Cluster, _event: EventOf<"accepted">): Reaction {
  return NOTHING;
}

export function onStarted(cluster: Cluster, event: EventOf<"started">, now: Now): Reaction {
  const attempt = held(cluster, event.session, event.fence);
  if (!attempt || attempt.phase === "running") return NOTHING;
  return { changes: startedChanges(cluster, attempt, event.startedAt, now), commands: [] };
}

/** The attempt is running: said by Started, or by a Hello. */
export function startedChanges(cluster: Cluster, attempt: Attempt, startedAt: number, now: Now): Change[] {
  const run = cluster.runs.get(attempt.runId);
  const { fence, stopping } = attempt;
  const changes: Change[] = [{ kind: "attempt-changed", fence, phase: "running", stopping, startedAt }];
  if (!run || !isCurrent(run, attempt)) return changes;
  changes.push(runChanged(run, { state: "running" }));
  // One that is heard of again after a silence has started before.
  if (attempt.phase !== "running") changes.push(onNode(attempt, history(now, "started", nameOf(attempt), run)));
  return changes;
}

export function onFinished(cluster: Cluster, event: EventOf<"finished">, now: Now, settings: CoreSettings): Reaction {
  const node = nodeOfSession(cluster, event.session);
  if (!node) return NOTHING;
  const { fence } = event.finish;
  const attempt = cluster.attempts.get(fence);
  if (attempt && attempt.node !== node.name) return NOTHING;
  const changes: Change[] = [];
  if (attempt) changes.push(...endChanges(cluster, attempt, event.finish, now, settings));
  else changes.push(...takeBackFinished(cluster, node, event.finish, now, settings));
  const marked = withUnclean(node, event.finish);
  if (marked) changes.push({ kind: "node-saved", node: marked });
  // Not in memory: recorded before, or overtaken. The agent asks until it hears so.
  return { changes, commands: [{ kind: "finish-ack", session: event.session, fence }] };
}

/** It was given up while its finish was on the way, and nothing was started in its place: the work counts. */
function takeBackFinished(
  cluster: Cluster,
  node: Node,
  finish: FinishReport,
  now: Now,
  settings: CoreSettings,
): Change[] {
  for (const run of cluster.runs.values()) {
    if (!run.givenUp || run.fence !== finish.fence) continue;
    const attempt: Attempt = {
      fence: finish.fence,
      runId: run.id,
      number: run.attempt,
      node: node.name,
      devices: [],
      reserved: undefined,
      phase: "running",
      stopping: "",
      startedAt: finish.startedAt,
    };
    return [{ kind: "attempt-revived", attempt }, ...endChanges(cluster, attempt, finish, now, settings)];
  }
  return [];
}

/** The host refused: nothing of the user's has run, and by the agent's journal never will under this fence. */
export function onRejected(cluster: Cluster, event: EventOf<"rejected">, now: Now, settings: CoreSettings): Reaction {
  const attempt = held(cluster, event.session, event.fence);
  if (!attempt) return NOTHING;
  const reason = event.detail === "" ? event.reason : `${event.reason}: ${event.detail}`;
  const outcome: Outcome = { kind: "rejected", reason };
  return { changes: endChanges(cluster, attempt, { outcome, finishedAt: now.wallMs }, now, settings), commands: [] };
}

/** All output of an ended attempt is stored and its directory is written for the last time. */
export function onSealed(event: EventOf<"sealed">): Reaction {
  return { changes: [{ kind: "attempt-sealed", fence: event.fence }], commands: [] };
}

interface End {
  readonly outcome: Outcome;
  readonly startedAt?: number | undefined;
  readonly finishedAt: number;
  readonly finalSizes?: FinishReport["finalSizes"];
  /** What the host found in its output. */
  readonly causes?: readonly string[];
  /** The host did not say so itself: it may still have the attempt. */
  readonly givenUp?: boolean;
}

/**
 * An attempt ended: its row, what becomes of its run, and what was completed by it. What becomes of a run on several nodes is
 * decided by all of them (gang.ts).
 */
export function endChanges(cluster: Cluster, attempt: Attempt, end: End, now: Now, settings: CoreSettings): Change[] {
  const changes: Change[] = [
    {
      kind: "attempt-ended",
      fence: attempt.fence,
      outcome: end.outcome,
      startedAt: end.startedAt ?? attempt.startedAt,
      finishedAt: end.finishedAt,
      finalSizes: end.finalSizes,
      ...(end.causes && end.causes.length > 0 && { causes: end.causes }),
    },
  ];
  if (attempt.gang) return changes;
  const { outcome, finishedAt, causes = [], givenUp = false } = end;
  return [...changes, ...runEndChanges(cluster, { attempt, outcome, finishedAt, causes }, now, settings, givenUp)];
}

/** What becomes of a run by the end that decides it. `givenUp`: the host did not say so itself. */
export function runEndChanges(
  cluster: Cluster,
  end: MemberEnd,
  now: Now,
  settings: CoreSettings,
  givenUp = false,
): Change[] {
  const { attempt, outcome, causes } = end;
  const run = cluster.runs.get(attempt.runId);
  if (!run || !isCurrent(run, attempt)) return [];
  const changes: Change[] = [];
  const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep of a live run");
  const { retry } = shapeOf(sweep, run);
  const next = nextOfRun({ run, attempt, retry, outcome, causes }, now, settings);
  const live = next.state === "queued" || next.state === "held";
  const finishedAt = live ? undefined : end.finishedAt;
  changes.push(runChanged(run, { ...next, finishedAt, givenUp: live && givenUp }));
  if (next.state === "succeeded")
    changes.push({ kind: "completed-added", fingerprint: run.fingerprint, runId: run.id });
  changes.push(onNode(attempt, endHistory(run, end, next, now)));
  return changes;
}

function endHistory(run: Run, end: MemberEnd, next: Next, now: Now): HistoryChange {
  switch (next.state) {
    case "succeeded":
      return history(now, "succeeded", `attempt ${end.attempt.number}`, run);
    case "failed":
    case "cancelled":
    case "skipped":
    case "held":
      return history(now, next.state, next.reason, run);
    default:
      return history(now, "requeued", describeOutcome(end.outcome), run);
  }
}

function onNode(attempt: Attempt, change: HistoryChange): Change {
  return { ...change, node: attempt.node };
}

function nameOf({ number, fence, gang }: Attempt): string {
  return gang ? `attempt ${number}, rank ${fence - gang.first} of ${gang.size}` : `attempt ${number}`;
}

/** The attempt, when the session may speak for it. */
function held(cluster: Cluster, session: SessionId, fence: Fence): Attempt | undefined {
  const attempt = cluster.attempts.get(fence);
  const node = attempt && cluster.nodes.get(attempt.node);
  return node?.connected && node.session === session ? attempt : undefined;
}

/** The node with the devices of a finish marked that did not come back clean; undefined when all did. */
export function withUnclean(node: Node, finish: FinishReport): Node | undefined {
  if (finish.unclean.length === 0) return undefined;
  const unclean = new Map(finish.unclean.map((device) => [device.uuid, device]));
  return { ...node, devices: node.devices.map((device) => unclean.get(device.uuid) ?? device) };
}
