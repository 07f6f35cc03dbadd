/**
 * The coordinator's store as a model: the list of committed changes, from which a start builds the cluster again. The real
 * one (SQLite) has the same shape here and is put in its place by test/unit/store.
 */
import { applyChange, coreSweep } from "../../coordinator/core/apply-change.ts";
import type { Change, RunPoint } from "../../coordinator/core/changes.ts";
import { type Attempt, type Cluster, emptyCluster, type Run, type Sweep } from "../../coordinator/core/cluster.ts";
import type { TerminalRun } from "../../coordinator/core/events.ts";
import { standingOf } from "../../coordinator/core/sweep-standing.ts";
import { required } from "../../shared/kernel/assert.ts";
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import { isTerminal } from "../../shared/run/states.ts";

export interface SimStore {
  beginTerm(): number;
  /** All or nothing. */
  commit(changes: readonly Change[]): void;
  load(term: number, monotonicMs: number): Cluster;
  attempt(fence: Fence): Attempt;
  /** Undefined while the run is live. */
  terminalRun(id: RunId): TerminalRun | undefined;
  hasSubmission(submitId: string): boolean;
}

const SESSIONS_PER_TERM = 1_000_000;

export class MemoryStore implements SimStore {
  readonly #log: Change[] = [];
  readonly #attempts = new Map<Fence, Attempt>();
  readonly #sweeps = new Map<SweepId, Sweep>();
  readonly #points = new Map<RunId, RunPoint>();
  readonly #ended = new Map<RunId, TerminalRun["row"]>();
  readonly #submissions = new Set<string>();
  readonly #reused = new Set<RunId>();
  #term = 0;

  beginTerm(): number {
    this.#term += 1;
    return this.#term;
  }

  commit(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === "node-link" || change.kind === "history") continue;
      this.#log.push(change);
      this.#index(change);
    }
  }

  load(term: number, monotonicMs: number): Cluster {
    const cluster = newCluster(term);
    for (const change of this.#log) applyChange(cluster, change);
    // As the real store, it does not know.
    cluster.pace.clear();
    for (const node of cluster.nodes.values()) {
      node.connected = false;
      node.silent = false;
      node.lastHeardMs = monotonicMs;
      node.helloSeq = 0;
    }
    // In the order in which the real store reads them, so that what follows from order is the same.
    reorder(cluster.nodes, (a, b) => (a.name < b.name ? -1 : 1));
    reorder(cluster.attempts, (a, b) => a.fence - b.fence);
    const seqOf = ({ sweepId }: Run): number => cluster.sweeps.get(sweepId)?.seq ?? 0;
    reorder(cluster.runs, (a, b) => seqOf(a) - seqOf(b) || a.index - b.index);
    const delayed = [...cluster.runs.keys()].filter((id) => cluster.delayed.has(id));
    cluster.delayed.clear();
    for (const id of delayed) cluster.delayed.add(id);
    return cluster;
  }

  attempt(fence: Fence): Attempt {
    return required(this.#attempts.get(fence), `attempt ${fence} in the store`);
  }

  terminalRun(id: RunId): TerminalRun | undefined {
    const row = this.#ended.get(id);
    const point = this.#points.get(id);
    const sweep = row && this.#sweeps.get(row.sweepId);
    return row && point && sweep && { row, sweep, point, reused: this.#reused.has(id) };
  }

  hasSubmission(submitId: string): boolean {
    return this.#submissions.has(submitId);
  }

  #index(change: Change): void {
    switch (change.kind) {
      case "sweep-added":
        this.#submissions.add(change.sweep.submitId);
        this.#sweeps.set(change.sweep.id, coreSweep(change.sweep));
        for (const { id, index, shape, fingerprint, reusedFrom } of change.runs) {
          this.#points.set(id, { index, shape, fingerprint });
          if (reusedFrom !== undefined) this.#reused.add(id);
        }
        return;
      case "run-reused":
        this.#reused.add(change.runId);
        return;
      case "sweep-changed": {
        const sweep = this.#sweeps.get(change.sweepId);
        if (sweep) this.#sweeps.set(sweep.id, { ...sweep, ...standingOf(change) });
        return;
      }
      case "attempt-added":
        this.#attempts.set(change.attempt.fence, change.attempt);
        return;
      case "run-changed":
      case "run-revived": {
        const { row } = change;
        if (isTerminal(row.state)) this.#ended.set(row.runId, { ...row, state: row.state });
        else this.#ended.delete(row.runId);
        return;
      }
      default:
        return;
    }
  }
}

interface Ordered<Key, Value> extends Iterable<[Key, Value]> {
  set(key: Key, value: Value): unknown;
  delete(key: Key): boolean;
}

function reorder<Key, Value>(map: Ordered<Key, Value>, compare: (a: Value, b: Value) => number): void {
  const entries = [...map].sort(([, a], [, b]) => compare(a, b));
  for (const [key] of entries) map.delete(key);
  for (const [key, value] of entries) map.set(key, value);
}

function newCluster(term: number): Cluster {
  return emptyCluster({
    storeId: "sim",
    term,
    nextFence: 1,
    nextSession: term * SESSIONS_PER_TERM,
    nextSweepSeq: 1,
  });
}
