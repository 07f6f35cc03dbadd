/**
 * The agent's side of the output: watches the stream files of every attempt, publishes them, and knows what is safely stored
 * at the coordinator. The files themselves are the spool; nothing is kept here but offsets and the publisher's window.
 *
 * While the bus is away, status records (few, small) also go over the control session; the offset makes that harmless.
 */
import { join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../shared/kernel/clock.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import type { BusAccess, OutputChunk, StreamOffset } from "../../shared/run/session.ts";
import { STREAM_NAMES, type StreamName } from "../../shared/subjects.ts";
import { Publisher } from "./publish.ts";
import { type Chunk, type Lane, Sender } from "./sender.ts";
import { StatusHandover } from "./status-handover.ts";
import { FIRST_LOOK_MS, fileNameOf, Tail } from "./tail.ts";
import { createCursor, isStored, noteEnd, noteStored, noteTime } from "./watermark.ts";

const TICK_MS_MIN = 20;
const TICK_MS_MAX = 250;
const STALL_MS = 10_000;
const STALL_MS_MAX = 120_000;
/** The bus may be away for so long before status records take the control session. */
const BUS_AWAY_MS = 5_000;
const WINDOW_BYTES = 2 * 1024 * 1024;
const WINDOW_MESSAGES = 1_024;

export interface OutputPlaneOptions {
  readonly agentId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Hands a chunk to the control session; false where there is none. */
  readonly sendOverSession: (chunk: OutputChunk) => boolean;
  /** Uniform in [0, 1); spreads reconnects. */
  readonly random?: () => number;
  /** Bytes and messages published and not acknowledged, for all attempts together: the bound of memory. */
  readonly windowBytes?: number;
  readonly windowMessages?: number;
  /** A watermark that stands still for so long, with bytes published, makes them be published again. */
  readonly stallMs?: number;
  readonly busAwayMs?: number;
}

export interface OutputStats {
  readonly busAvailable: boolean;
  /** Why the bus is away; empty where it is not. */
  readonly busProblem: string;
  readonly attempts: number;
  /** Bytes on this host that are not stored yet, as far as seen. */
  readonly bytesNotStored: number;
  readonly bytesOnTheWay: number;
}

export interface OutputPlane {
  /** Where the bus is. The same access again changes nothing; undefined: there is none. */
  setBus(access: BusAccess | undefined): void;
  /** Follows the streams in the attempt directory `dir`, which are stored up to `from` (absent: 0). */
  watch(fence: Fence, dir: string, from: ReadonlyMap<StreamName, number>): void;
  /** Looks at the streams of an attempt at once: something was just written. */
  nudge(fence: Fence): void;
  /**
   * To be called when the last process of the attempt is gone. Gives the final sizes; the rest goes out from here on
   * without any delay. Throws for an attempt that is not watched.
   */
  end(fence: Fence): Promise<Map<StreamName, number>>;
  applyWatermarks(offsets: readonly StreamOffset[], resend: boolean): void;
  /** True when the attempt has ended and all its streams are stored. */
  isStored(fence: Fence): boolean;
  /** Calls `listener` once for each attempt, when it has ended and is stored. Returns how to stop that. */
  onStored(listener: (fence: Fence) => void): () => void;
  /** Stops following an attempt and forgets it. */
  forget(fence: Fence): void;
  stats(): OutputStats;
  close(): Promise<void>;
}

interface Watched {
  readonly fence: Fence;
  readonly lanes: readonly Lane[];
  ended: boolean;
  announced: boolean;
}

export function createOutputPlane(options: OutputPlaneOptions): OutputPlane {
  const { clock, logger } = options;
  const stallMs = options.stallMs ?? STALL_MS;
  const busAwayMs = options.busAwayMs ?? BUS_AWAY_MS;
  const attempts = new Map<Fence, Watched>();
  const listeners = new Set<(fence: Fence) => void>();
  const sender = new Sender({ agentId: options.agentId, clock, logger });
  const handover = new StatusHandover({
    clock,
    againMs: stallMs,
    send: options.sendOverSession,
    complain: (lane, error) => sender.complain(lane, error),
  });
  let access: BusAccess | undefined;
  let publisher: Publisher<Chunk> | undefined;
  let publisherGone: Promise<void> = Promise.resolve();
  let wasAvailable = false;
  let awaySinceMs = clock.monotonicMs();
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = 0;
  let closed = false;

  function setBus(next: BusAccess | undefined): void {
    if (closed || JSON.stringify(next) === JSON.stringify(access)) return;
    access = next;
    const old = publisher;
    if (old) publisherGone = old.close();
    publisher = next && createPublisher(next);
    for (const { lanes } of attempts.values()) {
      for (const lane of lanes) for (const chunk of lane.chunks) chunk.onTheWay = false;
    }
    sender.setPublisher(publisher);
    wakeAll();
  }

  function createPublisher(to: BusAccess): Publisher<Chunk> {
    return new Publisher<Chunk>({
      agentId: options.agentId,
      access: to,
      clock,
      logger,
      random: options.random ?? Math.random,
      windowBytes: options.windowBytes ?? WINDOW_BYTES,
      windowMessages: options.windowMessages ?? WINDOW_MESSAGES,
      onAck: (chunk, repeat) => sender.onAck(chunk, repeat),
      onLost: (chunks) => sender.onLost(chunks),
      onRoom: () => sender.run(),
    });
  }

  function wakeAll(): void {
    for (const { lanes } of attempts.values()) for (const lane of lanes) sender.wake(lane);
  }

  function watch(fence: Fence, dir: string, from: ReadonlyMap<StreamName, number>): void {
    if (closed || attempts.has(fence)) return;
    const nowMs = clock.monotonicMs();
    const lanes = STREAM_NAMES.map((stream) => ({
      fence,
      stream,
      tail: new Tail(join(dir, fileNameOf(stream)), nowMs),
      cursor: createCursor(from.get(stream) ?? 0, nowMs),
      chunks: [],
      queued: false,
      closed: false,
      unreadable: false,
      overSession: undefined,
    }));
    attempts.set(fence, { fence, lanes, ended: false, announced: false });
    schedule(nowMs + FIRST_LOOK_MS);
  }

  function nudge(fence: Fence): void {
    for (const lane of attempts.get(fence)?.lanes ?? []) lane.tail.nudge();
    schedule(clock.monotonicMs());
  }

  async function end(fence: Fence): Promise<Map<StreamName, number>> {
    const attempt = attempts.get(fence);
    if (!attempt) throw new Error(`attempt ${fence} is not watched`);
    const sizes = new Map<StreamName, number>();
    const nowMs = clock.monotonicMs();
    for (const lane of attempt.lanes) {
      lane.tail.poll(nowMs);
      lane.tail.ended = true;
      sizes.set(lane.stream, noteEnd(lane.cursor, lane.tail.size));
      sender.wake(lane);
    }
    attempt.ended = true;
    // Not within this call: the listener may want to forget the attempt before its caller has the sizes.
    setImmediate(() => announce(attempt));
    return sizes;
  }

  function applyWatermarks(offsets: readonly StreamOffset[], resend: boolean): void {
    const nowMs = clock.monotonicMs();
    for (const { fence, stream, offset } of offsets) {
      const attempt = attempts.get(fence);
      const lane = attempt?.lanes.find((candidate) => candidate.stream === stream);
      if (!attempt || !lane) continue;
      if (noteStored(lane.cursor, offset, resend, nowMs)) sender.restart(lane);
      else sender.wake(lane);
      announce(attempt);
    }
  }

  function announce(attempt: Watched): void {
    if (closed || attempt.announced || attempts.get(attempt.fence) !== attempt || !stored(attempt)) return;
    attempt.announced = true;
    for (const listener of [...listeners]) listener(attempt.fence);
  }

  function forget(fence: Fence): void {
    const attempt = attempts.get(fence);
    attempts.delete(fence);
    for (const lane of attempt?.lanes ?? []) closeLane(lane);
  }

  function closeLane(lane: Lane): void {
    lane.closed = true;
    lane.tail.close();
  }

  /** Makes the one timer ring at `atMs`, or earlier where it already does. */
  function schedule(atMs: number): void {
    if (closed || attempts.size === 0) return;
    if (timer && timerAtMs <= atMs) return;
    clearTimeout(timer);
    timerAtMs = atMs;
    timer = setTimeout(tick, Math.max(0, atMs - clock.monotonicMs()));
  }

  function tick(): void {
    timer = undefined;
    const nowMs = clock.monotonicMs();
    publisher?.checkTime();
    const available = publisher?.available === true;
    if (available !== wasAvailable) noteAvailable(available, nowMs);
    let nextMs = nowMs + TICK_MS_MAX;
    for (const { lanes, ended } of attempts.values()) {
      for (const lane of lanes) {
        if (!ended) {
          if (lane.tail.nextPollMs <= nowMs) look(lane, nowMs);
          nextMs = Math.min(nextMs, lane.tail.nextPollMs);
        }
        if (available && noteTime(lane.cursor, stallMs, STALL_MS_MAX, nowMs)) noteStall(lane);
      }
    }
    if (!available && nowMs - awaySinceMs >= busAwayMs)
      handover.run([...attempts.values()].flatMap(({ lanes }) => lanes));
    schedule(Math.max(nextMs, nowMs + TICK_MS_MIN));
  }

  function look(lane: Lane, nowMs: number): void {
    try {
      lane.tail.poll(nowMs);
    } catch (error) {
      // Such as a directory without permission.
      sender.complain(lane, error);
      lane.tail.nextPollMs = nowMs + TICK_MS_MAX;
    }
    sender.wake(lane);
  }

  function noteAvailable(available: boolean, nowMs: number): void {
    wasAvailable = available;
    if (!available) awaySinceMs = publisher?.sinceMs ?? nowMs;
    // Time without the bus is no stall.
    else for (const { lanes } of attempts.values()) for (const lane of lanes) lane.cursor.progressAtMs = nowMs;
  }

  function noteStall(lane: Lane): void {
    logger.warn(
      { fence: lane.fence, stream: lane.stream, offset: lane.cursor.stored, stalls: lane.cursor.stalls },
      "output is not stored, sending again",
    );
    sender.restart(lane);
  }

  function stats(): OutputStats {
    let bytesNotStored = 0;
    for (const { lanes } of attempts.values()) {
      for (const { tail, cursor } of lanes) bytesNotStored += Math.max(0, tail.size - cursor.stored);
    }
    return {
      busAvailable: publisher?.available === true,
      busProblem: publisher ? publisher.problem : "no bus is known yet",
      attempts: attempts.size,
      bytesNotStored,
      bytesOnTheWay: publisher?.bytesOnTheWay ?? 0,
    };
  }

  async function close(): Promise<void> {
    closed = true;
    clearTimeout(timer);
    const watched = [...attempts.values()];
    attempts.clear();
    for (const { lanes } of watched) lanes.forEach(closeLane);
    await Promise.all([publisherGone, publisher?.close()]);
  }

  return {
    setBus,
    watch,
    nudge,
    end,
    applyWatermarks,
    isStored: (fence) => {
      const attempt = attempts.get(fence);
      return attempt !== undefined && stored(attempt);
    },
    onStored: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forget,
    stats,
    close,
  };
}

function stored({ ended, lanes }: Watched): boolean {
  return ended && lanes.every((lane) => isStored(lane.cursor));
}
