/**
 * Decides which queued runs start now. Order: priority, submission, index. Runs are looked at by group of equal request,
 * so a pass costs groups x nodes and the runs it places, not runs x nodes. A run that does not fit lets smaller ones of
 * other groups pass. Never changes the cluster.
 */
import { required } from "../../shared/kernel/assert.ts";
import type { SweepId } from "../../shared/kernel/ids.ts";
import type { Placement } from "./changes.ts";
import type { Cluster, QueueGroup, Run } from "./cluster.ts";
import type { FreeNode } from "./fit.ts";
import { freeNodes, take } from "./fit.ts";
import type { QueueEntry } from "./run-queue.ts";
import { compareEntries } from "./run-queue.ts";
import type { CoreSettings } from "./settings.ts";
import { Predecessors } from "./successors.ts";

/** What a pass may still give. */
interface Room {
  readonly book: readonly FreeNode[];
  readonly predecessors: Predecessors;
}

interface Cursor {
  readonly group: QueueGroup;
  position: number;
  head: QueueEntry;
}

/** At most this many placements a pass; the next pass goes on. Keeps one transaction short. */
const PLACEMENTS_PER_PASS_MAX = 1024;

export function schedule(cluster: Cluster, settings: CoreSettings): Placement[] {
  if (cluster.groups.size === 0) return [];
  const book = freeNodes(cluster);
  const predecessors = new Predecessors(cluster, settings);
  const placements: Placement[] = [];
  const started = new Map<SweepId, number>();
  const claimed = new Set<string>();
  let cursors = [...cluster.groups.values()].flatMap((group) => {
    const head = group.queue.at(0);
    return head ? [{ group, position: 0, head }] : [];
  });
  while (cursors.length > 0 && placements.length < PLACEMENTS_PER_PASS_MAX) {
    const cursor = cursors.reduce((best, other) => (compareEntries(other.head, best.head) < 0 ? other : best));
    const run = required(cluster.runs.get(cursor.head.runId), "a queued run");
    // One of the same work starts in this pass: this one is about to wait for it.
    const waits = claimed.has(run.fingerprint) && sharesWork(cluster, run);
    const placement = waits ? undefined : place(cluster, { book, predecessors }, cursor.group, run, started);
    if (placement) placements.push(placement);
    if (placement) claimed.add(run.fingerprint);
    if ((!placement && !waits) || !advance(cursor)) cursors = cursors.filter((other) => other !== cursor);
  }
  return placements;
}

function place(
  cluster: Cluster,
  { book, predecessors }: Room,
  group: QueueGroup,
  run: Run,
  started: Map<SweepId, number>,
): Placement | undefined {
  const { limitedBy, request, avoid } = group;
  if (limitedBy !== undefined && (comesLater(cluster, limitedBy) || isFull(cluster, limitedBy, started)))
    return undefined;
  const places = take(book, request, avoid);
  if (places) predecessors.add(run, places);
  const placement = places ? { runId: run.id, places } : predecessors.placeBehind(group, run);
  if (!placement) predecessors.leaveFor(request);
  if (placement && limitedBy !== undefined) started.set(limitedBy, (started.get(limitedBy) ?? 0) + 1);
  return placement;
}

function advance(cursor: Cursor): boolean {
  cursor.position += 1;
  const head = cursor.group.queue.at(cursor.position);
  if (head) cursor.head = head;
  return head !== undefined;
}

function sharesWork(cluster: Cluster, run: Run): boolean {
  return required(cluster.sweeps.get(run.sweepId), "the sweep of a live run").shares;
}

/** True while a sweep that comes before it has live runs, other than those that are about to be settled. */
function comesLater(cluster: Cluster, sweepId: SweepId): boolean {
  const after = cluster.sweeps.get(sweepId)?.after ?? [];
  return after.some((earlier) => {
    const settled = [...cluster.done].filter((id) => cluster.runs.get(id)?.sweepId === earlier).length;
    return (cluster.liveBySweep.get(earlier) ?? 0) > settled;
  });
}

function isFull(cluster: Cluster, sweepId: SweepId, started: ReadonlyMap<SweepId, number>): boolean {
  const parallel = cluster.sweeps.get(sweepId)?.parallel ?? 0;
  return parallel > 0 && (cluster.activeBySweep.get(sweepId) ?? 0) + (started.get(sweepId) ?? 0) >= parallel;
}
