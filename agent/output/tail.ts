/**
 * Follows one plain file that another process appends to. Sizes come from stat by path, bytes from a descriptor opened at
 * the first read; nothing here ever writes to the file. Polling costs a fifth of the CPU of fs.watch under a flood; the
 * one timer that drives all tails is the output plane's.
 */
import { closeSync, openSync, read, readSync, statSync } from "node:fs";
import { systemCode } from "../../shared/kernel/errors.ts";
import type { StreamName } from "../../shared/subjects.ts";

/** A run that is over before this has its status sent once, at its end. */
export const FIRST_LOOK_MS = 50;
const POLL_MS_MIN = 20;
const POLL_MS_MAX = 250;
const POLL_GROWTH = 1.5;
/** A line without its end is sent after the file was quiet for so long, … */
const PARTIAL_LINE_QUIET_MS = 200;
/** … or, where it never is, after this. */
const PARTIAL_LINE_MS_MAX = 1000;

/** Fewer bytes come from memory sooner than another thread could be asked for them. */
const SMALL_BYTES_MAX = 64 * 1024;

const FILE_NAMES: { readonly [stream in StreamName]: string } = {
  output: "output.log",
  client: "client.jsonl",
  status: "status.jsonl",
};

/** Name of a stream's file in the attempt directory. */
export function fileNameOf(stream: StreamName): string {
  return FILE_NAMES[stream];
}

export class Tail {
  readonly path: string;
  /** Bytes at the last look; 0 where there is no file. */
  size = 0;
  /** Set when the file grows no more: what is left goes out at once. */
  ended = false;
  /** Monotonic ms of the next look. */
  nextPollMs: number;
  #intervalMs = POLL_MS_MIN;
  #grewAtMs = 0;
  /** Size at which the last line was found incomplete, and since when. */
  #heldSize = -1;
  #heldSinceMs = 0;
  #file: number | undefined;
  #reading = false;
  #closed = false;

  constructor(path: string, nowMs: number) {
    this.path = path;
    this.nextPollMs = nowMs + FIRST_LOOK_MS;
  }

  /** Looks at the size and sets the time of the next look. Throws where the directory may not be read. */
  poll(nowMs: number): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > this.size) {
      this.#grewAtMs = nowMs;
      this.#intervalMs = POLL_MS_MIN;
    } else {
      this.#intervalMs = Math.min(POLL_MS_MAX, this.#intervalMs * POLL_GROWTH);
    }
    this.size = size;
    this.nextPollMs = nowMs + this.#intervalMs;
  }

  /** Notes that the file turned out to be shorter than at the last look. */
  noteSize(size: number): void {
    this.size = size;
  }

  /** Makes the next look come at once. */
  nudge(): void {
    this.#intervalMs = POLL_MS_MIN;
    this.nextPollMs = 0;
  }

  /** False while there is nothing beyond `offset` but the beginning of a line that may soon be complete. */
  hasNews(offset: number, nowMs: number): boolean {
    return this.size > offset && (this.size !== this.#heldSize || this.flushes(nowMs));
  }

  /** Whether an incomplete last line is sent too. */
  flushes(nowMs: number): boolean {
    if (this.ended || nowMs - this.#grewAtMs >= PARTIAL_LINE_QUIET_MS) return true;
    return this.#heldSize >= 0 && nowMs - this.#heldSinceMs >= PARTIAL_LINE_MS_MAX;
  }

  /** Notes that the file as it is now ends in an incomplete line. `fresh` when nothing of that line was held before. */
  hold(fresh: boolean, nowMs: number): void {
    if (fresh || this.#heldSize < 0) this.#heldSinceMs = nowMs;
    this.#heldSize = this.size;
  }

  /** Notes that everything up to the last look was sent. */
  release(): void {
    this.#heldSize = -1;
  }

  /** Fills `into` from `offset` on; gives the part that is filled, shorter or empty where the file is. */
  async read(offset: number, into: Uint8Array): Promise<Uint8Array> {
    const file = this.#open();
    if (file === undefined) return into.subarray(0, 0);
    let filled = 0;
    while (filled < into.length) {
      const left = into.length - filled;
      const count =
        left <= SMALL_BYTES_MAX
          ? readSync(file, into, filled, left, offset + filled)
          : await this.#readLarge(file, into, filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    // The program may have put another file in the place of this one: look again at the next read.
    if (filled < into.length) this.#closeFile();
    return into.subarray(0, filled);
  }

  close(): void {
    this.#closed = true;
    if (!this.#reading) this.#closeFile();
  }

  async #readLarge(file: number, into: Uint8Array, start: number, offset: number): Promise<number> {
    this.#reading = true;
    try {
      return await readAsync(file, into, start, into.length - start, offset);
    } finally {
      this.#reading = false;
      // A number that is closed under a read may be another file's when the read comes to it.
      if (this.#closed) this.#closeFile();
    }
  }

  #open(): number | undefined {
    if (this.#file !== undefined || this.#closed) return this.#file;
    try {
      this.#file = openSync(this.path, "r");
    } catch (error) {
      // A file that was removed meanwhile reads as empty.
      if (systemCode(error) !== "ENOENT") throw error;
    }
    return this.#file;
  }

  #closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Bytes that `fs.read` gave. */
function readAsync(file: number, into: Uint8Array, start: number, length: number, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, into, start, length, offset, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
