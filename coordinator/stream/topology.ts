/**
 * The stream that carries output and the one consumer that reads it. They hold nothing that is not also on the hosts, so
 * where they are missing (first start, server data lost) they are simply made again. Uses what nats-server 2.9 knows.
 *
 * Retention is by interest: what the coordinator has acknowledged is deleted at once. A full stream refuses new messages
 * instead of dropping old ones, and the agents then wait with their files.
 */
import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import type { Logger } from "pino";
import { AppError } from "../../shared/kernel/errors.ts";
import { OUTPUT_MESSAGE_BYTES_MAX } from "../../shared/run/limits.ts";
import { OUTPUT_CONSUMER, OUTPUT_STREAM, OUTPUT_SUBJECTS } from "../../shared/subjects.ts";

const STREAM_BYTES_MAX = 2 * 1024 ** 3;
/** Where the server has less room than asked for, half of it is tried, down to this. */
const STREAM_BYTES_MIN = 16 * 1024 ** 2;
const DUPLICATE_WINDOW_MS = 120_000;
const HEADER_BYTES_MAX = 4_096;
/** A batch takes milliseconds to store; a message that is not acknowledged by then was lost with a connection. */
const ACK_WAIT_MS = 30_000;
const ACK_PENDING_MAX = 4_096;
const INSUFFICIENT_STORAGE = 10_047;
/** Older servers let one account's user purge another's stream (CVE-2025-30215). */
const VERSION_WANTED = [2, 10, 27] as const;
const VERSION_MIN = [2, 9, 0] as const;

export interface TopologyOptions {
  readonly logger: Logger;
  /** Bytes the stream may hold. */
  readonly streamBytesMax?: number;
}

export interface Topology {
  readonly consumer: ConsumerInfo;
  /** True when the stream or the consumer had to be made: what was on its way is gone. */
  readonly recreated: boolean;
}

/** Makes the stream and the consumer where they are missing. Throws where the server refuses. */
export async function ensureTopology(manager: JetStreamManager, options: TopologyOptions): Promise<Topology> {
  const streamMade = await ensureStream(manager, options);
  const known = await orUndefined(manager.consumers.info(OUTPUT_STREAM, OUTPUT_CONSUMER));
  if (known) return { consumer: known, recreated: streamMade };
  const consumer = await manager.consumers.add(OUTPUT_STREAM, {
    durable_name: OUTPUT_CONSUMER,
    ack_policy: AckPolicy.All,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: ACK_PENDING_MAX,
  });
  return { consumer, recreated: true };
}

/** Throws AppError for a server that is too old to work with; gives a warning for one that is older than it should be. */
export function checkServerVersion(version: string): string | undefined {
  if (!isAtLeast(version, VERSION_MIN)) {
    throw new AppError("unavailable", `nats-server ${version} is too old`, {
      id: "bus.version",
      hint: `install ${VERSION_WANTED.join(".")} or later`,
    });
  }
  if (isAtLeast(version, VERSION_WANTED)) return undefined;
  return `nats-server ${version} has known security holes; use ${VERSION_WANTED.join(".")} or later beyond one machine`;
}

async function ensureStream(manager: JetStreamManager, options: TopologyOptions): Promise<boolean> {
  const known = await orUndefined(manager.streams.info(OUTPUT_STREAM));
  if (known) {
    if (known.config.retention === RetentionPolicy.Interest && known.config.discard === DiscardPolicy.New) return false;
    throw new AppError("conflict", `the stream ${OUTPUT_STREAM} on the NATS server is not ours`, {
      id: "bus.stream",
      hint: "give ExpFleet a NATS account of its own, or delete that stream",
    });
  }
  const wanted = options.streamBytesMax ?? STREAM_BYTES_MAX;
  for (let bytes = wanted; ; bytes = Math.floor(bytes / 2)) {
    try {
      await manager.streams.add({
        name: OUTPUT_STREAM,
        subjects: [OUTPUT_SUBJECTS],
        retention: RetentionPolicy.Interest,
        storage: StorageType.File,
        discard: DiscardPolicy.New,
        num_replicas: 1,
        max_bytes: bytes,
        max_msg_size: OUTPUT_MESSAGE_BYTES_MAX + HEADER_BYTES_MAX,
        duplicate_window: nanos(DUPLICATE_WINDOW_MS),
      });
      if (bytes < wanted) options.logger.warn({ wanted, bytes }, "the NATS server has little room for output");
      return true;
    } catch (error) {
      const small = error instanceof JetStreamApiError && error.code === INSUFFICIENT_STORAGE;
      if (!small || bytes / 2 < STREAM_BYTES_MIN) throw error;
    }
  }
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const missing: number[] = [JetStreamApiCodes.StreamNotFound, JetStreamApiCodes.ConsumerNotFound];
    if (error instanceof JetStreamApiError && missing.includes(error.code)) return undefined;
    throw error;
  }
}

function isAtLeast(version: string, minimum: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [i, wanted] of minimum.entries()) {
    const part = parts[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
