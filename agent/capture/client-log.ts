/**
 * The client stream of one attempt as capture uses it: what is captured is appended to it, whole lines at a time as the
 * program's own, and the names of the metrics that the program logs itself are read from it. Each captured line says its
 * source and how far that was read (`"src":"cap/…","o":…`), so an agent that starts again goes on behind the last one.
 */
import { closeSync, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { systemCode } from "../../shared/kernel/errors.ts";
import { numericCells, parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";

const OWN_PREFIX = '{"src":"cap/';
const MARK = /^\{"src":"cap\/([a-z0-9]{1,12})","o":(\d{1,16}),/;
const PORTION_BYTES = 256 * 1024;
/** Of the program's lines no more than this is read at a time: a name that is left out comes again. */
const LOOK_BYTES_MAX = 1024 * 1024;
const WRITE_BYTES_MAX = 64 * 1024;
const NAMES_MAX = 10_000;
const NEWLINE = 10;
/** Among the names of a program that tells its progress itself. No metric is called so. */
export const PROGRESS_NAME = "";

/** A captured line before it is written. `mark` is how far the source was read; absent for what has no source. */
export interface OwnLine {
  readonly source: string;
  readonly mark?: number;
  readonly body: { readonly [key: string]: unknown };
}

export class ClientLog {
  /** Metrics that the program logs itself. */
  readonly names: Set<string>;
  readonly #path: string;
  #scanned: number;
  #torn = false;

  constructor(path: string, from: { readonly scanned: number; readonly names: readonly string[] }) {
    this.#path = path;
    this.#scanned = from.scanned;
    this.names = new Set(from.names);
  }

  get scanned(): number {
    return this.#scanned;
  }

  /** Reads what an earlier agent did not note: the last mark of each source. Throws the system's error. */
  resume(): Map<string, number> {
    const marks = new Map<string, number>();
    this.#scan(Number.POSITIVE_INFINITY, marks);
    return marks;
  }

  /** Learns the names of the program's metrics from what is new. Throws the system's error. */
  look(): void {
    this.#scan(LOOK_BYTES_MAX, undefined);
  }

  /** How many of the lines are written whole, fewer where the disk is full, and their bytes. Throws other errors. */
  append(lines: readonly OwnLine[]): { readonly lines: number; readonly bytes: number } {
    const texts = lines.map(textOf);
    let total = 0;
    const file = openSync(this.#path, "a+", 0o600);
    try {
      if (!this.#torn) this.#torn = !endsInNewline(file);
      let done = 0;
      while (done < texts.length) {
        let text = this.#torn ? "\n" : "";
        let count = 0;
        while (done + count < texts.length && (count === 0 || text.length < WRITE_BYTES_MAX / 2))
          text += texts[done + count++] ?? "";
        const bytes = Buffer.from(text);
        const written = write(file, bytes);
        total += written;
        if (written < bytes.length) {
          const whole = wholeLines(bytes.subarray(0, written)) - (this.#torn && written > 0 ? 1 : 0);
          this.#torn = written > 0 ? bytes[written - 1] !== NEWLINE : this.#torn;
          return { lines: done + whole, bytes: total };
        }
        this.#torn = false;
        done += count;
      }
      return { lines: done, bytes: total };
    } finally {
      closeSync(file);
    }
  }

  #scan(bytesMax: number, marks: Map<string, number> | undefined): void {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= this.#scanned) return;
    const skips = size - this.#scanned > bytesMax;
    if (skips) this.#scanned = size - bytesMax;
    const file = openSync(this.#path, "r");
    const buffer = Buffer.allocUnsafe(PORTION_BYTES);
    try {
      let first = skips;
      while (this.#scanned < size) {
        const count = readSync(file, buffer, 0, PORTION_BYTES, this.#scanned);
        const data = buffer.subarray(0, count);
        const end = data.lastIndexOf(NEWLINE) + 1;
        if (end === 0) {
          if (count < PORTION_BYTES) return;
          // Longer than any line of an event.
          this.#scanned += count;
          first = true;
          continue;
        }
        const start = first ? data.indexOf(NEWLINE) + 1 : 0;
        first = false;
        this.#readLines(data.subarray(start, end), marks);
        this.#scanned += end;
      }
    } finally {
      closeSync(file);
    }
  }

  #readLines(data: Buffer, marks: Map<string, number> | undefined): void {
    for (let at = 0; at < data.length; ) {
      const end = data.indexOf(NEWLINE, at);
      const line = data.toString("utf8", at, end < 0 ? data.length : end);
      at = end < 0 ? data.length : end + 1;
      if (!line.startsWith(OWN_PREFIX)) {
        this.#noteNames(line);
        continue;
      }
      const mark = marks && MARK.exec(line);
      if (mark) marks.set(mark[1] ?? "", Number(mark[2]));
    }
  }

  #noteNames(line: string): void {
    if (this.names.size >= NAMES_MAX || line.length > CLIENT_LINE_BYTES_MAX) return;
    const event = parseClientLine(line);
    if (event?.kind === "progress") this.names.add(PROGRESS_NAME);
    const values = event?.kind === "row" ? numericCells(event) : event?.kind === "metric" ? event.values : undefined;
    for (const name of values?.keys() ?? []) this.names.add(name);
  }
}

function textOf({ source, mark, body }: OwnLine): string {
  const head = mark === undefined ? `${OWN_PREFIX}${source}",` : `${OWN_PREFIX}${source}","o":${mark},`;
  return `${head}${JSON.stringify(body).slice(1)}\n`;
}

/** The bytes that were written; what the disk had no room for is not. */
function write(file: number, bytes: Buffer): number {
  try {
    return writeSync(file, bytes);
  } catch (error) {
    if (["ENOSPC", "EDQUOT"].includes(systemCode(error) ?? "")) return 0;
    throw error;
  }
}

function wholeLines(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if (byte === NEWLINE) count += 1;
  return count;
}

function endsInNewline(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size === 0 || readSync(file, last, 0, 1, size - 1) === 0 || last[0] === NEWLINE;
}
