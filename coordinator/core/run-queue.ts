/**
 * Queued runs of one group in the order in which they are placed: larger priority, then earlier submission, then index.
 * Runs of one sweep and priority follow each other, so they are kept as segments: a large sweep is put in as a whole. A
 * segment is a sorted array with a moving head: taking the first and adding at the end, the two common moves, cost no
 * shifting.
 */
import type { RunId } from "../../shared/kernel/ids.ts";

export interface QueueEntry {
  readonly runId: RunId;
  readonly priority: number;
  readonly sweepSeq: number;
  readonly index: number;
}

/** A run within its segment. */
export interface QueuedRun {
  readonly id: RunId;
  readonly index: number;
}

interface Segment {
  readonly priority: number;
  readonly sweepSeq: number;
  runs: QueuedRun[];
  head: number;
}

type SegmentKey = Pick<Segment, "priority" | "sweepSeq">;

/** Slots before the head that may stay empty before the array is closed up. */
const SLACK_MAX = 1024;

export class RunQueue {
  /** None is empty. */
  readonly #segments: Segment[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The entry at `position` from the front; undefined past the end. */
  at(position: number): QueueEntry | undefined {
    let rest = position;
    for (const segment of this.#segments) {
      const length = segment.runs.length - segment.head;
      if (rest < length) return entryOf(segment, segment.runs[segment.head + rest] as QueuedRun);
      rest -= length;
    }
    return undefined;
  }

  add({ priority, sweepSeq, runId, index }: QueueEntry): void {
    const { runs, head } = this.#segmentFor({ priority, sweepSeq });
    const run = { id: runId, index };
    const last = runs.at(-1);
    if (!last || compareRuns(last, run) < 0) runs.push(run);
    else runs.splice(findRun(runs, head, run), 0, run);
    this.#size += 1;
  }

  /** As `add` for each of them, in one step. They are in order, none is in the queue, and the array becomes its own. */
  adopt(key: SegmentKey, runs: QueuedRun[]): void {
    if (runs.length === 0) return;
    const segment = this.#segmentFor(key);
    segment.runs = segment.runs.length === 0 ? runs : segment.runs.slice(segment.head).concat(runs).sort(compareRuns);
    segment.head = 0;
    this.#size += runs.length;
  }

  /** Removes the entry equal to this one in order; false when there is none. */
  remove(entry: QueueEntry): boolean {
    const at = this.#findSegment(entry);
    const segment = this.#segments[at];
    if (!segment || compareSegments(segment, entry) !== 0) return false;
    const run = { id: entry.runId, index: entry.index };
    const position = findRun(segment.runs, segment.head, run);
    const found = segment.runs[position];
    if (!found || compareRuns(found, run) !== 0) return false;
    if (position === segment.head) advance(segment);
    else segment.runs.splice(position, 1);
    if (segment.runs.length === segment.head) this.#segments.splice(at, 1);
    this.#size -= 1;
    return true;
  }

  /** The first `count` entries, or as many as there are. */
  first(count: number): QueueEntry[] {
    const found: QueueEntry[] = [];
    for (const entry of this) {
      if (found.length === count) break;
      found.push(entry);
    }
    return found;
  }

  *[Symbol.iterator](): Iterator<QueueEntry> {
    for (const segment of this.#segments) {
      for (let i = segment.head; i < segment.runs.length; i++) yield entryOf(segment, segment.runs[i] as QueuedRun);
    }
  }

  /** How many entries stand before this one. */
  rank(entry: QueueEntry): number {
    const at = this.#findSegment(entry);
    let rank = 0;
    for (const { runs, head } of this.#segments.slice(0, at)) rank += runs.length - head;
    const own = this.#segments[at];
    if (!own || compareSegments(own, entry) !== 0) return rank;
    return rank + findRun(own.runs, own.head, { id: entry.runId, index: entry.index }) - own.head;
  }

  #segmentFor(key: SegmentKey): Segment {
    const at = this.#findSegment(key);
    const known = this.#segments[at];
    if (known && compareSegments(known, key) === 0) return known;
    const segment: Segment = { priority: key.priority, sweepSeq: key.sweepSeq, runs: [], head: 0 };
    this.#segments.splice(at, 0, segment);
    return segment;
  }

  /** First position whose segment does not come before `key`. */
  #findSegment(key: SegmentKey): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareSegments(this.#segments[middle] as Segment, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function entryOf({ priority, sweepSeq }: Segment, { id, index }: QueuedRun): QueueEntry {
  return { runId: id, priority, sweepSeq, index };
}

function advance(segment: Segment): void {
  segment.head += 1;
  if (segment.head > SLACK_MAX && segment.head * 2 > segment.runs.length) {
    segment.runs = segment.runs.slice(segment.head);
    segment.head = 0;
  }
}

/** First position from `head` on whose run does not come before `run`. */
function findRun(runs: readonly QueuedRun[], head: number, run: QueuedRun): number {
  let low = head;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareRuns(runs[middle] as QueuedRun, run) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Negative when `a` is placed before `b`. Total: the run id breaks the last tie. */
export function compareEntries(a: QueueEntry, b: QueueEntry): number {
  const order = compareSegments(a, b);
  return order === 0 ? compareRuns({ id: a.runId, index: a.index }, { id: b.runId, index: b.index }) : order;
}

function compareSegments(a: SegmentKey, b: SegmentKey): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  return a.sweepSeq - b.sweepSeq;
}

function compareRuns(a: QueuedRun, b: QueuedRun): number {
  if (a.index !== b.index) return a.index - b.index;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
