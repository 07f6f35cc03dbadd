import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareEntries, type QueueEntry, RunQueue } from "../../../coordinator/core/run-queue.ts";
import { runId } from "../../../shared/kernel/ids.ts";

const entries = fc.record({
  runId: fc.integer({ min: 0, max: 30 }).map((n) => runId(`run_${n}`)),
  priority: fc.integer({ min: -2, max: 2 }),
  sweepSeq: fc.integer({ min: 1, max: 3 }),
  index: fc.integer({ min: 1, max: 5 }),
});

const moves = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: entries.map((entry) => ({ move: "add" as const, entry })) },
    { weight: 1, arbitrary: entries.map((entry) => ({ move: "remove" as const, entry })) },
    { weight: 2, arbitrary: fc.constant({ move: "shift" as const }) },
    { weight: 1, arbitrary: entries.map((entry) => ({ move: "rank" as const, entry })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(entries, fc.uniqueArray(fc.integer({ min: 1, max: 9 })))
        .map(([entry, indexes]) => ({ move: "adopt" as const, entry, indexes: indexes.sort((a, b) => a - b) })),
    },
  ),
  { maxLength: 200 },
);

function entry(index: number, patch: Partial<QueueEntry> = {}): QueueEntry {
  return { runId: runId(`run_${index}`), priority: 0, sweepSeq: 1, index, ...patch };
}

describe("run queue", () => {
  test("does what a sorted array does", () => {
    fc.assert(
      fc.property(moves, (list) => {
        const queue = new RunQueue();
        let naive: QueueEntry[] = [];
        const same = (a: QueueEntry) => (b: QueueEntry) => compareEntries(a, b) === 0;
        for (const step of list) {
          if (step.move === "add" && !naive.some(same(step.entry))) {
            queue.add(step.entry);
            naive = [...naive, step.entry].sort(compareEntries);
          } else if (step.move === "remove") {
            expect(queue.remove(step.entry)).toBe(naive.some(same(step.entry)));
            naive = naive.filter((other) => !same(step.entry)(other));
          } else if (step.move === "shift") {
            const first = queue.at(0);
            expect(first).toEqual(naive[0]);
            if (first) expect(queue.remove(first)).toBe(true);
            naive = naive.slice(1);
          } else if (step.move === "adopt") {
            const all = step.indexes.map((index) => ({ ...step.entry, index }));
            const fresh = all.filter((entry) => !naive.some(same(entry)));
            queue.adopt(
              step.entry,
              fresh.map(({ runId: id, index }) => ({ id, index })),
            );
            naive = [...naive, ...fresh].sort(compareEntries);
          } else if (step.move === "rank") {
            const before = naive.filter((other) => compareEntries(other, step.entry) < 0);
            expect(queue.rank(step.entry)).toBe(before.length);
          }
          expect([...queue]).toEqual(naive);
          expect(queue.first(3)).toEqual(naive.slice(0, 3));
          expect(queue.size).toBe(naive.length);
        }
      }),
    );
  });

  test("larger priority, then earlier sweep, then index, then id", () => {
    const queue = new RunQueue();
    const ordered = [
      entry(9, { priority: 5, sweepSeq: 7 }),
      entry(3, { sweepSeq: 1 }),
      entry(4, { sweepSeq: 1 }),
      entry(1, { sweepSeq: 2, runId: runId("run_a") }),
      entry(1, { sweepSeq: 2, runId: runId("run_b") }),
      entry(1, { priority: -1 }),
    ];
    for (const item of [...ordered].reverse()) queue.add(item);
    expect([...queue]).toEqual(ordered);
  });

  test("taking the first of very many closes up, and loses none", () => {
    const queue = new RunQueue();
    for (let i = 1; i <= 5_000; i++) queue.add(entry(i));
    for (let i = 1; i <= 5_000; i++) {
      expect(queue.at(0)?.index).toBe(i);
      queue.remove(entry(i));
      // One that comes back goes to the front.
      if (i === 3_000) queue.add(entry(0, { priority: 1 }));
      if (i === 3_000) expect(queue.remove(entry(0, { priority: 1 }))).toBe(true);
    }
    expect(queue.size).toBe(0);
    expect(queue.at(0)).toBeUndefined();
  });
});
