/** ListQueue: what waits, in the order in which it will be placed. */
import type { ListQueueRequest, ListQueueResponse } from "../../../proto/gen/runner/v1/control.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import type { QueueAnswer } from "../../../shared/run/dashboard.ts";
import { describeRequest } from "../../../shared/run/devices.ts";
import { runStateToProto } from "../../../shared/wire/views.ts";
import { type Cluster, liveCounts, type Run, shapeOf } from "../../core/cluster.ts";
import { compareEntries, type QueueEntry } from "../../core/run-queue.ts";
import type { ReadDeps } from "./deps.ts";
import { listedRuns } from "./get-run.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;

export const listQueue =
  (deps: ReadDeps) =>
  async (request: ListQueueRequest): Promise<ListQueueResponse> => {
    const { total, rows } = readQueue(deps, 0, Math.min(request.limit > 0 ? request.limit : LIMIT_DEFAULT, LIMIT_MAX));
    return { total, runs: rows.map((row) => ({ ...row, state: runStateToProto(row.state) })) };
  };

/** A page of what waits: what will be placed, then what waits for something else, then what is held. */
export function readQueue(deps: ReadDeps, offset: number, limit: number): QueueAnswer {
  const { cluster } = deps;
  const placeable = [...cluster.groups.values()].reduce((sum, group) => sum + group.queue.size, 0);
  const counts = liveCounts(cluster);
  const ids = placingOrder(cluster, offset + limit).slice(offset);
  if (ids.length < limit && offset + limit > placeable) {
    const from = Math.max(0, offset - placeable);
    ids.push(...others(cluster).slice(from, from + limit - ids.length));
  }
  const now = deps.clock.wallMs();
  const rows = listedRuns(deps, ids).map((record, i) => {
    const run = cluster.runs.get(ids[i] as RunId);
    const sweep = run && cluster.sweeps.get(run.sweepId);
    return {
      ref: record.ref,
      state: record.state,
      priority: record.priority,
      needs: run && sweep ? describeRequest(shapeOf(sweep, run).resources) : "",
      reason: record.reason,
      waitingMs: Math.max(0, now - waitsSince(deps, ids[i] as RunId, record.createdAt, record.attempt)),
    };
  });
  return { total: (counts.queued ?? 0) + (counts.held ?? 0), rows };
}

/** The first `count` of the queue. Each group is sorted; only their first ones are looked at. */
function placingOrder(cluster: Cluster, count: number): RunId[] {
  const entries: QueueEntry[] = [];
  for (const { queue } of cluster.groups.values()) {
    entries.push(...queue.first(count));
  }
  return entries
    .sort(compareEntries)
    .slice(0, count)
    .map(({ runId }) => runId);
}

/** What waits for something other than a device: queued ones by the time of their next try, then the held ones. */
function others(cluster: Cluster): RunId[] {
  const queued: Run[] = [];
  const held: RunId[] = [];
  for (const run of cluster.runs.values()) {
    if (run.state === "held") held.push(run.id);
    else if (run.state === "queued" && (run.waitsFor !== undefined || run.notBefore > 0 || cluster.done.has(run.id))) {
      queued.push(run);
    }
  }
  return [...queued.sort((a, b) => a.notBefore - b.notBefore).map(({ id }) => id), ...held];
}

/** When it was submitted, or when its last attempt ended. */
function waitsSince(deps: ReadDeps, id: RunId, createdAt: number, attempt: number): number {
  if (attempt === 0) return createdAt;
  return deps.queries.attempts.ofRun(id).at(-1)?.finishedAt ?? createdAt;
}
