import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDiscard, type Discard } from "../../../agent/process/discard.ts";

let nowMs = 0;
let removed: string[] = [];
let discard: Discard;

beforeEach(() => {
  vi.useFakeTimers();
  nowMs = 0;
  removed = [];
  discard = createDiscard({
    keepMs: 60_000,
    monotonicMs: () => nowMs,
    remove: async (dir) => {
      if (dir === "stuck") throw new Error("busy");
      removed.push(dir);
    },
    onError: (dir) => removed.push(`${dir} not removed`),
  });
});

afterEach(() => {
  discard.close();
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    nowMs += Math.min(left, 1_000);
    await vi.advanceTimersByTimeAsync(Math.min(left, 1_000));
  }
}

test("a small directory goes after its time, a large one at once", async () => {
  discard.add("small", 100);
  discard.add("large", 100 * 1024 * 1024);
  await pass(59_000);
  expect(removed).toEqual(["large"]);
  await pass(2_000);
  expect(removed).toEqual(["large", "small"]);
});

test("many go a few at a time", async () => {
  for (let i = 0; i < 120; i++) discard.add(`dir-${i}`, 0);
  await pass(60_000);
  expect(removed).toHaveLength(50);
  await pass(2_000);
  expect(removed).toHaveLength(120);
});

test("too many do not wait for their time", async () => {
  for (let i = 0; i < 10_030; i++) discard.add(`dir-${i}`, 0);
  await pass(1_000);
  expect(removed).toEqual(Array.from({ length: 30 }, (_, i) => `dir-${i}`));
});

test("one that cannot be removed is told, and the others go", async () => {
  discard.add("stuck", 0);
  discard.add("next", 0);
  await pass(61_000);
  expect(removed.sort()).toEqual(["next", "stuck not removed"]);
});
