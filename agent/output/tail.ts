/**
 * Follows one plain file that another process appends to. Sizes come from stat by path, bytes from a descriptor opened at
 * the first read; nothing here ever writes to the file. Polling costs a fifth of the CPU of fs.watch under a flood; the
 * one timer that drives all tails is the output plane's.
 */
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
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
  #handle: FileHandle | undefined;
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
    const handle = await this.#open();
    if (!handle) return into.subarray(0, 0);
    let filled = 0;
    while (filled < into.length) {
      const { bytesRead } = await handle.read(into, filled, into.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    // The program may have put another file in the place of this one: look again at the next read.
    if (filled < into.length) await this.#closeHandle();
    return into.subarray(0, filled);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#closeHandle();
  }

  async #open(): Promise<FileHandle | undefined> {
    if (this.#handle || this.#closed) return this.#handle;
    try {
      const handle = await open(this.path, "r");
      if (this.#closed || this.#handle) await handle.close();
      else this.#handle = handle;
    } catch (error) {
      // A file that was removed meanwhile reads as empty.
      if (systemCode(error) !== "ENOENT") throw error;
    }
    return this.#handle;
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
