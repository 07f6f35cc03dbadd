/**
 * The points of an attempt from where they were read to the last time, a portion at a time: what a cursor says is enough to
 * go on, also in another process, and the same cursor gives the same points in the same order.
 */
import { open } from "node:fs/promises";
import { systemCode } from "../../shared/kernel/errors.ts";
import { type ClientEvent, parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";
import { PointReader } from "../results/metric-points.ts";

/** How far the stream of an attempt was read. */
export interface PointCursor {
  /** Start of the first line that was not read. */
  readonly offset: number;
  /** That is in the middle of a line which is too long to be one. */
  readonly inLine: boolean;
  /** For the next event that says no step. */
  readonly step: number;
  /** For the next event that says no time; Unix ms. */
  readonly at: number;
}

/** What was logged at one time. */
export interface CurvePoint {
  readonly step: number;
  /** Unix ms. */
  readonly at: number;
  /** By name, not empty where there are no texts; NaN and infinities included. */
  readonly values: ReadonlyMap<string, number>;
  /** Final values, as the program called them. */
  readonly isFinal: boolean;
  /** Of final values only. */
  readonly texts: ReadonlyMap<string, string>;
}

export interface Portion {
  readonly points: readonly CurvePoint[];
  readonly to: PointCursor;
}

const PORTION_BYTES = 512 * 1024;
const NEWLINE = 10;
const NO_TEXTS: ReadonlyMap<string, string> = new Map();

/** `startedAt` (Unix ms) is the time of events before the first one that says its own. */
export function firstCursor(startedAt: number): PointCursor {
  return { offset: 0, inLine: false, step: 0, at: startedAt };
}

/**
 * Points of whole lines between the cursor and `end`: up to `valuesMax` values, but one line at least. Where the cursor it
 * gives has not moved, there is nothing more for now.
 */
export async function readPortion(path: string, from: PointCursor, end: number, valuesMax: number): Promise<Portion> {
  const nothing: Portion = { points: [], to: from };
  if (from.offset >= end) return nothing;
  const bytes = await readBytes(path, from.offset, Math.min(PORTION_BYTES, end - from.offset));
  return bytes.length === 0 ? nothing : pointsIn(bytes, from, valuesMax);
}

function pointsIn(bytes: Buffer, from: PointCursor, valuesMax: number): Portion {
  let { inLine } = from;
  let start = 0;
  let values = 0;
  const reader = new PointReader(from.at, from.step);
  const points: CurvePoint[] = [];
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    const event =
      inLine || end - start > CLIENT_LINE_BYTES_MAX ? undefined : parseClientLine(bytes.toString("utf8", start, end));
    const size = sizeOf(event);
    if (points.length > 0 && values + size > valuesMax) break;
    const point = event && pointOf(reader, event);
    if (point) {
      points.push(point);
      values += size;
    }
    inLine = false;
    start = end + 1;
  }
  // What is longer than any line has no line's end in it.
  if (start === 0 && bytes.length > CLIENT_LINE_BYTES_MAX) {
    inLine = true;
    start = bytes.length;
  }
  return { points, to: { offset: from.offset + start, inLine, ...reader.defaults } };
}

function sizeOf(event: ClientEvent | undefined): number {
  if (event?.kind === "row") return event.cells.size;
  return event?.kind === "metric" || event?.kind === "summary" ? event.values.size : 0;
}

function pointOf(reader: PointReader, event: ClientEvent): CurvePoint | undefined {
  const point = reader.read(event);
  if (event.kind === "summary") {
    const { step, at } = reader.defaults;
    const values = new Map<string, number>();
    const texts = new Map<string, string>();
    for (const [key, value] of event.values) {
      if (typeof value === "number") values.set(key, value);
      else texts.set(key, value);
    }
    return { step: Math.max(0, step - 1), at, values, texts, isFinal: true };
  }
  if (!point || point.values.size === 0) return undefined;
  const prefix = event.kind === "metric" ? curvePrefix(event.context) : "";
  const values =
    prefix === "" ? point.values : new Map([...point.values].map(([key, value]) => [`${prefix}${key}`, value]));
  return { step: point.step, at: point.at, values, texts: NO_TEXTS, isFinal: false };
}

/** What sets apart the curves of one metric: `valid/`, `rank1/`. Those of training and of rank 0 go by their own names. */
function curvePrefix(context: ReadonlyMap<string, string>): string {
  const split = context.get("split") ?? "train";
  const rank = context.get("rank") ?? "0";
  return `${rank === "0" ? "" : `rank${rank}/`}${split === "train" ? "" : `${split}/`}`;
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
