/**
 * Reads a file of metrics that a program writes beside its output, as far as it has come: TensorBoard's event files by their
 * frames, CSV logs by their rows. What is not whole yet is waited for; a place in the file is a number that only grows.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { readFrames } from "../../shared/capture/tfevents.ts";
import { systemCode } from "../../shared/kernel/errors.ts";
import { parseCsv } from "../output/csv-rows.ts";
import { numberOf, type Point, pointOfValues } from "./parse/captured.ts";

export interface FilePoint extends Point {
  /** What `place` is once this point is taken. */
  readonly place: number;
}

export interface MetricFile {
  /** Further points, the oldest first. Throws the system's error. */
  read(): FilePoint[];
  /** Where the next `read` begins. */
  readonly place: number;
  /** What cannot be read, once; undefined where all is well. */
  takeProblem(): string | undefined;
}

const PORTION_BYTES = 1024 * 1024;
/** An image or a graph may be large; it is read to be passed over only up to this. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;
/** Read at one look. */
const LOOK_BYTES_MAX = 16 * 1024 * 1024;
const CSV_BYTES_MAX = 64 * 1024 * 1024;
const TAGS_PER_POINT_MAX = 100;

/** `prefix` goes before each tag: which of several writers it was. */
export function openEventFile(path: string, prefix: string, from: number): MetricFile {
  let place = from;
  let problem: string | undefined;
  let given = false;
  let stuck = false;
  let seenSize = -1;

  function read(): FilePoint[] {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (stuck || size === seenSize || size <= place) return [];
    const scalars: { tag: string; value: number; step: number; at: number; end: number }[] = [];
    const file = openSync(path, "r");
    try {
      let portion = PORTION_BYTES;
      for (let total = 0; total < LOOK_BYTES_MAX && place < size; ) {
        const buffer = Buffer.allocUnsafe(Math.min(portion, size - place));
        const count = readSync(file, buffer, 0, buffer.length, place);
        const frames = readFrames(buffer.subarray(0, count));
        for (const scalar of frames.scalars) scalars.push({ ...scalar, end: place + scalar.end });
        place += frames.consumed;
        total += frames.consumed;
        if (frames.damaged > 0) problem ??= `${path}: ${frames.damaged} records do not match their checksums`;
        if (frames.broken || frames.needed > FRAME_BYTES_MAX) {
          problem ??= `${path}: not readable from byte ${place} on`;
          stuck = true;
          break;
        }
        portion = PORTION_BYTES;
        if (frames.needed > count) portion = frames.needed;
        if (place + frames.needed > size || (frames.consumed === 0 && frames.needed <= count)) break;
      }
    } finally {
      closeSync(file);
    }
    seenSize = place >= size ? size : -1;
    return pointsOf(scalars, prefix);
  }

  return {
    read,
    get place() {
      return place;
    },
    takeProblem: () => {
      if (given || problem === undefined) return undefined;
      given = true;
      return problem;
    },
  };
}

/** Writers say one scalar at a time: those of a step that follow each other are one point. */
function pointsOf(
  scalars: readonly { tag: string; value: number; step: number; at: number; end: number }[],
  prefix: string,
): FilePoint[] {
  const points: FilePoint[] = [];
  let values = new Map<string, number>();
  for (const [i, { tag, value, step, at, end }] of scalars.entries()) {
    values.set(prefix + tag, value);
    const next = scalars[i + 1];
    if (next?.step === step && !values.has(prefix + next.tag) && values.size < TAGS_PER_POINT_MAX) continue;
    points.push({ step, at, values, place: end });
    values = new Map();
  }
  return points;
}

/** `bytesMax`: what is behind does not count. Its place is the number of rows that were taken. A header that grows keeps the rows in their order. */
export function openCsvFile(path: string, from: number, bytesMax = Number.POSITIVE_INFINITY): MetricFile {
  let rows = from;
  let header: readonly string[] | undefined;
  /** Bytes up to the end of the rows that were taken, while the header stays as it is. */
  let offset = 0;
  let headerText = "";
  let seen = "";
  let problem: string | undefined;
  let given = false;

  function read(): FilePoint[] {
    const status = statSync(path, { throwIfNoEntry: false });
    if (!status) return [];
    const now = `${status.size} ${status.mtimeMs}`;
    if (now === seen) return [];
    if (status.size > CSV_BYTES_MAX) {
      problem ??= `${path}: larger than ${CSV_BYTES_MAX / 2 ** 20} MiB, the rest is not read`;
      return [];
    }
    const goesOn = header !== undefined && status.size >= offset && readPart(path, 0, headerText.length) === headerText;
    const size = Math.min(status.size, bytesMax);
    const fresh = goesOn ? readRows(offset, size) : readWhole(size);
    seen = now;
    return fresh;
  }

  function readRows(start: number, size: number): FilePoint[] {
    const text = readPart(path, start, size - start);
    const part = parseCsv(text);
    offset = start + Buffer.byteLength(text.slice(0, part.length), "latin1");
    return part.rows.map(pointOf).filter((point) => point !== undefined);
  }

  function readWhole(size: number): FilePoint[] {
    const text = readPart(path, 0, size);
    const part = parseCsv(text);
    const [first, ...all] = part.rows;
    if (!first) return [];
    header = first.map((name) => Buffer.from(name, "latin1").toString("utf8").trim());
    headerText = text.slice(0, text.indexOf("\n") + 1);
    offset = part.length;
    // Fewer than before: it is being written anew, or it was, by a program that starts over.
    if (all.length < rows) rows = isRewritten(all.length) ? 0 : rows;
    return all
      .slice(rows)
      .map(pointOf)
      .filter((point) => point !== undefined);
  }

  let shorter = 0;
  /** True at the second look in a row that finds fewer rows than were taken. */
  function isRewritten(count: number): boolean {
    shorter += 1;
    header = undefined;
    seen = "";
    return shorter > 1 && count > 0;
  }

  function pointOf(cells: readonly string[]): FilePoint | undefined {
    rows += 1;
    shorter = 0;
    const values = new Map<string, number>();
    for (const [i, name] of (header ?? []).entries()) {
      const value = numberOf((cells[i] ?? "").trim());
      if (name !== "" && value !== undefined) values.set(name, value);
    }
    const point = pointOfValues(values, false);
    return point && { ...point, place: rows };
  }

  return {
    read,
    get place() {
      return rows;
    },
    takeProblem: () => {
      if (given || problem === undefined) return undefined;
      given = true;
      return problem;
    },
  };
}

/** As latin1, so that places in the text are places in the file. */
function readPart(path: string, start: number, length: number): string {
  if (length <= 0) return "";
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, length, start));
  } finally {
    closeSync(file);
  }
}
