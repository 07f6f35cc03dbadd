/**
 * What the coordinator knows and decides on, in memory. Only live things are here: runs that are not terminal, attempts
 * that have not ended, nodes that were ever seen. `applyChange` (changes.ts) is the only mutator; after a restart
 * `load-cluster` builds an equal one from the store.
 */
import { required } from "../../shared/kernel/assert.ts";
import type { DeviceUuid, Fence, NodeName, RunId, SessionId, SweepId } from "../../shared/kernel/ids.ts";
import type { Device, ResourceRequest } from "../../shared/run/devices.ts";
import { requestKey } from "../../shared/run/devices.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { HostFacts, KillReason } from "../../shared/run/session.ts";
import { LIVE_STATES, type LiveState } from "../../shared/run/states.ts";
import { FingerprintIndex } from "../reuse/fingerprint-index.ts";
import { Doers } from "./doers.ts";
import type { MemberEnd } from "./gang.ts";
import { Holders } from "./holders.ts";
import { LayeredMap } from "./layered-map.ts";
import type { RunQueue } from "./run-queue.ts";
import { WorkLog } from "./work-log.ts";

/** What decisions need of a run's shape. */
export interface CoreShape {
  readonly resources: ResourceRequest;
  /** Equal for requests that are the same. */
  readonly requestKey: string;
  readonly retry: RetryPolicy;
}

export interface Sweep {
  readonly id: SweepId;
  /** Order of submission over all sweeps. */
  readonly seq: number;
  readonly name: string;
  readonly number: number;
  /** Its runs name theirs by number. */
  readonly shapes: readonly CoreShape[];
  /** 0: no limit. */
  readonly parallel: number;
  /** False: it runs everything again, whatever was done before or is being done by others. */
  readonly shares: boolean;
  /** Its runs wait until none of these has live runs. */
  readonly after: readonly SweepId[];
  /** Failed runs that stop it; 0: no limit. */
  readonly failuresMax: number;
  /** GPU time of its attempts that stops it, in ms; 0: no limit. */
  readonly gpuMsMax: number;
  /** Unix ms at which it stops; 0: none. */
  deadline: number;
  /** GPU time of its attempts that have ended. Counted where there is a limit. */
  gpuMs: number;
  /** Runs that failed since it was submitted, or since a user last tried some again. Counted where there is a limit. */
  failed: number;
  /** Why it was stopped, in one line: none of its runs is started any more. Empty while it was not. */
  stopped: string;
}

/** How a sweep stands to what may stop it. */
export type SweepStanding = Pick<Sweep, "failed" | "stopped" | "gpuMs" | "deadline">;

export interface Run {
  readonly id: RunId;
  readonly sweepId: SweepId;
  /** From 1 within its sweep. */
  readonly index: number;
  /** Number of its shape in the sweep. */
  shape: number;
  readonly fingerprint: string;
  state: LiveState;
  /** Why it is held or waits, in one line; empty when there is nothing to say. */
  reason: string;
  priority: number;
  /** Number of the last attempt; 0 before the first. */
  attempt: number;
  /** Current attempt, or the last one. */
  fence: Fence | undefined;
  /** Ends by the program's own fault so far. */
  failures: number;
  /** Ends by the fault of hosts in a row. */
  crashes: number;
  /** Its last attempt was given up without a word from the host: should the host still have it, it is taken back. */
  givenUp: boolean;
  cancelRequested: boolean;
  /** Held by a user, or to be as soon as it has no attempt. */
  paused: boolean;
  /** Node that it shall not go to, as long as another could take it. */
  avoid: NodeName | undefined;
  /** Wall time (Unix ms) before which it is not placed again; 0: none. A delay for politeness, never for safety. */
  notBefore: number;
  /** Run that does the same work right now: this one is not placed, and succeeds with it. */
  waitsFor: RunId | undefined;
}

/** What an attempt holds of its node besides whole devices. */
export interface Reserved {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Nothing else may run there. */
  readonly exclusive: boolean;
  /** Thousandths of each of its GPUs; absent: they are its own. */
  readonly gpuMilli?: number;
}

/** Why an attempt was told to stop; empty while it was not. */
export type StopReason = "" | KillReason;

/** The attempts of a run on several nodes, whose fences follow one another by rank. */
export interface Gang {
  /** Of rank 0: what the run knows them by. */
  readonly first: Fence;
  readonly size: number;
}

export interface Attempt {
  readonly fence: Fence;
  readonly runId: RunId;
  readonly number: number;
  /** Absent: it is alone. */
  readonly gang?: Gang;
  readonly node: NodeName;
  readonly devices: readonly DeviceUuid[];
  readonly reserved: Reserved | undefined;
  /** Attempt whose place it takes over: it waits at the host for as long as that one lives. Absent: the place was free. */
  readonly behind?: Fence;
  phase: "assigned" | "running";
  /** Why it was told to stop. */
  stopping: StopReason;
  startedAt: number | undefined;
}

export interface Node {
  readonly name: NodeName;
  agentId: string;
  machineId: string;
  bootId: string;
  incarnation: number;
  /** The last session it was given; live only while `connected`. */
  session: SessionId;
  version: string;
  labels: { readonly [key: string]: string };
  host: HostFacts;
  /** As the agent last reported them. */
  devices: readonly Device[];
  cordoned: boolean;
  draining: boolean;
  /** Unix ms of the last Hello or state change; for people. */
  seenAt: number;
  // What follows is not stored: it starts anew with each coordinator.
  connected: boolean;
  /** Silent for longer than the unknown threshold. */
  silent: boolean;
  /** Monotonic ms of the last message. */
  lastHeardMs: number;
  /** Number of the last Hello of its agent's process. */
  helloSeq: number;
}

/** Queued runs with the same request (and the same sweep, where that has conditions): placed or passed over together. */
export interface QueueGroup {
  readonly key: string;
  readonly request: ResourceRequest;
  /** Set when the group belongs to a sweep with a parallel limit, or one that waits for others. */
  readonly limitedBy: SweepId | undefined;
  readonly avoid: NodeName | undefined;
  readonly queue: RunQueue;
}

export interface Cluster {
  readonly storeId: string;
  term: number;
  nextFence: number;
  nextSession: number;
  nextSweepSeq: number;
  /** Sweeps with live runs. */
  readonly sweeps: Map<SweepId, Sweep>;
  readonly runs: LayeredMap<RunId, Run>;
  readonly attempts: Map<Fence, Attempt>;
  /** Of gangs that have not ended as a whole, by first fence: of the ends so far, the one that says most. */
  readonly gangEnds: Map<Fence, MemberEnd>;
  readonly nodes: Map<NodeName, Node>;
  /** The run that completed a configuration. */
  readonly completed: FingerprintIndex;
  /** The run that last failed at a configuration which was never completed. */
  readonly failed: FingerprintIndex;
  // Derived from the above, kept in step by applyChange.
  readonly groups: Map<string, QueueGroup>;
  readonly holders: Holders;
  /** Of attempts that live, the one that waits behind: it holds nothing yet. */
  readonly successors: Map<Fence, Fence>;
  readonly liveByState: Map<LiveState, number>;
  /** Live runs of each sweep. */
  readonly liveBySweep: Map<SweepId, number>;
  /** Assigned, running or unknown runs of each sweep. */
  readonly activeBySweep: Map<SweepId, number>;
  /** Queued runs that wait for a retry delay to pass. */
  readonly delayed: Set<RunId>;
  /** Live runs that are to do the work of a fingerprint: mostly one. */
  readonly doers: Doers;
  /** Queued runs whose work is completed by now: not placed, and settled with the next placing. */
  readonly done: Set<RunId>;
  readonly workLog: WorkLog;
  /** Runs that wait for one that does the same work. */
  readonly waiters: Map<RunId, Set<RunId>>;
  /** About the longest that runs of a sweep took lately, in ms. Not stored: it starts anew with each coordinator. */
  readonly pace: Map<SweepId, number>;
}

/** Where a cluster begins: who it is, and the next number of each kind. */
export type ClusterStart = Pick<Cluster, "storeId" | "term" | "nextFence" | "nextSession" | "nextSweepSeq">;

/** A cluster without anything in it. */
export function emptyCluster(start: ClusterStart): Cluster {
  return {
    ...start,
    sweeps: new Map(),
    runs: new LayeredMap(),
    attempts: new Map(),
    gangEnds: new Map(),
    nodes: new Map(),
    groups: new Map(),
    holders: new Holders(),
    successors: new Map(),
    liveByState: new Map(),
    liveBySweep: new Map(),
    activeBySweep: new Map(),
    delayed: new Set(),
    completed: new FingerprintIndex(),
    failed: new FingerprintIndex(),
    doers: new Doers(),
    done: new Set(),
    workLog: new WorkLog(),
    waiters: new Map(),
    pace: new Map(),
  };
}

/** What decisions need of `shape`, which may hold much else. */
export function coreShape(shape: { readonly resources: ResourceRequest; readonly retry: RetryPolicy }): CoreShape {
  const { resources, retry } = shape;
  return { resources, requestKey: requestKey(resources), retry };
}

export function shapeOf(sweep: Sweep, run: Pick<Run, "shape">): CoreShape {
  return required(sweep.shapes[run.shape], "the shape of a run");
}

/** Live runs of the whole fleet by state, in the order in which states are listed; states without runs are left out. */
export function liveCounts(cluster: Cluster): { [state: string]: number } {
  return Object.fromEntries(
    LIVE_STATES.flatMap((state) => {
      const runs = cluster.liveByState.get(state);
      return runs === undefined ? [] : [[state, runs]];
    }),
  );
}

/** True while the place of the attempt is still another's, which it waits behind. */
export function isWaiting(cluster: Cluster, { behind, fence }: Pick<Attempt, "behind" | "fence">): boolean {
  return behind !== undefined && cluster.successors.get(behind) === fence;
}
