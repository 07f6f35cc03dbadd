/**
 * Short runs are handed out ahead. A run may wait at the host behind another of its sweep that asks for the same: it is its
 * successor, takes over its place as it is, and starts the moment that place is clean, without a word to the coordinator and
 * back. Only where runs of the sweep have been short so far, one behind each, and where nothing that comes before it waits for
 * such a place; a host that has waited for too long gives the successor back. So what is more urgent waits for one short run
 * longer, at most.
 */
import { required } from "../../shared/kernel/assert.ts";
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../shared/run/devices.ts";
import type { Outcome } from "../../shared/run/states.ts";
import type { Place, Placement } from "./changes.ts";
import type { Attempt, Cluster, QueueGroup, Run } from "./cluster.ts";
import { isWaiting, shapeOf } from "./cluster.ts";
import { closedReason } from "./fit.ts";
import { isCurrent } from "./gang.ts";
import { couldFit } from "./misfit.ts";
import { type CoreSettings, SHORT_RUN_MS_MAX } from "./settings.ts";

/** Each end counts this part of what was known before, so that one long run is forgotten after a few dozen short ones. */
const PACE_KEPT = 0.9;
/** What a run counts as behind which its successor was given back. */
const TOO_LONG_MS = 2 * SHORT_RUN_MS_MAX;

/** Keeps `cluster.pace`: about the longest that runs of the sweep took lately. Called with each end, before it is applied. */
export function notePace(
  cluster: Cluster,
  attempt: Attempt,
  end: { readonly outcome: Outcome; readonly startedAt: number | undefined; readonly finishedAt: number },
): void {
  const run = cluster.runs.get(attempt.runId);
  if (!run) return;
  const tookMs = end.startedAt === undefined ? undefined : end.finishedAt - end.startedAt;
  const givenBack = end.outcome.kind === "rejected" && attempt.stopping === "" && isWaiting(cluster, attempt);
  const ms = givenBack ? TOO_LONG_MS : tookMs;
  if (ms !== undefined) cluster.pace.set(run.sweepId, Math.max(ms, (cluster.pace.get(run.sweepId) ?? 0) * PACE_KEPT));
}

/** What a run may be placed behind: the run there, and its place. */
interface Predecessor {
  readonly runId: RunId;
  readonly place: Place;
}

/** Of one pass over the queue: the attempts that may have a successor. Made when the first is asked for. */
export class Predecessors {
  readonly #cluster: Cluster;
  readonly #settings: CoreSettings;
  /** By sweep and request, those that began first in front. */
  #free: Map<string, Predecessor[]> | undefined;
  /** Of runs that wait for a place, and come before those that are asked for next. */
  readonly #wanted: ResourceRequest[] = [];

  constructor(cluster: Cluster, settings: CoreSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  /** Behind one that nothing waits for yet, for the run at the head of `group`; undefined when there is none. */
  placeBehind(group: QueueGroup, run: Run): Placement | undefined {
    if (!this.#isShort(run.sweepId)) return undefined;
    this.#free ??= this.#all();
    const here = this.#free.get(keyOf(this.#cluster, run)) ?? [];
    const at = here.findIndex(({ place }) => place.node !== group.avoid && this.#fits(group, place));
    const [before] = at < 0 ? [] : here.splice(at, 1);
    return before && { runId: run.id, places: [before.place], behind: before.runId };
  }

  /** A run that asks for this waits: whatever it could have is left to it. */
  leaveFor(request: ResourceRequest): void {
    this.#wanted.push(request);
  }

  /** The run was placed in this pass, and its places were free. */
  add(run: Run, [place, ...others]: readonly Place[]): void {
    if (!place || others.length > 0 || !this.#isShort(run.sweepId)) return;
    this.#free ??= this.#all();
    this.#put(this.#free, run, place);
  }

  #isShort(sweepId: SweepId): boolean {
    const { shortRunMs } = this.#settings;
    return shortRunMs > 0 && (this.#cluster.pace.get(sweepId) ?? Number.POSITIVE_INFINITY) <= shortRunMs;
  }

  #all(): Map<string, Predecessor[]> {
    const cluster = this.#cluster;
    const free = new Map<string, Predecessor[]>();
    for (const attempt of cluster.attempts.values()) {
      const run = cluster.runs.get(attempt.runId);
      if (!run || attempt.gang || attempt.stopping !== "" || !isCurrent(run, attempt)) continue;
      if (cluster.successors.has(attempt.fence) || isWaiting(cluster, attempt) || !this.#isShort(run.sweepId)) continue;
      this.#put(free, run, attempt);
    }
    return free;
  }

  #put(free: Map<string, Predecessor[]>, run: Run, { node, devices, reserved }: Place): void {
    const key = keyOf(this.#cluster, run);
    const predecessor = { runId: run.id, place: { node, devices, reserved } };
    const known = free.get(key);
    if (known) known.push(predecessor);
    else free.set(key, [predecessor]);
  }

  /** The place may have changed since the run there took it, or be another's to come. */
  #fits({ request }: QueueGroup, { node: name, devices }: Place): boolean {
    const node = this.#cluster.nodes.get(name);
    if (!node || closedReason(node) !== undefined || !couldFit(node, request)) return false;
    if (this.#wanted.some((wanted) => couldFit(node, wanted))) return false;
    return devices.every((uuid) => node.devices.some((device) => device.uuid === uuid && device.health === "clean"));
  }
}

function keyOf(cluster: Cluster, run: Run): string {
  const sweep = required(cluster.sweeps.get(run.sweepId), "the sweep of a live run");
  return `${run.sweepId} ${shapeOf(sweep, run).requestKey}`;
}

/** The fence of the attempt that a new one is placed behind, given those that were placed in the same pass. */
export function fenceOf(cluster: Cluster, runId: RunId, placed: ReadonlyMap<RunId, Fence>): Fence {
  const known = placed.get(runId) ?? cluster.runs.get(runId)?.fence;
  return required(known, "the attempt of a run that another is placed behind");
}
