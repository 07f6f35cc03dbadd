/**
 * Reads what a program printed for metrics and progress, from an offset of its own and never from the program: the output
 * is a file. Work is bounded: of a flood it reads the end, and of too many lines with metrics it takes some. How much it
 * passed over is counted.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { systemCode } from "../../shared/kernel/errors.ts";
import { endOfLines, segmentsOf, startOfNextLine } from "./line-scan.ts";
import { LINE_BYTES_MAX, type LineContent, type LineReader } from "./parse/line.ts";

/** What one line held. */
export interface Found extends LineContent {
  /** Offset behind the line. */
  readonly end: number;
}

export interface PassedOver {
  readonly lines: number;
  readonly bytes: number;
}

const PORTION_BYTES = 1024 * 1024;
/** Of more than this the start is passed over. */
const LAG_BYTES_MAX = 64 * 1024 * 1024;
/** Lines with metrics that are read at once, and then each second. */
const LINES_BURST = 20_000;
const LINES_PER_SECOND = 2_000;
/** One for all readers: they read one after the other. */
const portion = Buffer.allocUnsafeSlow(PORTION_BYTES);

export class OutputReader {
  readonly #path: string;
  readonly #lines: LineReader;
  #offset: number;
  /** In the middle of a line that is of no use. */
  #passing: boolean;
  #tokens = LINES_BURST;
  #tokensAtMs: number;
  #passed = { lines: 0, bytes: 0 };

  constructor(path: string, lines: LineReader, from: { offset: number; passing: boolean }, nowMs: number) {
    this.#path = path;
    this.#lines = lines;
    this.#offset = from.offset;
    this.#passing = from.passing;
    this.#tokensAtMs = nowMs;
  }

  /** Of the first byte that is not read. */
  get offset(): number {
    return this.#offset;
  }

  get passing(): boolean {
    return this.#passing;
  }

  /** What was passed over since the last call. */
  takePassed(): PassedOver | undefined {
    const passed = this.#passed;
    if (passed.lines === 0 && passed.bytes === 0) return undefined;
    this.#passed = { lines: 0, bytes: 0 };
    return passed;
  }

  /**
   * Reads on, at most about `bytesMax`. `last`: nothing more comes, so that a line without its end counts. Throws the
   * system's error. Gives the bytes that were read.
   */
  read(bytesMax: number, last: boolean, nowMs: number, visit: (found: Found) => void): number {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= this.#offset) {
      // The program cut its own output off.
      if (size < this.#offset) this.#jump(size, false);
      return 0;
    }
    this.#earn(nowMs);
    if (size - this.#offset > LAG_BYTES_MAX) {
      const to = size - PORTION_BYTES;
      this.#passed.bytes += to - this.#offset;
      this.#jump(to, true);
    }
    return this.#readTo(size, bytesMax, last, visit);
  }

  #readTo(size: number, bytesMax: number, last: boolean, visit: (found: Found) => void): number {
    const file = open(this.#path);
    if (file === undefined) return 0;
    let read = 0;
    try {
      while (this.#offset < size && read < bytesMax) {
        const count = readSync(file, portion, 0, PORTION_BYTES, this.#offset);
        if (count === 0) break;
        read += count;
        const taken = this.#take(portion.subarray(0, count), last && this.#offset + count >= size, visit);
        if (taken === 0) break;
      }
      return read;
    } finally {
      closeSync(file);
    }
  }

  /** Bytes that are done with; what is left is the beginning of a line. */
  #take(data: Buffer, last: boolean, visit: (found: Found) => void): number {
    const base = this.#offset;
    let start = 0;
    if (this.#passing) {
      start = startOfNextLine(data);
      if (start === 0) return this.#jump(base + data.length, true);
      this.#passing = false;
    }
    const end = last ? data.length : Math.max(start, endOfLines(data));
    this.#visitLines(data.subarray(start, end), base + start, visit);
    const rest = data.length - end;
    if (rest > LINE_BYTES_MAX) return this.#jump(base + data.length, true);
    this.#offset = base + end;
    return end;
  }

  #visitLines(data: Buffer, base: number, visit: (found: Found) => void): void {
    const { readsAllLines, readsTables, readsBars } = this.#lines;
    const scan = { allLines: readsAllLines, tables: readsTables, bars: readsBars };
    for (const { start, end, next } of segmentsOf(data, scan)) {
      if (this.#tokens < 1) {
        this.#passed.lines += 1;
        continue;
      }
      this.#tokens -= 1;
      const content = this.#lines.read(data.toString("utf8", start, end));
      if (content.point || content.progress) visit({ ...content, end: base + next });
    }
  }

  #earn(nowMs: number): void {
    const earned = ((nowMs - this.#tokensAtMs) * LINES_PER_SECOND) / 1000;
    this.#tokens = Math.min(LINES_BURST, this.#tokens + earned);
    this.#tokensAtMs = nowMs;
  }

  #jump(to: number, passing: boolean): number {
    const from = this.#offset;
    this.#offset = to;
    this.#passing = passing;
    return to - from;
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
