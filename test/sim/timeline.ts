/** Virtual time: what shall happen when, in order; equal times go in the order in which they were asked for. */

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class Timeline {
  nowMs = 0;
  /** Actions carried out so far. */
  steps = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  /** Runs `action` in `delayMs` (0: after what is already due now). There is no cancelling: actions look whether they still apply. */
  after(delayMs: number, action: () => void): void {
    this.#push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, action });
  }

  /** Carries out the next action; false when there is none up to `untilMs`, and time is then `untilMs`. */
  step(untilMs: number): boolean {
    const first = this.#heap[0];
    if (!first || first.atMs > untilMs) {
      this.nowMs = untilMs;
      return false;
    }
    this.#pop();
    this.nowMs = first.atMs;
    this.steps += 1;
    first.action();
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      const below = heap[child] as Entry;
      if (!isBefore(below, last)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
