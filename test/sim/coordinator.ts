/**
 * One life of the coordinator's process: the real core behind a driver that does what coordinator/engine.ts and
 * rpc/agent/hub.ts do, in the same order, and may be killed between any two steps.
 */
import { applyChange } from "../../coordinator/core/apply-change.ts";
import type { Change } from "../../coordinator/core/changes.ts";
import type { Cluster } from "../../coordinator/core/cluster.ts";
import type { Command } from "../../coordinator/core/commands.ts";
import type { Event, Now } from "../../coordinator/core/events.ts";
import { react } from "../../coordinator/core/react.ts";
import { unreachable } from "../../shared/kernel/assert.ts";
import type { Fence, SessionId } from "../../shared/kernel/ids.ts";
import type { AgentMessage, Assignment } from "../../shared/run/session.ts";
import type { Stream, StreamEnd } from "./network.ts";
import type { Prng } from "./prng.ts";
import type { SimStore } from "./store.ts";
import type { World } from "./world.ts";

const TICK_MS = 1_000;

interface Waiting {
  readonly event: Event;
  /** Called when the event's changes are durable: the caller has its answer. */
  readonly done: ((changes: readonly Change[]) => void) | undefined;
}

export class SimCoordinator implements StreamEnd<AgentMessage> {
  alive = true;
  /** Memory says nothing that the store does not. */
  isCommitted = true;
  readonly cluster: Cluster;
  readonly #world: World;
  readonly #store: SimStore;
  readonly #prng: Prng;
  readonly #startedAtMs: number;
  readonly #rate: number;
  readonly #connections = new Map<number, Stream>();
  readonly #sessions = new Map<SessionId, Stream>();
  readonly #sessionOf = new Map<number, SessionId>();
  readonly #onCrash: () => void;
  #waiting: Waiting[] = [];
  #pausedUntilMs = 0;

  constructor(world: World, store: SimStore, rate: number, onCrash: () => void) {
    this.#world = world;
    this.#store = store;
    this.#prng = world.prng.split();
    this.#startedAtMs = world.timeline.nowMs;
    this.#rate = rate;
    this.#onCrash = onCrash;
    const term = store.beginTerm();
    this.cluster = store.load(term, this.#now().monotonicMs);
    world.network.listening = true;
    world.trace.note("coordinator", "starts", term);
    this.#every(TICK_MS, () => this.apply({ kind: "tick" }));
  }

  /** Hands in an event; it is decided at this moment of virtual time, after what is already due. */
  apply(event: Event, done?: (changes: readonly Change[]) => void): void {
    if (!this.alive) return;
    if (this.#waiting.push({ event, done }) === 1) this.#later(0, () => this.#flush());
  }

  /** kill -9. */
  crash(quietly = false): void {
    if (!this.alive) return;
    this.#world.trace.note("coordinator", "dies", this.cluster.term);
    this.alive = false;
    this.#world.network.closeAllFromCoordinator(quietly);
    this.#onCrash();
  }

  /** SIGSTOP for a while: what comes meanwhile waits in buffers, in order. */
  pause(forMs: number): void {
    // Longer while it lasts would let what came later overtake.
    if (this.#pausedUntilMs > this.#world.timeline.nowMs) return;
    this.#world.trace.note("coordinator", "pauses", forMs);
    this.#pausedUntilMs = this.#world.timeline.nowMs + forMs;
  }

  receive(stream: Stream, message: AgentMessage): void {
    this.#whenAwake(() => this.#take(stream, message));
  }

  closed(stream: Stream): void {
    this.#whenAwake(() => this.#forget(stream));
  }

  #take(stream: Stream, message: AgentMessage): void {
    if (message.kind === "hello") {
      this.#connections.set(stream.id, stream);
      return this.apply({ kind: "hello", connection: stream.id, hello: message.hello });
    }
    const session = this.#sessionOf.get(stream.id);
    if (session === undefined) return;
    switch (message.kind) {
      case "heartbeat":
        return this.apply({ ...message, session });
      case "accepted":
      case "rejected":
        return this.apply({ ...message, session });
      case "started":
        return this.apply({ kind: "started", session, fence: message.fence, startedAt: message.startedAt });
      case "finished":
        return this.apply({ ...message, session });
      case "devices":
        return this.apply({ ...message, session });
      case "output":
        return;
      default:
        unreachable(message);
    }
  }

  #forget(stream: Stream): void {
    this.#connections.delete(stream.id);
    const session = this.#sessionOf.get(stream.id);
    this.#sessionOf.delete(stream.id);
    if (session === undefined || this.#sessions.get(session) !== stream) return;
    this.#sessions.delete(session);
    this.apply({ kind: "disconnected", session });
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    const { plant, checks, trace } = this.#world;
    this.isCommitted = false;
    const changes: Change[] = [];
    const commands: Command[] = [];
    const answers: (() => void)[] = [];
    for (const { event, done } of batch) {
      const own = this.#react(event, changes, commands);
      if (done) answers.push(() => done(own));
    }
    this.#react({ kind: "schedule" }, changes, commands);
    if (plant.dispatchFirst) for (const command of commands) this.#dispatch(command);
    if (changes.some(isDurable)) {
      if (this.#crashHere()) return;
      this.#store.commit(changes);
      for (const change of changes) trace.note("coordinator", change.kind, numberOf(change), () => textOf(change));
      this.isCommitted = true;
      checks.onCommit(changes, this.cluster);
      if (this.#crashHere()) return;
    }
    this.isCommitted = true;
    if (!plant.dispatchFirst) {
      for (const command of commands) {
        this.#dispatch(command);
        if (command.kind !== "heartbeat-ack" && this.#crashHere()) return;
      }
    }
    for (const answer of answers) answer();
  }

  #react(event: Event, changes: Change[], commands: Command[]): readonly Change[] {
    const { plant, settings, checks } = this.#world;
    const now = this.#now();
    const decide = plant.coordinatorReact ?? react;
    const reaction = decide(this.cluster, event, now, plant.settings ?? settings);
    for (const change of reaction.changes) applyChange(this.cluster, change);
    changes.push(...reaction.changes);
    commands.push(...reaction.commands);
    checks.onDecided(event, () => decide(this.cluster, event, now, plant.settings ?? settings));
    return reaction.changes;
  }

  #dispatch(command: Command): void {
    switch (command.kind) {
      case "welcome":
        return this.#welcome(command);
      case "refuse": {
        const stream = this.#connections.get(command.connection);
        if (!stream) return;
        this.#world.network.sendDown(stream, { kind: "refused", reason: command.reason, message: command.message });
        return;
      }
      case "close": {
        const stream = this.#sessions.get(command.session);
        this.#sessions.delete(command.session);
        if (stream) this.#world.network.closeFromCoordinator(stream, false);
        return;
      }
      case "assign":
        return this.#send(command.session, { kind: "assign", assignment: this.#assignment(command.fence) });
      case "kill":
        return this.#send(command.session, { kind: "kill", fence: command.fence, reason: command.reason });
      case "heartbeat-ack":
        return this.#send(command.session, { kind: "heartbeat-ack", seq: command.seq, renewed: command.renewed });
      case "finish-ack":
        return this.#send(command.session, { kind: "finish-ack", fence: command.fence });
      case "drain":
        return this.#send(command.session, { kind: "drain", draining: command.draining });
      default:
        unreachable(command);
    }
  }

  #welcome(command: Extract<Command, { kind: "welcome" }>): void {
    const { connection, session, term, decisions } = command;
    const stream = this.#connections.get(connection);
    if (!stream) return this.apply({ kind: "disconnected", session });
    this.#sessionOf.set(connection, session);
    this.#sessions.set(session, stream);
    const { storeId } = this.cluster;
    const { heartbeatMs } = this.#world.settings;
    const welcome = { session, storeId, term, heartbeatMs, decisions, watermarks: [], bus: undefined, httpPort: 0 };
    this.#world.network.sendDown(stream, { kind: "welcome", welcome });
  }

  #send(session: SessionId, message: Parameters<World["network"]["sendDown"]>[1]): void {
    const stream = this.#sessions.get(session);
    if (stream) this.#world.network.sendDown(stream, message);
  }

  #assignment(fence: Fence): Assignment {
    // A planted bug sends before the commit: then only memory knows the attempt.
    const { runId, number, devices, reserved, gang, behind } =
      this.cluster.attempts.get(fence) ?? this.#store.attempt(fence);
    const gpuMilli = reserved?.gpuMilli;
    return {
      fence,
      runId,
      runRef: runId,
      sweepRef: "sim.1",
      runIndex: 1,
      attempt: number,
      devices,
      ...(gpuMilli !== undefined && { gpuMilli }),
      ...(behind !== undefined && { behind }),
      ...(gang && { gang: { rank: fence - gang.first, nodes: [], port: 0 } }),
      templateJson: "",
      paramsJson: "{}",
      timeLimitMs: this.#world.programOf(runId).timeLimitMs,
      idleLimitMs: this.#world.programOf(runId).idleLimitMs,
      stopGraceMs: 2_000,
      leaseMs: this.#world.settings.leaseMs,
      logPatterns: [],
    };
  }

  #now(): Now {
    const { timeline, wallMs } = this.#world;
    const monotonicMs = (timeline.nowMs - this.#startedAtMs) * this.#rate;
    return { monotonicMs, wallMs: wallMs(), random: this.#prng.float() };
  }

  #crashHere(): boolean {
    if (!this.#world.faulty || !this.#prng.chance(this.#world.plan.crashPoint)) return false;
    this.crash();
    return true;
  }

  #every(periodMs: number, action: () => void): void {
    this.#later(periodMs, () => {
      action();
      this.#every(periodMs, action);
    });
  }

  #later(delayMs: number, action: () => void): void {
    this.#world.timeline.after(delayMs, () => this.#whenAwake(action));
  }

  #whenAwake(action: () => void): void {
    const pausedMs = this.#pausedUntilMs - this.#world.timeline.nowMs;
    if (pausedMs > 0) this.#later(pausedMs, action);
    else if (this.alive) action();
  }
}

function isDurable(change: Change): boolean {
  return change.kind !== "node-link";
}

function numberOf(change: Change): number {
  switch (change.kind) {
    case "attempt-added":
    case "attempt-revived":
      return change.attempt.fence;
    case "attempt-changed":
    case "attempt-ended":
      return change.fence;
    case "run-changed":
      return change.row.fence ?? 0;
    default:
      return 0;
  }
}

function textOf(change: Change): string {
  switch (change.kind) {
    case "attempt-added": {
      const { runId, node, devices, behind } = change.attempt;
      return `${runId} on ${node} ${devices.join(" ")}${behind === undefined ? "" : ` behind ${behind}`}`;
    }
    case "attempt-ended":
      return JSON.stringify(change.outcome);
    case "run-changed":
      return `${change.row.runId} ${change.row.state} ${change.row.waitsFor ?? ""} ${change.row.notBefore} ${change.row.reason}`;
    case "completed-added":
      return `${change.fingerprint} by ${change.runId}`;
    case "history":
      return `${change.what} ${change.node ?? change.runId ?? ""} ${change.text}`;
    case "node-link":
      return `${change.name} session ${change.session} ${change.connected ? "connected" : "gone"}`;
    default:
      return "";
  }
}
