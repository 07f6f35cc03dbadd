/**
 * Decides which bytes go out next: one chunk of each stream in turn, as long as the bus has room, so that a flood of one
 * attempt delays no other. Bytes are read when they are sent; on the way there is at most the publisher's window.
 */
import { crc32 } from "node:zlib";
import type { Logger } from "pino";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { OUTPUT_MESSAGE_BYTES_MAX } from "../../shared/run/limits.ts";
import { outputMessageId, outputSubject, type StreamName } from "../../shared/subjects.ts";
import { cutLength } from "./chunk.ts";
import type { Publisher } from "./publish.ts";
import type { Tail } from "./tail.ts";
import { type Cursor, maySend, noteSent } from "./watermark.ts";

/** A chunk that was published and not acknowledged. Sent again it has the same bounds, so the server knows it by its id. */
export interface Chunk {
  readonly lane: Lane;
  readonly offset: number;
  readonly length: number;
  withId: boolean;
  onTheWay: boolean;
  times: number;
}

/** One stream of one attempt. */
export interface Lane {
  readonly fence: Fence;
  readonly stream: StreamName;
  readonly tail: Tail;
  readonly cursor: Cursor;
  /** In the order of their offsets. */
  chunks: Chunk[];
  queued: boolean;
  closed: boolean;
  /** Its file could not be read the last time. */
  unreadable: boolean;
  /** Bytes below went over the control session and await their watermark. */
  overSession: { to: number; atMs: number } | undefined;
}

export interface SenderOptions {
  readonly agentId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Sender {
  readonly #options: SenderOptions;
  #publisher: Publisher<Chunk> | undefined;
  readonly #queue: Lane[] = [];
  /**
   * One for all reads: they are one at a time, and the bus client copies what it publishes before the next one can begin (and
   * should that ever change, the checksum tells).
   */
  readonly #scratch = Buffer.allocUnsafeSlow(OUTPUT_MESSAGE_BYTES_MAX);
  #running = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  setPublisher(publisher: Publisher<Chunk> | undefined): void {
    this.#publisher = publisher;
    this.run();
  }

  /** Puts a stream in the queue where it has something to send, and starts sending. */
  wake(lane: Lane): void {
    if (!lane.queued && !lane.closed && this.#hasWork(lane)) {
      lane.queued = true;
      this.#queue.push(lane);
    }
    this.run();
  }

  /** Forgets what is on the way: publishing of this stream has started again from its watermark. */
  restart(lane: Lane): void {
    lane.chunks = [];
    lane.tail.release();
    this.wake(lane);
  }

  onAck(chunk: Chunk, repeat: boolean): void {
    const { lane } = chunk;
    const at = lane.chunks.indexOf(chunk);
    if (at < 0) return;
    if (repeat && chunk.withId && chunk.times === 1) {
      // An earlier life of this agent used the id, maybe for fewer bytes: without it, the server takes the message.
      chunk.withId = false;
      chunk.onTheWay = false;
    } else {
      lane.chunks.splice(at, 1);
    }
    this.wake(lane);
  }

  onLost(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) chunk.onTheWay = false;
    for (const lane of new Set(chunks.map((chunk) => chunk.lane))) this.wake(lane);
  }

  /** Says once that the file of a stream cannot be read, until it can. */
  complain(lane: Lane, error: unknown): void {
    if (lane.unreadable) return;
    lane.unreadable = true;
    const { fence, stream } = lane;
    this.#options.logger.warn({ fence, stream, reason: errorMessage(error) }, "cannot read output");
  }

  run(): void {
    if (this.#running || this.#queue.length === 0 || !this.#publisher?.hasRoom()) return;
    this.#running = true;
    void this.#drain();
  }

  #room(length: number): Uint8Array {
    return this.#scratch.subarray(0, length);
  }

  #hasWork(lane: Lane): boolean {
    if (lane.chunks.some((chunk) => !chunk.onTheWay)) return true;
    return maySend(lane.cursor) && lane.tail.hasNews(lane.cursor.next, this.#options.clock.monotonicMs());
  }

  async #drain(): Promise<void> {
    while (this.#publisher?.hasRoom()) {
      const lane = this.#queue.shift();
      if (!lane) break;
      lane.queued = false;
      if (lane.closed) continue;
      try {
        await this.#sendOne(lane, this.#publisher);
      } catch (error) {
        // One unreadable file must not hold up the others; the next look at it tries again.
        this.#options.logger.warn(
          { fence: lane.fence, stream: lane.stream, reason: errorMessage(error) },
          "cannot read",
        );
        continue;
      }
      if (!lane.queued && !lane.closed && this.#hasWork(lane)) {
        lane.queued = true;
        this.#queue.push(lane);
      }
    }
    // In the same turn as the last look at the queue, so that no call of run in between is lost.
    this.#running = false;
  }

  async #sendOne(lane: Lane, publisher: Publisher<Chunk>): Promise<void> {
    const { cursor } = lane;
    lane.chunks = lane.chunks.filter((chunk) => chunk.offset + chunk.length > cursor.stored);
    const again = lane.chunks.find((chunk) => !chunk.onTheWay);
    if (again) {
      const { chunks } = lane;
      const data = await lane.tail.read(again.offset, this.#room(again.length));
      if (lane.chunks === chunks && data.length === again.length) this.#publish(again, data, publisher);
      else if (data.length < again.length) this.#giveUp(lane, again);
      return;
    }
    await this.#sendNew(lane, publisher);
  }

  async #sendNew(lane: Lane, publisher: Publisher<Chunk>): Promise<void> {
    const { cursor, tail } = lane;
    const { clock } = this.#options;
    if (!maySend(cursor) || !tail.hasNews(cursor.next, clock.monotonicMs())) return;
    const { next, repeatBelow, probe } = cursor;
    const size = tail.size;
    const bytesMax = publisher.messageBytesMax;
    const bytes = await tail.read(next, this.#room(Math.min(bytesMax, size - next)));
    // A watermark, or forgetting, came in between.
    if (lane.closed || cursor.next !== next || cursor.probe !== probe) return;
    if (bytes.length === 0) return tail.noteSize(next);
    const nowMs = clock.monotonicMs();
    const length = cutLength(bytes, bytesMax, tail.flushes(nowMs));
    const reachedEnd = next + bytes.length === size && tail.size === size;
    if (length === 0) {
      if (reachedEnd) tail.hold(false, nowMs);
      return;
    }
    const chunk: Chunk = { lane, offset: next, length, withId: next >= repeatBelow, onTheWay: false, times: 0 };
    if (!this.#publish(chunk, length === bytes.length ? bytes : bytes.subarray(0, length), publisher)) return;
    lane.chunks.push(chunk);
    noteSent(cursor, length, nowMs);
    if (reachedEnd && length < bytes.length) tail.hold(true, nowMs);
    else tail.release();
  }

  #publish(chunk: Chunk, data: Uint8Array, publisher: Publisher<Chunk>): boolean {
    const { fence, stream } = chunk.lane;
    const address = { agent: this.#options.agentId, fence, stream };
    const id = chunk.withId ? outputMessageId(address, chunk.offset) : undefined;
    const sent = publisher.publish(
      { subject: outputSubject(address), id, offset: chunk.offset, crc: crc32(data), data },
      chunk,
    );
    if (!sent) return false;
    chunk.onTheWay = true;
    chunk.times += 1;
    return true;
  }

  /** The program cut off its file: bytes that were never stored are gone, and what is there now takes their offsets. */
  #giveUp(lane: Lane, chunk: Chunk): void {
    this.#options.logger.warn({ fence: lane.fence, stream: lane.stream, offset: chunk.offset }, "output file shrank");
    lane.chunks = lane.chunks.filter((other) => other.offset < chunk.offset);
    lane.cursor.next = Math.max(lane.cursor.stored, chunk.offset);
  }
}
