/**
 * Queued runs of one group in the order in which they are placed: larger priority, then earlier submission, then index.
 * A sorted array with a moving head: taking the first and adding at the end, the two common moves, cost no shifting.
 */
import type { RunId } from "../../shared/kernel/ids.ts";

export interface QueueEntry {
  readonly runId: RunId;
  readonly priority: number;
  readonly sweepSeq: number;
  readonly index: number;
}

/** Slots before the head that may stay empty before the array is closed up. */
const SLACK_MAX = 1024;

export class RunQueue {
  #entries: QueueEntry[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The entry at `position` from the front; undefined past the end. */
  at(position: number): QueueEntry | undefined {
    return this.#entries[this.#head + position];
  }

  add(entry: QueueEntry): void {
    const last = this.#entries.at(-1);
    if (!last || this.size === 0 || compareEntries(last, entry) < 0) this.#entries.push(entry);
    else this.#entries.splice(this.#find(entry), 0, entry);
  }

  /** As `add` for each, in one pass over the queue: for whole sweeps, however their priorities lie. */
  addAll(entries: readonly QueueEntry[]): void {
    const added = isSorted(entries) ? entries : [...entries].sort(compareEntries);
    const [first] = added;
    if (!first) return;
    const last = this.#entries.at(-1);
    if (this.size > 0 && last && compareEntries(last, first) > 0) {
      this.#entries = merge(this.#entries, this.#head, added);
      this.#head = 0;
    } else {
      for (const entry of added) this.#entries.push(entry);
    }
  }

  /** Removes the entry equal to this one in order; false when there is none. */
  remove(entry: QueueEntry): boolean {
    const position = this.#find(entry);
    const found = this.#entries[position];
    if (!found || compareEntries(found, entry) !== 0) return false;
    if (position === this.#head) this.#advance();
    else this.#entries.splice(position, 1);
    return true;
  }

  *[Symbol.iterator](): Iterator<QueueEntry> {
    for (let i = this.#head; i < this.#entries.length; i++) yield this.#entries[i] as QueueEntry;
  }

  /** How many entries stand before this one. */
  rank(entry: QueueEntry): number {
    return this.#find(entry) - this.#head;
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head > SLACK_MAX && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** First position whose entry does not come before `entry`. */
  #find(entry: QueueEntry): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const candidate = this.#entries[middle];
      if (candidate && compareEntries(candidate, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isSorted(entries: readonly QueueEntry[]): boolean {
  return entries.every((entry, i) => {
    const before = entries[i - 1];
    return !before || compareEntries(before, entry) <= 0;
  });
}

/** `left` from position `at` on and `right`, both sorted, as one. */
function merge(left: readonly QueueEntry[], at: number, right: readonly QueueEntry[]): QueueEntry[] {
  const merged: QueueEntry[] = [];
  let position = at;
  for (const entry of right) {
    for (let next = left[position]; next && compareEntries(next, entry) < 0; next = left[position]) {
      merged.push(next);
      position += 1;
    }
    merged.push(entry);
  }
  for (; position < left.length; position++) merged.push(left[position] as QueueEntry);
  return merged;
}

/** Negative when `a` is placed before `b`. Total: the run id breaks the last tie. */
export function compareEntries(a: QueueEntry, b: QueueEntry): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.sweepSeq !== b.sweepSeq) return a.sweepSeq - b.sweepSeq;
  if (a.index !== b.index) return a.index - b.index;
  return a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0;
}
