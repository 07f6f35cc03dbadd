/**
 * Has the points of long curves read while they come, so that the first look at a run of a million of them is as fast as the
 * next. Only streams that are long, or were asked for: short ones are read in no time.
 */
import type { Fence } from "../../shared/kernel/ids.ts";
import type { Feed } from "../feed.ts";
import type { Reader } from "./reader.ts";

export interface ReadAheadOptions {
  readonly feed: Feed;
  readonly reader: Reader;
  /** Bytes of a client stream that are vouched for. */
  readonly committed: (fence: Fence) => number;
  /** Its file; undefined where there is none (any more). */
  readonly pathOf: (fence: Fence) => string | undefined;
  readonly logger: { warn(fields: object, message: string): void };
  readonly everyMs?: number;
  /** Shorter streams are left alone. */
  readonly bytesMin?: number;
}

interface Watched {
  /** Bytes at the last look. */
  seen: number;
  /** Bytes that were read. */
  done: number;
}

const EVERY_MS = 5_000;
const BYTES_MIN = 4 * 1024 * 1024;
/** One that grows is read again when it is larger by this share: what is written of it stays in proportion. */
const GROWN = 0.25;
const WATCHED_MAX = 100_000;

export function createReadAhead(options: ReadAheadOptions): { close(): void } {
  const { feed, reader, committed, pathOf, logger, everyMs = EVERY_MS, bytesMin = BYTES_MIN } = options;
  const watched = new Map<Fence, Watched>();
  let closed = false;
  let busy = false;

  const unsubscribe = feed.subscribe(({ outputs }) => {
    for (const fence of outputs) {
      if (!watched.has(fence) && watched.size < WATCHED_MAX) watched.set(fence, { seen: 0, done: 0 });
    }
  });
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look().finally(() => {
      busy = false;
    });
  }, everyMs);
  timer.unref();

  async function look(): Promise<void> {
    for (const [fence, one] of [...watched]) {
      if (closed) return;
      const size = committed(fence);
      const rests = size === one.seen;
      one.seen = size;
      const isDue = size - one.done >= Math.max(bytesMin, one.done * GROWN) || (rests && size > one.done);
      if (size >= bytesMin && isDue) {
        await prepare(fence, size);
        one.done = size;
      } else if (rests) watched.delete(fence);
    }
  }

  async function prepare(fence: Fence, end: number): Promise<void> {
    const path = pathOf(fence);
    if (path === undefined) return;
    try {
      await reader.ask("prepare", { fence, path, end });
    } catch (error) {
      // It is read when somebody looks at it, only not as fast.
      if (!closed) logger.warn({ err: error, fence }, "points were not read ahead");
    }
  }

  return {
    close() {
      closed = true;
      unsubscribe();
      clearInterval(timer);
    },
  };
}
