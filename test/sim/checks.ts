/**
 * What must hold after every event. Two sources are compared: what the coordinator committed, and what really runs on the
 * hosts. A violation throws, with the seed it can be replayed by added by the caller.
 */
import type { AgentEvent, AgentReaction } from "../../agent/core/events.ts";
import type { Change } from "../../coordinator/core/changes.ts";
import type { Attempt, Cluster } from "../../coordinator/core/cluster.ts";
import type { Reaction } from "../../coordinator/core/commands.ts";
import { isActive } from "../../coordinator/core/doers.ts";
import type { Event } from "../../coordinator/core/events.ts";
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import { isTerminal, type Outcome, type RunState } from "../../shared/run/states.ts";
import { type AttemptFacts, type RunFacts, type SweepFacts, Violation } from "./facts.ts";
import type { AttemptDir, SimHost } from "./host.ts";
import { checkPlace, checkSuccessor, type Places } from "./places.ts";
import type { DrawnShape } from "./requests.ts";

export class Checks {
  readonly #runs = new Map<RunId, RunFacts>();
  readonly #attempts = new Map<Fence, AttemptFacts>();
  readonly #sweeps = new Map<SweepId, SweepFacts>();
  readonly #drawnOf: (id: RunId) => DrawnShape;
  /** Fences whose processes live, by run. */
  readonly #alive = new Map<RunId, Set<Fence>>();
  /** Thousandths of a device by the fence that really uses them, by host and uuid. */
  readonly #inUse = new Map<string, Map<Fence, number>>();
  /** Fingerprints that a run has succeeded at. */
  readonly #completed = new Set<string>();
  /** Open attempts of runs that share, by fingerprint. */
  readonly #atWork = new Map<string, Fence>();
  #maxFence = 0;
  #commits = 0;

  constructor(drawnOf: (id: RunId) => DrawnShape) {
    this.#drawnOf = drawnOf;
  }

  /** A process of the user's starts. */
  onRunning(host: SimHost, dir: AttemptDir): void {
    const { fence, runId } = dir;
    const facts = this.#attempts.get(fence);
    if (!facts) throw new Violation("I7", `fence ${fence} starts on ${host.name} and was never committed`);
    const alive = this.#alive.get(runId) ?? new Set<Fence>();
    const others = this.#outside(facts.first, alive);
    if (others.length > 0) throw new Violation("I1", `fence ${fence} starts while ${others.join()} of ${runId} live`);
    this.#alive.set(runId, alive.add(fence));
    if (facts.ended) throw new Violation("lease safety", `fence ${fence} starts on ${host.name} after its end`);
    for (const device of dir.devices) {
      const key = `${host.index} ${device}`;
      const users = this.#inUse.get(key) ?? new Map<Fence, number>();
      const sharers = [...users.keys()].join();
      const isGpu = host.devices.some(({ uuid, kind }) => uuid === device && kind === "gpu");
      this.#inUse.set(key, users.set(fence, isGpu ? dir.program.drawn.gpuMilli : 1000));
      if ([...users.values()].reduce((sum, milli) => sum + milli) > 1000)
        throw new Violation("I6", `fence ${fence} starts on ${device}, which ${sharers} still uses`);
    }
  }

  /** Nothing of an attempt lives any more. */
  onDead(host: SimHost, dir: AttemptDir): void {
    const facts = this.#attempts.get(dir.fence);
    if (facts && dir.exitCode === 0) facts.exitedWell = true;
    this.#alive.get(dir.runId)?.delete(dir.fence);
    for (const device of dir.devices) {
      this.#inUse.get(`${host.index} ${device}`)?.delete(dir.fence);
    }
  }

  /** It has said nothing for its limit; words come each half second, and clocks differ a little. */
  onStoppedAsIdle({ fence, program, startedMs }: AttemptDir, nowMs: number): void {
    const silentMs = nowMs - (startedMs ?? nowMs) - program.talksForMs;
    if (silentMs > program.idleLimitMs * 0.99 - 600) return;
    throw new Violation("idle", `fence ${fence} is stopped as idle after ${silentMs} ms of silence`);
  }

  onCancelAcknowledged(id: RunId): void {
    const run = this.#runs.get(id);
    if (run && !isTerminal(run.state)) run.cancelled = true;
  }

  onPauseAcknowledged(id: RunId): void {
    const run = this.#runs.get(id);
    if (run && !isTerminal(run.state)) run.paused = true;
  }

  /** From here on it may run again, whether or not the coordinator has heard it. */
  onReleaseAsked(id: RunId): void {
    const run = this.#runs.get(id);
    if (run) run.paused = false;
  }

  /** I9: an event that has been decided gives nothing durable when it comes again. */
  onDecided(event: Event, again: () => Reaction): void {
    switch (event.kind) {
      case "accepted":
      case "rejected":
      case "started":
      case "cancel":
      case "retry":
      case "pause":
      case "resume":
      case "edit":
      case "tick": {
        const { changes } = again();
        if (changes.length > 0) throw new Violation("I9", `a repeated ${event.kind} gives ${changes[0]?.kind}`);
        return;
      }
      case "schedule": {
        // What kept one from being handed out ahead may be settled by then: it waits for another of the same work, say, or its
        // sweep has as many at a time as it may.
        const { changes } = again();
        const ahead = new Set(changes.flatMap((change) => (isAhead(change) ? [change.attempt.runId] : [])));
        const change = changes.find((each) => !isAhead(each) && !followsFrom(each, ahead));
        if (change) throw new Violation("I9", `a repeated schedule gives ${change.kind}`);
        return;
      }
      case "finished": {
        const { changes } = again();
        const change = changes.find(({ kind }) => kind !== "node-saved");
        if (change) throw new Violation("I9", `a repeated finished gives ${change.kind}`);
        return;
      }
      default:
        return;
    }
  }

  /** I9 on the agent's side. Renewals and the coordinator's name may be written as often as they are heard. */
  onAgentDecided(event: AgentEvent, again: () => AgentReaction): void {
    if (event.kind === "tick" || event.kind === "heartbeat" || event.kind === "found") return;
    const repeated = again().changes.find(({ kind }) => kind.startsWith("attempt-"));
    if (repeated) throw new Violation("I9", `a repeated ${event.kind} gives ${repeated.kind} at the agent`);
  }

  onCommit(changes: readonly Change[], cluster: Cluster): void {
    // One that is taken back with its end is at work no more.
    const over = new Set(changes.flatMap((change) => (change.kind === "attempt-ended" ? [change.fence] : [])));
    for (const change of changes) this.#onChange(change, over);
    for (const change of changes) {
      if (change.kind === "run-changed") {
        this.#compareRun(change.row.runId, cluster);
        this.#checkWhole(change.row.runId);
      }
      if (change.kind === "attempt-added") checkPlace(change.attempt, this.#places(cluster));
      if (change.kind === "attempt-ended") checkSuccessor(change.fence, this.#places(cluster));
      if (change.kind === "sweep-added") this.#checkLimit(change.sweep.id, cluster);
      if (change.kind === "sweep-changed") this.#checkLimit(change.sweepId, cluster);
    }
    this.#commits += 1;
    if (this.#commits % 64 === 0) this.compareAll(cluster);
  }

  /** I3: every acknowledged run is in exactly one state, and memory agrees with what was committed. */
  compareAll(cluster: Cluster): void {
    let live = 0;
    for (const [id, run] of this.#runs) {
      this.#compareRun(id, cluster);
      if (!isTerminal(run.state)) live += 1;
    }
    if (live !== cluster.runs.size) throw new Violation("I3", `${cluster.runs.size} runs in memory, ${live} committed`);
    const groups = [...cluster.groups.values()].reduce((sum, group) => sum + group.queue.size, 0);
    const queued = [...cluster.runs.values()].filter(({ state }) => state === "queued").length;
    const waiting = [...cluster.waiters.values()].reduce((sum, waiters) => sum + waiters.size, 0);
    if (groups + cluster.delayed.size + cluster.done.size + waiting !== queued) {
      throw new Violation("I3", `${queued} queued, ${groups} in queues, ${waiting} wait for others`);
    }
    this.#compareWork(cluster);
  }

  /** I13: a run waits only for one that is with an agent and does the same work. */
  #compareWork(cluster: Cluster): void {
    for (const run of cluster.runs.values()) {
      if (run.waitsFor === undefined) continue;
      const doer = cluster.runs.get(run.waitsFor);
      const state = doer?.state ?? "terminal";
      if (run.state !== "queued" || !doer || doer.fingerprint !== run.fingerprint || !isActive(doer.state)) {
        throw new Violation("I13", `${run.id} is ${run.state} and waits for ${run.waitsFor}, which is ${state}`);
      }
    }
  }

  /** Runs and their committed states. */
  get states(): ReadonlyMap<RunId, { readonly state: RunState }> {
    return this.#runs;
  }

  /** Processes that live somewhere. */
  get processes(): number {
    let count = 0;
    for (const fences of this.#alive.values()) count += fences.size;
    return count;
  }

  #compareRun(id: RunId, cluster: Cluster): void {
    const committed = this.#runs.get(id)?.state;
    const state = cluster.runs.get(id)?.state;
    const agree = committed !== undefined && (isTerminal(committed) ? state === undefined : state === committed);
    if (!agree) throw new Violation("I3", `${id} is ${state ?? "absent"} in memory, ${committed ?? "absent"} in store`);
  }

  /** A run is over, or waits again, when nothing of its last attempt is with an agent any more, and succeeded when all of it has. */
  #checkWhole(id: RunId): void {
    const { state, open, last, completed, reused } = this.#run(id);
    if (!isActive(state) && open.size > 0)
      throw new Violation("gang", `${id} is ${state}, and ${[...open].join()} open`);
    const bad = [...last].filter((fence) => !this.#attempts.get(fence)?.exitedWell);
    if (completed && !reused && bad.length > 0)
      throw new Violation("gang", `${id} has succeeded, and the command of ${bad.join()} has not`);
  }

  /** Of these attempts, those of another gang. */
  #outside(first: Fence, fences: Iterable<Fence>): Fence[] {
    return [...fences].filter((fence) => this.#attempts.get(fence)?.first !== first);
  }

  #places(cluster: Cluster): Places {
    return { cluster, drawnOf: this.#drawnOf, isWaiting: (fence) => this.#isWaiting(fence) };
  }

  #isWaiting(fence: Fence): boolean {
    const behind = this.#attempts.get(fence)?.behind;
    return behind !== undefined && this.#attempts.get(behind)?.ended === false;
  }

  /** A sweep with as many failures as its limit is stopped, and nothing of a stopped one waits. */
  #checkLimit(id: SweepId, cluster: Cluster): void {
    const sweep = this.#sweeps.get(id);
    if (!sweep) return;
    const over = sweep.failuresMax > 0 && sweep.failures >= sweep.failuresMax;
    if (over ? !sweep.stopped : sweep.stopped && !sweep.mayStop)
      throw new Violation("failures", `${id} has ${sweep.failures} failures, and is ${over ? "not " : ""}stopped`);
    for (const run of cluster.runs.values()) {
      const waits = run.state === "queued" || run.state === "held";
      if (sweep.stopped && run.sweepId === id && waits)
        throw new Violation("failures", `${run.id} waits in a stopped sweep`);
    }
  }

  #onChange(change: Change, over: ReadonlySet<Fence>): void {
    switch (change.kind) {
      case "sweep-added": {
        const { id: sweepId, hold, failuresMax, gpuMsMax, deadline, after, shares } = change.sweep;
        const mayStop = gpuMsMax > 0 || deadline > 0;
        const live = change.runs.filter(({ reusedFrom }) => reusedFrom === undefined).length;
        this.#sweeps.set(sweepId, { failuresMax, mayStop, after, failures: 0, stopped: false, live });
        for (const { id, fingerprint, reusedFrom } of change.runs) {
          if (this.#runs.has(id)) throw new Violation("I3", `${id} was added twice`);
          const done = reusedFrom !== undefined;
          if (done) this.#onReused(id, fingerprint);
          const state = done ? "succeeded" : hold ? "held" : "queued";
          const sets = { open: new Set<Fence>(), last: new Set<Fence>() };
          const facts = { completed: done, reused: done, cancelled: false, ...sets, paused: hold && !done };
          this.#runs.set(id, { state, ...facts, fingerprint, shares, sweepId });
        }
        return;
      }
      case "completed-added":
        this.#completed.add(change.fingerprint);
        return;
      case "run-reused":
        this.#run(change.runId).reused = true;
        return this.#onReused(change.runId, this.#run(change.runId).fingerprint);
      case "sweep-changed": {
        const sweep = this.#sweep(change.sweepId);
        sweep.stopped = change.stopped !== "";
        if (change.failed === 0) sweep.failures = 0;
        return;
      }
      case "run-changed":
        return this.#onRunState(change.row.runId, change.row.state);
      case "run-revived": {
        const run = this.#run(change.row.runId);
        run.cancelled = false;
        run.paused = false;
        this.#sweep(run.sweepId).live += 1;
        run.state = change.row.state;
        return;
      }
      case "attempt-added":
        return this.#onAdded(change.attempt);
      case "attempt-revived": {
        const { fence, runId } = change.attempt;
        const attempt = this.#attempts.get(fence);
        if (attempt) attempt.ended = false;
        return this.#open(fence, runId, over.has(fence));
      }
      case "attempt-ended":
        return this.#onEnded(change.fence, change.outcome);
      default:
        return;
    }
  }

  #onRunState(id: RunId, state: RunState): void {
    const run = this.#run(id);
    if (run.completed) throw new Violation("I2", `${id} had succeeded and becomes ${state}`);
    if (isTerminal(run.state)) throw new Violation("I2", `${id} was ${run.state} and becomes ${state}`);
    run.state = state;
    run.completed = state === "succeeded";
    const sweep = this.#sweep(run.sweepId);
    if (isTerminal(state)) sweep.live -= 1;
    if (state === "failed") sweep.failures += 1;
  }

  #onAdded({ fence, runId, gang, behind }: Attempt): void {
    if (fence <= this.#maxFence) throw new Violation("fences", `fence ${fence} is not above ${this.#maxFence}`);
    this.#maxFence = fence;
    const run = this.#run(runId);
    if (run.completed) throw new Violation("I2", `${runId} had succeeded and is started again as fence ${fence}`);
    if (run.cancelled) throw new Violation("I2", `${runId} was cancelled and is started again as fence ${fence}`);
    if (run.paused) throw new Violation("hold", `${runId} is held by a user and is started as fence ${fence}`);
    const sweep = this.#sweep(run.sweepId);
    if (sweep.stopped) throw new Violation("failures", `${runId} of a stopped sweep is started as fence ${fence}`);
    const earlier = sweep.after.find((id) => (this.#sweeps.get(id)?.live ?? 0) > 0);
    if (earlier !== undefined) throw new Violation("after", `${runId} is started before ${earlier} is over`);
    const first = gang?.first ?? fence;
    const alive = this.#outside(first, this.#alive.get(runId) ?? []);
    if (alive.length > 0) throw new Violation("lease safety", `fence ${fence} is assigned while ${alive.join()} lives`);
    if (run.shares && this.#completed.has(run.fingerprint)) {
      throw new Violation("I13", `${runId} starts as fence ${fence}, and its work ${run.fingerprint} is done`);
    }
    this.#attempts.set(fence, { runId, first, behind, ended: false, exitedWell: false });
    this.#open(fence, runId);
  }

  #onReused(id: RunId, fingerprint: string): void {
    if (!this.#completed.has(fingerprint)) throw new Violation("I13", `${id} reuses what nobody has done`);
  }

  #open(fence: Fence, runId: RunId, isOver = false): void {
    const run = this.#run(runId);
    const { first = fence } = this.#attempts.get(fence) ?? {};
    const others = this.#outside(first, run.open);
    if (others.length > 0) throw new Violation("I1", `${runId} has the open attempts ${others.join()} and ${fence}`);
    if (this.#outside(first, run.last).length > 0) run.last.clear();
    run.last.add(fence);
    run.open.add(fence);
    if (!run.shares || isOver) return;
    const other = this.#atWork.get(run.fingerprint);
    if (other !== undefined && other !== first)
      throw new Violation("I13", `fences ${other} and ${fence} do the same work`);
    this.#atWork.set(run.fingerprint, first);
  }

  #onEnded(fence: Fence, outcome: Outcome): void {
    const attempt = this.#attempts.get(fence);
    if (!attempt) throw new Violation("I2", `fence ${fence} ends and was never added`);
    if (attempt.ended) throw new Violation("I2", `fence ${fence} ends twice`);
    attempt.ended = true;
    const run = this.#run(attempt.runId);
    run.open.delete(fence);
    const isLast = this.#outside(attempt.first, run.open).length === run.open.size;
    if (isLast && this.#atWork.get(run.fingerprint) === attempt.first) this.#atWork.delete(run.fingerprint);
    if (this.#alive.get(attempt.runId)?.has(fence)) {
      throw new Violation("lease safety", `fence ${fence} ends as ${outcome.kind} while its processes live`);
    }
    if (outcome.kind === "succeeded" && !attempt.exitedWell) {
      throw new Violation("I2", `fence ${fence} is called succeeded and its command did not end so`);
    }
  }

  #sweep(id: SweepId): SweepFacts {
    const sweep = this.#sweeps.get(id);
    if (!sweep) throw new Violation("I3", `${id} was never submitted`);
    return sweep;
  }

  #run(id: RunId): RunFacts {
    const run = this.#runs.get(id);
    if (!run) throw new Violation("I3", `${id} was never submitted`);
    return run;
  }
}

function isAhead(change: Change): change is Extract<Change, { kind: "attempt-added" }> {
  return change.kind === "attempt-added" && change.attempt.behind !== undefined;
}

/** The run is with a host, or waits for one that does the same work and is. */
function followsFrom(change: Change, ahead: ReadonlySet<RunId>): boolean {
  if (change.kind !== "run-changed") return false;
  const { runId, state, waitsFor } = change.row;
  return state === "assigned" ? ahead.has(runId) : waitsFor !== undefined && ahead.has(waitsFor);
}
