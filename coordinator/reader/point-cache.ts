/**
 * Points of runs as columns of numbers, read from the stored client streams and kept as long as they fit. A stream that grew
 * is read on from where the last look ended.
 */
import { type FileHandle, open } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemCode } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { type ClientEvent, numericCells, parseClientLine, stepOfCells } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX, METRIC_KEYS_MAX } from "../../shared/run/limits.ts";
import { MetricLines } from "./metric-lines.ts";
import { type PointColumn, readPoints, writePoints } from "./point-file.ts";

const LENGTH_MIN = 64;

/** Numbers that are added to at the end. */
class GrowingNumbers {
  #values: Float64Array;
  length: number;

  /** Begins with these, which are its own from now on. */
  constructor(values: Float64Array = new Float64Array(0)) {
    this.#values = values;
    this.length = values.length;
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  /** Those that there are; valid until the next one is added. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.length);
  }

  add(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(Math.max(LENGTH_MIN, this.length * 2));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }
}

/** One metric, in the order in which it was logged. */
export class Points {
  readonly steps: GrowingNumbers;
  /** Unix ms. */
  readonly times: GrowingNumbers;
  /** NaN and infinities included. */
  readonly values: GrowingNumbers;

  constructor(column?: PointColumn) {
    this.steps = new GrowingNumbers(column?.steps);
    this.times = new GrowingNumbers(column?.times);
    this.values = new GrowingNumbers(column?.values);
  }

  get bytes(): number {
    return this.steps.bytes + this.times.bytes + this.values.bytes;
  }
}

export type PointColumns = ReadonlyMap<string, Points>;

/** Bytes of all that is kept: ten million points. */
const BYTES_MAX = 256 * 1024 * 1024;
const PORTION_BYTES = 1024 * 1024;
const NEWLINE = 10;

export class PointCache {
  readonly #streams = new Map<Fence, StreamPoints>();

  /** The points in the first `end` bytes of the file; none where there is no such file. */
  async read(fence: Fence, path: string, end: number): Promise<PointColumns> {
    const stream = this.#streamOf(fence, path);
    const columns = await stream.readTo(end);
    this.#trim(stream);
    return columns;
  }

  /** Reads as far, and keeps what was read in a file, from which the next process goes on. Throws as the file system does. */
  async prepare(fence: Fence, path: string, end: number): Promise<void> {
    const stream = this.#streamOf(fence, path);
    await stream.readTo(end);
    await stream.keep();
    this.#trim(stream);
  }

  #streamOf(fence: Fence, path: string): StreamPoints {
    let stream = this.#streams.get(fence);
    if (!stream) stream = new StreamPoints(path);
    this.#streams.delete(fence);
    this.#streams.set(fence, stream);
    return stream;
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
  readonly #lines = new MetricLines<Points>();
  /** Start of the first line that is not read. */
  #offset = 0;
  /** Whether that is in the middle of a line which is too long. */
  #passing = false;
  #lastTime = 0;
  #reading: Promise<unknown> = Promise.resolve();
  #isNew = true;
  /** Offset up to which the file beside it has its points. */
  #kept = 0;

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
    await this.#inTurn(() => this.#readOn(end));
    return this.#columns;
  }

  async keep(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#offset === this.#kept) return;
      const columns = Array.from(this.#columns, ([key, { steps, times, values }]) => {
        return { key, steps: steps.values, times: times.values, values: values.values };
      });
      const read = { offset: this.#offset, passing: this.#passing, lastTime: this.#lastTime, columns };
      await writePoints(this.#path, read);
      this.#kept = this.#offset;
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#reading.then(work);
    this.#reading = done.catch(() => undefined);
    await done;
  }

  async #takeKept(end: number): Promise<void> {
    this.#isNew = false;
    const read = await readPoints(this.#path, end);
    if (!read) return;
    for (const column of read.columns) this.#addColumn(column.key, new Points(column));
    this.#offset = read.offset;
    this.#passing = read.passing;
    this.#lastTime = read.lastTime;
    this.#kept = read.offset;
  }

  async #readOn(end: number): Promise<void> {
    if (this.#isNew) await this.#takeKept(end);
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
      for (let from = start; from < end; ) {
        const to = data.indexOf(NEWLINE, from);
        this.#addLine(data, from, to);
        from = to + 1;
      }
      this.#offset += end - start;
      return true;
    }
    if (data.length - start <= CLIENT_LINE_BYTES_MAX) return start > 0;
    this.#passing = true;
    this.#offset += data.length - start;
    return true;
  }

  #addLine(data: Buffer, start: number, end: number): void {
    if (end - start > CLIENT_LINE_BYTES_MAX) return;
    const lines = this.#lines;
    if (!lines.read(data, start, end)) {
      this.#addEvent(parseClientLine(data.toString("utf8", start, end)));
      return;
    }
    if (!Number.isNaN(lines.at)) this.#lastTime = lines.at * 1000;
    const step = Number.isNaN(lines.step) ? undefined : lines.step;
    for (let i = 0; i < lines.count; i++) {
      addPoint(lines.columns[i] as Points, step, this.#lastTime, lines.values[i] as number);
    }
  }

  #addEvent(event: ClientEvent | undefined): void {
    if (event?.kind !== "metric" && event?.kind !== "row" && event?.kind !== "system") return;
    if (event.at !== undefined) this.#lastTime = event.at * 1000;
    const values = event.kind === "row" ? numericCells(event) : event.values;
    const said =
      event.kind === "metric" ? event.step : event.kind === "row" ? stepOfCells(numericCells(event)) : undefined;
    for (const [key, value] of values) {
      const points = typeof value === "number" ? this.#columnOf(key) : undefined;
      if (points) addPoint(points, said, this.#lastTime, value as number);
    }
  }

  /** Undefined where there are too many already. */
  #columnOf(key: string): Points | undefined {
    const known = this.#columns.get(key);
    if (known || this.#columns.size >= METRIC_KEYS_MAX) return known;
    return this.#addColumn(key, new Points());
  }

  #addColumn(key: string, points: Points): Points {
    this.#columns.set(key, points);
    this.#lines.know(key, points);
    return points;
  }
}

/** Without a step they are counted from 0 for each metric. */
function addPoint(points: Points, step: number | undefined, time: number, value: number): void {
  points.steps.add(step ?? points.steps.length);
  points.times.add(time);
  points.values.add(value);
}
