/**
 * Removes the directories of attempts that are done with: later, and a few at a time. A file system gives the place of a
 * deleted file back slowly (ext4 passes over inodes that were freed in the last minutes, one by one, at each create), so
 * removing a directory for each short run would make the next runs wait for it. Large ones go at once.
 */

export interface DiscardOptions {
  readonly remove: (dir: string) => Promise<void>;
  readonly monotonicMs: () => number;
  readonly onError: (dir: string, error: unknown) => void;
  readonly keepMs?: number;
}

export interface Discard {
  /** `bytes`: about what the directory holds. */
  add(dir: string, bytes: number): void;
  /** Leaves what is waiting to the next start. */
  close(): void;
}

const KEEP_MS = 10 * 60_000;
const TICK_MS = 1_000;
/** A directory has about ten files: this takes a small part of a second. */
const REMOVALS_PER_TICK = 50;
/** More than these do not wait: inodes are finite. */
const WAITING_MAX = 10_000;
const LARGE_BYTES = 4 * 1024 * 1024;

export function createDiscard(options: DiscardOptions): Discard {
  const keepMs = options.keepMs ?? KEEP_MS;
  const waiting: { dir: string; atMs: number }[] = [];
  const timer = setInterval(tick, TICK_MS);
  timer.unref();

  function tick(): void {
    const nowMs = options.monotonicMs();
    for (let i = 0; i < REMOVALS_PER_TICK; i++) {
      const oldest = waiting[0];
      if (!oldest || (nowMs - oldest.atMs < keepMs && waiting.length <= WAITING_MAX)) return;
      waiting.shift();
      removeNow(oldest.dir);
    }
  }

  function removeNow(dir: string): void {
    options.remove(dir).catch((error: unknown) => options.onError(dir, error));
  }

  return {
    add: (dir, bytes) => {
      if (bytes >= LARGE_BYTES) removeNow(dir);
      else waiting.push({ dir, atMs: options.monotonicMs() });
    },
    close: () => clearInterval(timer),
  };
}
