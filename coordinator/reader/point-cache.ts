/**
 * Points of runs as columns of numbers, read from the stored client streams and kept as long as they fit. A stream that grew
 * is read on from where the last look ended.
 */
import { type FileHandle, open } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemCode } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { numericCells, parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX, METRIC_KEYS_MAX } from "../../shared/run/limits.ts";

/** Numbers that are added to at the end. */
export class GrowingNumbers {
  #values = new Float64Array(64);
  length = 0;

  get bytes(): number {
    return this.#values.byteLength;
  }

  /** Those that there are; valid until the next one is added. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.length);
  }

  add(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }
}

/** One metric, in the order in which it was logged. */
export class Points {
  readonly steps = new GrowingNumbers();
  /** Unix ms. */
  readonly times = new GrowingNumbers();
  /** NaN and infinities included. */
  readonly values = new GrowingNumbers();

  get bytes(): number {
    return this.steps.bytes + this.times.bytes + this.values.bytes;
  }
}

export type PointColumns = ReadonlyMap<string, Points>;

/** Bytes of all that is kept: ten million points. */
const BYTES_MAX = 256 * 1024 * 1024;
const PORTION_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** Columns of EXP scripts that count steps, in the order in which they are looked for. */
const STEP_COLUMNS = ["step", "global_step", "iteration", "iter", "epoch"];

export class PointCache {
  readonly #streams = new Map<Fence, StreamPoints>();

  /** The points in the first `end` bytes of the file; none where there is no such file. */
  async read(fence: Fence, path: string, end: number): Promise<PointColumns> {
    let stream = this.#streams.get(fence);
    if (!stream) stream = new StreamPoints(path);
    this.#streams.delete(fence);
    this.#streams.set(fence, stream);
    const columns = await stream.readTo(end);
    this.#trim(stream);
    return columns;
  }

  #trim(keep: StreamPoints): void {
    let bytes = 0;
    for (const stream of this.#streams.values()) bytes += stream.bytes;
    for (const [fence, stream] of this.#streams) {
      if (bytes <= BYTES_MAX) return;
      if (stream === keep) continue;
      bytes -= stream.bytes;
      this.#streams.delete(fence);
    }
  }
}

class StreamPoints {
  readonly #path: string;
  readonly #columns = new Map<string, Points>();
  /** Start of the first line that is not read. */
  #offset = 0;
  /** Whether that is in the middle of a line which is too long. */
  #passing = false;
  #lastTime = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  get bytes(): number {
    let bytes = 0;
    for (const points of this.#columns.values()) bytes += points.bytes;
    return bytes;
  }

  /** Those who ask at the same time read once. */
  async readTo(end: number): Promise<PointColumns> {
    const reading = this.#reading.then(() => this.#readOn(end));
    this.#reading = reading.catch(() => undefined);
    await reading;
    return this.#columns;
  }

  async #readOn(end: number): Promise<void> {
    if (this.#offset >= end) return;
    let file: FileHandle;
    try {
      file = await open(this.#path, "r");
    } catch (error) {
      if (systemCode(error) === "ENOENT") return;
      throw error;
    }
    try {
      const buffer = Buffer.allocUnsafe(PORTION_BYTES);
      while (this.#offset < end) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(PORTION_BYTES, end - this.#offset), this.#offset);
        if (bytesRead === 0 || !this.#take(buffer.subarray(0, bytesRead))) return;
        // Others are answered between two portions.
        await nextTurn();
      }
    } finally {
      await file.close();
    }
  }

  /** Reads the whole lines of a portion; false where the last line is not there whole yet. */
  #take(data: Buffer): boolean {
    let start = 0;
    if (this.#passing) {
      start = data.indexOf(NEWLINE) + 1;
      this.#offset += start === 0 ? data.length : start;
      if (start === 0) return true;
      this.#passing = false;
    }
    const end = data.lastIndexOf(NEWLINE) + 1;
    if (end > start) {
      for (const line of data.toString("utf8", start, end - 1).split("\n")) this.#addLine(line);
      this.#offset += end - start;
      return true;
    }
    if (data.length - start <= CLIENT_LINE_BYTES_MAX) return start > 0;
    this.#passing = true;
    this.#offset += data.length - start;
    return true;
  }

  #addLine(line: string): void {
    if (Buffer.byteLength(line) > CLIENT_LINE_BYTES_MAX) return;
    const event = parseClientLine(line);
    if (event?.kind !== "metric" && event?.kind !== "row" && event?.kind !== "system") return;
    if (event.at !== undefined) this.#lastTime = event.at * 1000;
    const values = event.kind === "row" ? numericCells(event) : event.values;
    const said = event.kind === "metric" ? event.step : event.kind === "row" ? stepOf(numericCells(event)) : undefined;
    for (const [key, value] of values) {
      if (typeof value === "number") this.#add(key, value, said);
    }
  }

  /** Without a step they are counted from 0 for each metric. */
  #add(key: string, value: number, step: number | undefined): void {
    let points = this.#columns.get(key);
    if (!points) {
      if (this.#columns.size >= METRIC_KEYS_MAX) return;
      points = new Points();
      this.#columns.set(key, points);
    }
    points.steps.add(step ?? points.steps.length);
    points.times.add(this.#lastTime);
    points.values.add(value);
  }
}

function stepOf(cells: ReadonlyMap<string, number>): number | undefined {
  const column = STEP_COLUMNS.find((name) => Number.isSafeInteger(cells.get(name)));
  return column === undefined ? undefined : cells.get(column);
}
