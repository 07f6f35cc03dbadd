/**
 * Keeps the last value and the bounds of each metric of an attempt while its "client" stream is stored, and what the program
 * says in words. Fed with the stored bytes in their order, it parses each complete line once; what it found is taken and
 * written in the transaction that commits the bytes.
 */
import { numericCells, parseClientLine } from "../../shared/run/client-event.ts";
import { type ClientWord, wordOf } from "../../shared/run/client-words.ts";
import { CLIENT_LINE_BYTES_MAX, METRIC_KEYS_MAX } from "../../shared/run/limits.ts";
import type { MetricBound, MetricLast } from "../store/outputs.ts";

const NEWLINE = 10;
/** UTF-8 bytes of one UTF-16 unit, at most. */
const BYTES_PER_UNIT_MAX = 3;
const TOO_MANY_NAMES = `more than ${METRIC_KEYS_MAX.toLocaleString("en")} metric names: values of further ones are in the stored stream and in metrics.jsonl only`;

interface Last {
  value: number | string;
  step: number | undefined;
  at: number | undefined;
  count: number;
  min: MetricBound | null;
  max: MetricBound | null;
}

export interface SummariserStart {
  /** Offset of the first byte it will be fed. */
  readonly parsed: number;
  /** True when that byte is in the middle of a line, the rest of which is passed over. */
  readonly midLine: boolean;
  /** Metrics that are known already. */
  readonly keys: Iterable<string>;
}

export class Summariser {
  #parsed: number;
  /** The line that is not complete yet. */
  #carry: Buffer = Buffer.alloc(0);
  #passing: boolean;
  readonly #keys: Set<string>;
  #lasts = new Map<string, Last>();
  #words: ClientWord[] = [];
  #refused = 0;

  constructor(start: SummariserStart) {
    this.#parsed = start.parsed;
    this.#passing = start.midLine;
    this.#keys = new Set(start.keys);
  }

  /** Start of the first line that is not summarised. */
  get parsed(): number {
    return this.#parsed;
  }

  /** Metric values left out because the attempt has too many names. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes the next bytes of the stream. */
  feed(bytes: Uint8Array): void {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    if (this.#passing) {
      start = data.indexOf(NEWLINE) + 1;
      this.#parsed += start === 0 ? data.length : start;
      if (start === 0) return;
      this.#passing = false;
    }
    const end = data.lastIndexOf(NEWLINE) + 1;
    if (end > start) {
      const lines = this.#join(data.subarray(start, end));
      this.#carry = Buffer.alloc(0);
      this.#parsed += lines.length;
      this.#parse(lines);
      start = end;
    }
    // A copy: the bytes belong to a message that should not be kept for the sake of its last line.
    if (start < data.length) this.#carry = Buffer.from(this.#join(data.subarray(start)));
    if (this.#carry.length > CLIENT_LINE_BYTES_MAX) {
      this.#parsed += this.#carry.length;
      this.#carry = Buffer.alloc(0);
      this.#passing = true;
    }
  }

  /** What changed since the last call. */
  take(): MetricLast[] {
    const changed = [...this.#lasts].map(([key, last]) => toStored(key, last));
    this.#lasts = new Map();
    return changed;
  }

  /** Tags, notes, warnings and rows for elsewhere since the last call, in order. */
  takeWords(): ClientWord[] {
    const words = this.#words;
    this.#words = [];
    return words;
  }

  #join(data: Buffer): Buffer {
    return this.#carry.length === 0 ? data : Buffer.concat([this.#carry, data]);
  }

  #parse(lines: Buffer): void {
    for (const line of lines.toString("utf8").split("\n")) {
      if (line.length > CLIENT_LINE_BYTES_MAX / BYTES_PER_UNIT_MAX && isTooLong(line)) continue;
      const event = parseClientLine(line);
      if (event?.kind === "row") {
        for (const [key, value] of numericCells(event)) this.#note(key, value, undefined, event.at);
        if (event.table) this.#words.push({ kind: "row", cells: [...event.cells], table: event.table });
      }
      if (event?.kind === "other") {
        const word = wordOf(event);
        if (word) this.#words.push(word);
      }
      if (event?.kind !== "metric" && event?.kind !== "summary" && event?.kind !== "system") continue;
      const step = event.kind === "metric" ? event.step : undefined;
      for (const [key, value] of event.values) this.#note(key, value, step, event.at);
    }
  }

  #note(key: string, value: number | string, step: number | undefined, at: number | undefined): void {
    const last = this.#lasts.get(key);
    if (last) {
      last.value = value;
      last.step = step ?? last.step;
      last.at = at ?? last.at;
      last.count += 1;
      widen(last, value, step);
      return;
    }
    if (!this.#keys.has(key)) {
      if (this.#keys.size >= METRIC_KEYS_MAX) {
        if (this.#refused === 0) this.#words.push({ kind: "warning", at, text: TOO_MANY_NAMES, once: true });
        this.#refused += 1;
        return;
      }
      this.#keys.add(key);
    }
    const first: Last = { value, step, at, count: 1, min: null, max: null };
    widen(first, value, step);
    this.#lasts.set(key, first);
  }
}

function isTooLong(line: string): boolean {
  return Buffer.byteLength(line) > CLIENT_LINE_BYTES_MAX;
}

/** The first of equal values stays the bound. */
function widen(last: Last, value: number | string, step: number | undefined): void {
  if (typeof value !== "number" || !Number.isFinite(value)) return;
  if (last.min === null || value < last.min.value) last.min = { value, step: step ?? null };
  if (last.max === null || value > last.max.value) last.max = { value, step: step ?? null };
}

function toStored(key: string, { value, step, at, count, min, max }: Last): MetricLast {
  const rest = { key, step: step ?? null, at: at ?? null, count, min, max };
  if (typeof value === "number" && Number.isFinite(value)) return { ...rest, value, text: null };
  return { ...rest, value: null, text: String(value) };
}
