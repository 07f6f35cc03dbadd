/**
 * Takes in the output of all agents, from the bus and (where an agent is cut off from it) from control sessions, and stores
 * it exactly once. One batch at a time: what comes in meanwhile is the next one, so that under load the cost of syncing files
 * and committing is shared by hundreds of messages.
 *
 * Order: write, sync, commit, then acknowledge and tell. A kill between any two of these costs a repeat, and a repeat
 * changes nothing.
 */
import type { Logger } from "pino";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import type { BusAccess, OutputChunk, StreamOffset } from "../../shared/run/session.ts";
import { CRC_HEADER, OFFSET_HEADER, parseOutputSubject } from "../../shared/subjects.ts";
import { type Feed, news } from "../feed.ts";
import type { Database } from "../store/database.ts";
import { createOutputStore } from "../store/outputs.ts";
import { AttemptTable, type StreamFiles } from "./attempt-streams.ts";
import { type BatchResult, type Range, storeBatch } from "./batch.ts";
import { OpenFiles } from "./open-files.ts";
import { type BusHealth, CANARY_SUBJECT, type Delivery, OutputConsumer } from "./output-consumer.ts";
import { type OnWatermarks, WatermarkNotices } from "./watermark-notices.ts";

/** A batch waits this long for company: what syncs and commits cost hardly depends on how much they are for. */
const LINGER_MS = 20;
/** It starts at once with so many messages, or bytes. */
const ENOUGH_MESSAGES = 64;
const ENOUGH_BYTES = 256 * 1024;
const BATCH_MESSAGES_MAX = 500;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Client bytes are parsed in one go, which holds up everything else. */
const BATCH_CLIENT_BYTES_MAX = 1024 * 1024;
/** Bytes that may wait here; above it nothing more is pulled. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Chunks from sessions are not pulled but pushed: above this they are dropped, and come again. */
const SESSION_WAITING_BYTES_MAX = 64 * 1024 * 1024;
const COMPLAINTS_MAX = 1_000;

export interface IngestOptions {
  readonly bus: BusAccess;
  readonly db: Database;
  /** Somebody sends the rows on that programs save for tables elsewhere. */
  readonly keepsRows?: boolean;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the output of an attempt belongs; undefined where there is no such attempt. */
  readonly locate: (fence: Fence) => StreamFiles | undefined;
  readonly onWatermarks: OnWatermarks;
  /** Called at most once: output cannot be made durable, and the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Uniform in [0, 1); spreads reconnects. */
  readonly random?: () => number;
  readonly streamBytesMax?: number;
}

export interface IngestStats {
  readonly batches: number;
  readonly messages: number;
  /** Stored bytes. */
  readonly bytes: number;
  readonly holes: number;
  /** Of unknown attempts, of the wrong agent, or damaged. */
  readonly dropped: number;
  /** Why bytes could not be stored the last time; empty where they could. */
  readonly problem: string;
}

export interface Ingest {
  /** Takes a chunk that came over the control session of `agentId`. */
  ingestChunk(agentId: string, chunk: OutputChunk): void;
  health(): BusHealth;
  stats(): IngestStats;
  /** Lets go of an attempt whose output is complete. */
  forget(fence: Fence): void;
  /** Finishes the batch at hand. */
  close(): Promise<void>;
}

interface Waiting {
  readonly range: Range | undefined;
  readonly bytes: number;
  /** Undefined for what did not come from the bus. */
  readonly delivery: Delivery | undefined;
}

export function createIngest(options: IngestOptions): Ingest {
  const { clock, logger, feed } = options;
  const store = createOutputStore(options.db, { keepsRows: options.keepsRows ?? false });
  const files = new OpenFiles();
  const table = new AttemptTable({ store, files, locate: options.locate });
  const notices = new WatermarkNotices(clock, options.onWatermarks);
  const complained = new Set<string>();
  const sealed = new Set<Fence>();
  const counts = { batches: 0, messages: 0, bytes: 0, holes: 0, dropped: 0, problem: "" };
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let ended = false;
  const consumer = new OutputConsumer({
    access: options.bus,
    clock,
    logger,
    random: options.random ?? Math.random,
    ...(options.streamBytesMax === undefined ? {} : { streamBytesMax: options.streamBytesMax }),
    onDelivery: (delivery) => add({ range: rangeOf(delivery), bytes: delivery.message.data.length, delivery }),
    hasRoom: () => waitingBytes < WAITING_BYTES_MAX,
    onLoss,
  });

  function add(item: Waiting): void {
    if (ended) return;
    waiting.push(item);
    waitingBytes += item.bytes;
    schedule();
  }

  function schedule(): void {
    if (working || ended || waiting.length === 0) return;
    if (waiting.length >= ENOUGH_MESSAGES || waitingBytes >= ENOUGH_BYTES) start();
    else timer ??= setTimeout(start, LINGER_MS);
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (working || ended || waiting.length === 0) return;
    working = work(take()).then(
      () => {
        working = undefined;
        consumer.resume();
        schedule();
      },
      (error: unknown) => {
        // Nothing is acknowledged from here on.
        ended = true;
        working = undefined;
        consumer.stop();
        options.onFatal(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  function take(): Waiting[] {
    let bytes = 0;
    let clientBytes = 0;
    let count = 0;
    for (const item of waiting) {
      bytes += item.bytes;
      if (item.range?.stream === "client") clientBytes += item.bytes;
      const full = bytes > BATCH_BYTES_MAX || clientBytes > BATCH_CLIENT_BYTES_MAX || count >= BATCH_MESSAGES_MAX;
      if (full && count > 0) break;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const item of batch) waitingBytes -= item.bytes;
    return batch;
  }

  async function work(batch: readonly Waiting[]): Promise<void> {
    const ranges: Range[] = [];
    for (const { range } of batch) if (range) ranges.push(range);
    const result = await storeBatch(ranges, { table, files, store, clock });
    acknowledge(batch);
    tell(result);
    counts.batches += 1;
    counts.messages += batch.length;
    for (const fence of sealed) await table.forget(fence);
    sealed.clear();
    table.trim();
    files.trim();
  }

  /** One acknowledgement stands for all messages before it. */
  function acknowledge(batch: readonly Waiting[]): void {
    let last: Delivery | undefined;
    for (const { delivery } of batch) {
      if (!delivery) continue;
      const later = !last || delivery.epoch > last.epoch || delivery.sequence > last.sequence;
      if (later) last = delivery;
    }
    if (last) consumer.ack(last);
  }

  function tell(result: BatchResult): void {
    counts.bytes += result.bytes;
    counts.holes += result.holes.length;
    counts.dropped += result.dropped.length;
    if (result.problem !== counts.problem) {
      counts.problem = result.problem;
      if (result.problem !== "") logger.error({ reason: result.problem }, "cannot store output");
    }
    for (const { range, reason } of result.dropped) complain(range, reason);
    for (const { fence, files: home } of result.crowded) {
      complain({ agentId: home.agentId, fence, stream: "client" }, "too many metric names");
    }
    for (const { attempt, stream } of result.told) notices.tell(attempt, stream);
    for (const { attempt, stream } of result.holes) notices.hint(attempt, stream);
    if (result.grown.size > 0) feed.publish(news({ outputs: result.grown, runs: result.worded }));
  }

  /** Says the same thing about the same attempt only once. */
  function complain({ agentId, fence, stream }: Omit<Range, "offset" | "crc" | "data">, reason: string): void {
    const about = `${reason} ${agentId} ${fence}`;
    if (complained.has(about) || complained.size >= COMPLAINTS_MAX) return;
    complained.add(about);
    logger.warn({ agentId, fence, stream, reason }, "output dropped");
  }

  /** The bus lost what was on its way: whoever has more than is stored sends it again. */
  function onLoss(): void {
    const byAgent = new Map<string, StreamOffset[]>();
    for (const offset of store.readOffsets()) {
      const agentId = options.locate(offset.fence)?.agentId;
      if (agentId === undefined) continue;
      const offsets = byAgent.get(agentId) ?? [];
      byAgent.set(agentId, offsets);
      offsets.push(offset);
    }
    for (const [agentId, offsets] of byAgent) notices.hintAll(agentId, offsets);
  }

  function rangeOf({ message }: Delivery): Range | undefined {
    const address = parseOutputSubject(message.subject);
    if (address) {
      const offset = numberIn(message.headers?.get(OFFSET_HEADER));
      const crc = numberIn(message.headers?.get(CRC_HEADER));
      const { agent: agentId, fence, stream } = address;
      // Without its headers it cannot be ours: NaN is refused as damaged.
      return { agentId, fence, stream, offset, crc, data: message.data };
    }
    if (message.subject !== CANARY_SUBJECT) {
      counts.dropped += 1;
      if (complained.size < COMPLAINTS_MAX && !complained.has(message.subject)) {
        complained.add(message.subject);
        logger.warn({ subject: message.subject }, "message with a foreign subject dropped");
      }
    }
    return undefined;
  }

  function ingestChunk(agentId: string, { fence, stream, offset, data }: OutputChunk): void {
    if (waitingBytes + data.length > SESSION_WAITING_BYTES_MAX) return;
    add({ range: { agentId, fence, stream, offset, crc: undefined, data }, bytes: data.length, delivery: undefined });
  }

  async function close(): Promise<void> {
    consumer.stop();
    clearTimeout(timer);
    ended = true;
    await working;
    notices.close();
    await consumer.close();
    files.closeAll();
  }

  return {
    ingestChunk,
    health: () => consumer.health(),
    stats: () => ({ ...counts }),
    forget: (fence) => {
      if (working) sealed.add(fence);
      else table.forget(fence).catch((error: unknown) => logger.warn({ reason: errorMessage(error) }, "cannot close"));
    },
    close,
  };
}

function numberIn(header: string | undefined): number {
  return header ? Number(header) : Number.NaN;
}
