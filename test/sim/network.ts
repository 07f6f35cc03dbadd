/**
 * The network: one ordered stream between an agent and the coordinator at a time, as gRPC gives it. A stream delivers in
 * order or breaks; its two ends learn of that at different moments, so the coordinator may still read from a stream that the
 * agent has left. A path that is cut in one direction holds what is sent on it, until it heals or the keepalive breaks the
 * stream. Frames never change streams.
 */
import type { AgentMessage, CoordinatorMessage } from "../../shared/run/session.ts";
import type { Prng } from "./prng.ts";
import type { Timeline } from "./timeline.ts";

type Way = "up" | "down";

/** The receiving end of one direction. */
export interface StreamEnd<Message> {
  receive(stream: Stream, message: Message): void;
  closed(stream: Stream): void;
}

export interface Stream {
  readonly id: number;
  readonly hostIndex: number;
  readonly sentAtMs: number;
  readonly agent: StreamEnd<CoordinatorMessage>;
  readonly coordinator: StreamEnd<AgentMessage>;
  agentOpen: boolean;
  coordinatorOpen: boolean;
  /** No frame of a direction arrives before an earlier one. */
  readonly lastAtMs: { up: number; down: number };
  /** What a cut path holds back. */
  readonly held: { up: AgentMessage[]; down: CoordinatorMessage[] };
}

export interface NetworkFaults {
  delayMaxMs: number;
  /** Share of agent frames that the coordinator gets twice. */
  duplicates: number;
}

/** gRPC's keepalive: a stream without answer for so long is broken by the end that notices. */
const KEEPALIVE_MS = 15_000;
/** An end that hears nothing of the break learns of it this late at most. */
const HALF_OPEN_MAX_MS = 20_000;

export class Network {
  readonly faults: NetworkFaults = { delayMaxMs: 5, duplicates: 0 };
  /** A coordinator lives and takes streams. */
  listening = false;
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #streams = new Set<Stream>();
  /** Cut directions, as "0 up". */
  readonly #cut = new Set<string>();
  #lastId = 0;

  constructor(timeline: Timeline, prng: Prng) {
    this.#timeline = timeline;
    this.#prng = prng;
  }

  /** Opens a stream; undefined where the paths do not allow it. */
  open(hostIndex: number, agent: Stream["agent"], coordinator: Stream["coordinator"]): Stream | undefined {
    if (!this.listening || this.#isCut(hostIndex, "up") || this.#isCut(hostIndex, "down")) return undefined;
    const stream: Stream = {
      id: ++this.#lastId,
      hostIndex,
      sentAtMs: this.#timeline.nowMs,
      agent,
      coordinator,
      agentOpen: true,
      coordinatorOpen: true,
      lastAtMs: { up: 0, down: 0 },
      held: { up: [], down: [] },
    };
    this.#streams.add(stream);
    return stream;
  }

  sendUp(stream: Stream, message: AgentMessage): void {
    if (!stream.agentOpen) return;
    if (this.#isCut(stream.hostIndex, "up")) stream.held.up.push(message);
    else this.#deliverUp(stream, message);
  }

  sendDown(stream: Stream, message: CoordinatorMessage): void {
    if (!stream.coordinatorOpen) return;
    if (this.#isCut(stream.hostIndex, "down")) stream.held.down.push(message);
    else this.#deliverDown(stream, message);
  }

  /** The agent leaves the stream. The coordinator reads on until it learns of it. */
  closeFromAgent(stream: Stream, quietly: boolean): void {
    if (!stream.agentOpen) return;
    stream.agentOpen = false;
    stream.held.up.length = 0;
    this.#timeline.after(this.#learnMs(quietly), () => this.#closeCoordinatorEnd(stream));
  }

  /** The agent answers no keepalive for a while: the coordinator leaves the stream when that lasts too long. */
  fallSilent(stream: Stream, forMs: number): void {
    if (forMs <= KEEPALIVE_MS) return;
    this.#timeline.after(KEEPALIVE_MS, () => this.#closeCoordinatorEnd(stream));
    this.#timeline.after(KEEPALIVE_MS, () => this.#closeAgentEnd(stream));
  }

  /** The coordinator dies: whatever it had open is over. */
  closeAllFromCoordinator(quietly: boolean): void {
    this.listening = false;
    for (const stream of this.#streams) this.closeFromCoordinator(stream, quietly);
  }

  /** The coordinator leaves the stream. The agent learns of it later, and has its held frames lost. */
  closeFromCoordinator(stream: Stream, quietly: boolean): void {
    if (!stream.coordinatorOpen) return;
    stream.coordinatorOpen = false;
    stream.held.down.length = 0;
    this.#timeline.after(this.#learnMs(quietly), () => this.#closeAgentEnd(stream));
  }

  /** Both ends lose the stream, each at its own time. */
  break(hostIndex: number): void {
    for (const stream of this.#streams) {
      if (stream.hostIndex !== hostIndex) continue;
      this.#timeline.after(this.#prng.between(0, 2_000), () => this.#closeAgentEnd(stream));
      this.#timeline.after(this.#prng.between(0, HALF_OPEN_MAX_MS), () => this.#closeCoordinatorEnd(stream));
    }
  }

  cut(hostIndex: number, ways: readonly Way[], forMs: number): void {
    for (const way of ways) this.#cut.add(`${hostIndex} ${way}`);
    this.#timeline.after(forMs, () => this.heal(hostIndex));
    this.#timeline.after(KEEPALIVE_MS + this.#prng.between(0, 5_000), () => {
      if (this.#isCut(hostIndex, "up") || this.#isCut(hostIndex, "down")) this.break(hostIndex);
    });
  }

  heal(hostIndex: number): void {
    this.#cut.delete(`${hostIndex} up`);
    this.#cut.delete(`${hostIndex} down`);
    for (const stream of this.#streams) {
      if (stream.hostIndex !== hostIndex) continue;
      for (const message of stream.held.up.splice(0)) this.#deliverUp(stream, message);
      for (const message of stream.held.down.splice(0)) this.#deliverDown(stream, message);
    }
  }

  #deliverUp(stream: Stream, message: AgentMessage): void {
    const atMs = this.#arrival(stream, "up");
    // The first message opens the stream: there is only one of it.
    const times = message.kind !== "hello" && this.#prng.chance(this.faults.duplicates) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      this.#timeline.after(atMs - this.#timeline.nowMs, () => {
        if (stream.coordinatorOpen) stream.coordinator.receive(stream, message);
      });
    }
  }

  /** Handed to the agent even when it has left: that it looks at nothing from an old stream is its own rule. */
  #deliverDown(stream: Stream, message: CoordinatorMessage): void {
    const atMs = this.#arrival(stream, "down");
    this.#timeline.after(atMs - this.#timeline.nowMs, () => stream.agent.receive(stream, message));
  }

  #arrival(stream: Stream, way: Way): number {
    const atMs = Math.max(stream.lastAtMs[way], this.#timeline.nowMs + this.#prng.between(1, this.faults.delayMaxMs));
    stream.lastAtMs[way] = atMs;
    return atMs;
  }

  #learnMs(quietly: boolean): number {
    return quietly ? this.#prng.between(1_000, HALF_OPEN_MAX_MS) : this.#prng.between(0, 50);
  }

  #closeAgentEnd(stream: Stream): void {
    if (!stream.agentOpen) return;
    stream.agentOpen = false;
    stream.held.up.length = 0;
    stream.agent.closed(stream);
    this.#forget(stream);
  }

  #closeCoordinatorEnd(stream: Stream): void {
    if (!stream.coordinatorOpen) return;
    stream.coordinatorOpen = false;
    stream.coordinator.closed(stream);
    this.#forget(stream);
  }

  #forget(stream: Stream): void {
    if (!stream.agentOpen && !stream.coordinatorOpen) this.#streams.delete(stream);
  }

  #isCut(hostIndex: number, way: Way): boolean {
    return this.#cut.has(`${hostIndex} ${way}`);
  }
}
