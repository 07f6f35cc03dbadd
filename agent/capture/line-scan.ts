/**
 * [P] Finds in bytes of output the lines that can hold metrics, at the speed of a search for a byte: nothing is made of the
 * others. A carriage return ends a line as a newline does, because a bar is drawn anew after one.
 */
import { LINE_BYTES_MAX } from "./parse/line.ts";

export interface Segment {
  /** Without its line end. */
  readonly start: number;
  readonly end: number;
  /** Behind its line end. */
  readonly next: number;
}

export interface ScanFor {
  /** Every line that is not empty. */
  readonly allLines: boolean;
  /** Lines that begin with a brace. */
  readonly tables: boolean;
  /** Lines that show a bar. */
  readonly bars: boolean;
}

const NEWLINE = 10;
const RETURN = 13;
const ESCAPE = 27;
const SPACE = 32;
const BRACE = 123;
const BARS = ["%|", "it ["];

/** Behind the last line end of `data`; 0 without one. */
export function endOfLines(data: Buffer): number {
  return Math.max(data.lastIndexOf(NEWLINE), data.lastIndexOf(RETURN)) + 1;
}

/** Behind the first line end of `data`; 0 without one. */
export function startOfNextLine(data: Buffer): number {
  const newline = data.indexOf(NEWLINE);
  const before = newline < 0 ? data : data.subarray(0, newline);
  const back = before.indexOf(RETURN);
  return (back < 0 ? newline : back) + 1;
}

/** The lines of `data` that are worth a look, in their order. `data` begins where a line does; the last may lack its end. */
export function* segmentsOf(data: Buffer, scan: ScanFor): Generator<Segment> {
  const newlines = new Finder(data, NEWLINE);
  const returns = new Finder(data, RETURN);
  const braces = scan.tables ? new Finder(data, BRACE) : undefined;
  const bars = scan.bars ? BARS.map((sign) => new Finder(data, sign)) : [];
  for (let at = 0; at < data.length; ) {
    const bar = Math.min(data.length, ...bars.map((finder) => finder.from(at)));
    const place = scan.allLines ? at : Math.min(bar, braces?.from(at) ?? data.length);
    if (place >= data.length) return;
    const end = Math.min(newlines.from(place), returns.from(place));
    const next = Math.min(data.length, end + 1);
    const floor = Math.max(at, place - LINE_BYTES_MAX);
    const start = floor + endOfLines(data.subarray(floor, place));
    const isWhole = start > floor || floor === at;
    const isWorth = scan.allLines || bar < end || begins(data, start, place);
    if (isWhole && isWorth && end > start && end - start <= LINE_BYTES_MAX) yield { start, end, next };
    at = next;
  }
}

/** Whether there are but blanks and escapes between the start of the line and its first brace. */
function begins(data: Buffer, start: number, brace: number): boolean {
  for (let i = start; i < brace; i++) {
    if (data[i] === ESCAPE) return true;
    if (data[i] !== SPACE) return false;
  }
  return true;
}

/** Where a sign is next; each byte is searched once, however often it is asked. */
class Finder {
  readonly #data: Buffer;
  readonly #sign: number | string;
  #at = -1;

  constructor(data: Buffer, sign: number | string) {
    this.#data = data;
    this.#sign = sign;
  }

  /** The length of the data where there is none. */
  from(place: number): number {
    if (this.#at < place) {
      const found = this.#data.indexOf(this.#sign, place);
      this.#at = found < 0 ? this.#data.length : found;
    }
    return this.#at;
  }
}
