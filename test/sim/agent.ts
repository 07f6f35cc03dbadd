/**
 * One life of an agent's process: the real core behind a driver that does what agent/engine.ts, agent/attempts.ts and
 * agent/session/connect.ts do, in the same order, and may be killed between any two steps.
 */
import { applyChange, applyVolatile } from "../../agent/core/apply-change.ts";
import { isOwnFailure } from "../../agent/core/end-of-attempt.ts";
import type { AgentChange, AgentCommand, AgentEvent, Now } from "../../agent/core/events.ts";
import { react, reportAttempts } from "../../agent/core/react.ts";
import { type AgentState, isHolding } from "../../agent/core/state.ts";
import { unreachable } from "../../shared/kernel/assert.ts";
import { type Fence, nodeName, type SessionId } from "../../shared/kernel/ids.ts";
import { type AgentMessage, type CoordinatorMessage, type Hello, PROTOCOL_VERSION } from "../../shared/run/session.ts";
import type { SimHost } from "./host.ts";
import type { SimJournal } from "./journal.ts";
import type { Stream, StreamEnd } from "./network.ts";
import type { Prng } from "./prng.ts";
import type { World } from "./world.ts";

const TICK_MS = 1_000;
const RECONNECT_MAX_MS = 2_000;

export class SimAgent implements StreamEnd<CoordinatorMessage> {
  alive = true;
  readonly #world: World;
  readonly #host: SimHost;
  readonly #journal: SimJournal;
  readonly #dial: StreamEnd<AgentMessage>;
  readonly #onCrash: () => void;
  readonly #prng: Prng;
  readonly #state: AgentState;
  readonly #incarnation: number;
  #stream: Stream | undefined;
  #session: SessionId | undefined;
  #helloSentMs = 0;
  #hellos = 0;
  #waiting: AgentEvent[] = [];
  #pausedUntilMs = 0;

  constructor(world: World, host: SimHost, journal: SimJournal, dial: StreamEnd<AgentMessage>, onCrash: () => void) {
    this.#world = world;
    this.#host = host;
    this.#journal = journal;
    this.#dial = dial;
    this.#onCrash = onCrash;
    this.#prng = world.prng.split();
    const { state, incarnation } = journal.open(host.bootId);
    this.#state = state;
    this.#incarnation = incarnation;
    state.devices = host.devices;
    host.onExit = (fence, exit) => this.apply({ kind: "exited", fence, exit });
    world.trace.note(host.name, "agent-starts", incarnation);
    this.#recover();
    this.#connect();
    this.#every(TICK_MS, () => this.apply({ kind: "tick" }));
    this.#every(TICK_MS, () => this.#lookAtActivity());
    this.#every(world.settings.heartbeatMs, () => this.apply({ kind: "heartbeat" }));
  }

  get state(): AgentState {
    return this.#state;
  }

  /** Hands in an event; it is decided at this moment of virtual time, after what is already due. */
  apply(event: AgentEvent): void {
    if (!this.alive) return;
    if (this.#waiting.push(event) === 1) this.#later(0, () => this.#flush());
  }

  /** kill -9: processes and shims stay. `quietly`: the machine is gone, so nobody tells the other end. */
  crash(quietly = false): void {
    if (!this.alive) return;
    this.#world.trace.note(this.#host.name, "agent-dies", this.#incarnation);
    this.alive = false;
    this.#host.onExit = undefined;
    if (this.#stream) this.#world.network.closeFromAgent(this.#stream, quietly);
    this.#onCrash();
  }

  /** SIGSTOP for a while: what comes meanwhile waits in buffers, in order. The host's processes and its warden go on. */
  pause(forMs: number): void {
    // Longer while it lasts would let what came later overtake.
    if (this.#pausedUntilMs > this.#world.timeline.nowMs) return;
    this.#pausedUntilMs = this.#world.timeline.nowMs + forMs;
    if (this.#stream) this.#world.network.fallSilent(this.#stream, forMs);
  }

  receive(stream: Stream, message: CoordinatorMessage): void {
    this.#whenAwake(() => this.#take(stream, message));
  }

  closed(stream: Stream): void {
    this.#whenAwake(() => {
      if (stream === this.#stream) this.#leave();
    });
  }

  #take(stream: Stream, message: CoordinatorMessage): void {
    if (stream !== this.#stream && !this.#world.plant.anyStream) return;
    this.#world.trace.note(this.#host.name, `got-${message.kind}`, fenceOf(message));
    if (message.kind === "welcome") this.#session = message.welcome.session;
    this.apply({ kind: "message", message, helloSentMs: this.#helloSentMs });
    if (message.kind === "refused") this.#leave();
  }

  #leave(): void {
    if (this.#stream) this.#world.network.closeFromAgent(this.#stream, false);
    this.#stream = undefined;
    this.#session = undefined;
    this.apply({ kind: "disconnected" });
    this.#later(this.#prng.between(50, RECONNECT_MAX_MS), () => this.#connect());
  }

  #connect(): void {
    const stream = this.#world.network.open(this.#host.index, this, this.#dial);
    if (!stream) return this.#later(this.#prng.between(50, RECONNECT_MAX_MS), () => this.#connect());
    this.#stream = stream;
    this.#helloSentMs = this.#host.uptimeMs;
    this.#world.network.sendUp(stream, { kind: "hello", hello: this.#hello() });
  }

  #hello(): Hello {
    const { state } = this;
    return {
      agentId: state.agentId,
      name: nodeName(this.#host.name),
      machineId: `machine-${this.#host.name}`,
      bootId: state.bootId,
      incarnation: this.#incarnation,
      seq: ++this.#hellos,
      version: "sim",
      protocol: PROTOCOL_VERSION,
      labels: this.#host.labels,
      host: this.#host.facts,
      maxFenceSeen: state.maxFenceSeen,
      storeId: state.storeId,
      term: state.term,
      devices: state.devices,
      attempts: reportAttempts(state),
      draining: state.draining,
    };
  }

  /** As `recover` of agent/attempts.ts: the lease file is what the warden goes by. */
  #recover(): void {
    for (const [fence, attempt] of this.#state.attempts) {
      if (!isHolding(attempt.phase)) {
        if (attempt.phase === "acked") this.#act({ kind: "await-stored", fence });
        continue;
      }
      const leaseDeadlineMs = this.#host.dirs.get(fence)?.leaseDeadlineMs;
      if (leaseDeadlineMs !== undefined) {
        this.#state.attempts.set(fence, { ...attempt, leaseDeadlineMs, writtenDeadlineMs: leaseDeadlineMs });
      }
      this.apply({ kind: "found", fence, found: this.#host.inspect(fence, attempt.bootId) });
    }
  }

  #flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    const { plant, timeline, checks } = this.#world;
    const now: Now = { uptimeMs: this.#host.uptimeMs, wallMs: Math.floor(timeline.nowMs) };
    const changes: AgentChange[] = [];
    const commands: AgentCommand[] = [];
    for (const event of events) {
      const reaction = (plant.agentReact ?? react)(this.#state, event, now);
      for (const change of reaction.changes) applyChange(this.#state, change);
      applyVolatile(this.#state, event, reaction.commands, now);
      changes.push(...reaction.changes);
      commands.push(...reaction.commands);
      checks.onAgentDecided(event, () => (plant.agentReact ?? react)(this.#state, event, now));
    }
    const durable = changes.some(({ kind }) => kind !== "lease-renewed" && kind !== "looked");
    if (plant.actFirst && !this.#actAll(commands)) return;
    if (durable && this.#crashHere()) return;
    this.#journal.write(changes);
    if (durable && this.#crashHere()) return;
    if (!plant.actFirst) this.#actAll(commands);
  }

  /** False when it was killed on the way. */
  #actAll(commands: readonly AgentCommand[]): boolean {
    for (const command of commands) {
      this.#act(command);
      if (command.kind !== "send" && this.#crashHere()) return false;
    }
    return true;
  }

  #act(command: AgentCommand): void {
    const { network, trace } = this.#world;
    switch (command.kind) {
      case "send":
        if (!this.#stream || this.#session === undefined) return;
        return network.sendUp(this.#stream, command.message);
      case "start":
        return this.#start(command);
      case "signal":
        trace.note(this.#host.name, `signal-${command.signal}`, command.fence, () => command.cause);
        return this.#host.signal(command.fence, command.signal, command.cause);
      case "clean":
        return this.#clean(command.fence);
      case "write-lease":
        return this.#host.writeLease(command.fence, command.deadlineMs);
      case "await-stored":
        return this.#later(this.#prng.between(1, 500), () => this.apply({ kind: "stored", fence: command.fence }));
      case "remove":
        this.#host.dirs.delete(command.fence);
        return;
      case "adopt":
      case "watermarks":
      case "bus":
      case "refused":
        return;
      default:
        unreachable(command);
    }
  }

  #start({ assignment, leaseDeadlineMs }: Extract<AgentCommand, { kind: "start" }>): void {
    const { fence } = assignment;
    if (this.#prng.chance(this.#world.faulty ? this.#world.plan.notSpawned : 0)) {
      return this.apply({ kind: "not-spawned", fence, reason: "start_failed", detail: "as drawn" });
    }
    if (this.#host.dirs.has(fence)) {
      return this.apply({ kind: "not-spawned", fence, reason: "start_failed", detail: "its directory exists" });
    }
    this.apply({ kind: "spawned", fence, process: this.#host.spawn(assignment, leaseDeadlineMs) });
  }

  #clean(fence: Fence): void {
    const done = (): void => {
      const uuids = this.#state.attempts.get(fence)?.assignment.devices ?? [];
      const isUnclean = this.#world.faulty && this.#prng.chance(this.#world.plan.uncleanEnd);
      const unclean = isUnclean ? this.#host.devices.filter((device) => uuids.includes(device.uuid)) : [];
      this.apply({
        kind: "cleaned",
        fence,
        finalSizes: {},
        unclean: unclean.map((device) => ({ ...device, health: "dirty", reason: "memory is not back" })),
        causes: this.#causesOf(fence),
      });
      // The next look at the devices finds them clean again.
      if (isUnclean) this.#later(this.#prng.between(100, 10_000), () => this.#lookAtDevices());
    };
    if (!this.#world.plant.cleanUnseen) return this.#host.clean(fence, () => this.alive && done());
    done();
    this.#later(2_000, () => this.#host.clean(fence, () => {}));
  }

  /** As agent/activity.ts: only a failure by the program's own fault shows why. */
  #causesOf(fence: Fence): readonly string[] {
    const attempt = this.#state.attempts.get(fence);
    const outcome = attempt?.finish?.outcome;
    return attempt && outcome && isOwnFailure(outcome) ? this.#world.programOf(attempt.assignment.runId).causes : [];
  }

  #lookAtActivity(): void {
    for (const [fence, { assignment, phase }] of this.#state.attempts) {
      if (phase !== "running" || assignment.idleLimitMs === 0) continue;
      this.apply({ kind: "activity", fence, bytes: this.#host.bytesOf(fence) });
    }
  }

  #lookAtDevices(): void {
    this.apply({ kind: "devices", devices: this.#host.devices });
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

function fenceOf(message: CoordinatorMessage): number {
  if (message.kind === "assign") return message.assignment.fence;
  if (message.kind === "heartbeat-ack") return message.seq;
  if (message.kind === "welcome") return message.welcome.session;
  return "fence" in message ? message.fence : 0;
}
