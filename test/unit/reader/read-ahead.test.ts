/** Which streams are read before anybody asks. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Feed, news } from "../../../coordinator/feed.ts";
import { createReadAhead } from "../../../coordinator/reader/read-ahead.ts";
import type { Reader } from "../../../coordinator/reader/reader.ts";
import { type Fence, fence } from "../../../shared/kernel/ids.ts";

const EVERY_MS = 1_000;
let sizes: Map<Fence, number>;
let asked: string[];
let warned: number;
let fails: boolean;
let feed: Feed;
let ahead: { close(): void };

beforeEach(() => {
  vi.useFakeTimers();
  sizes = new Map();
  asked = [];
  warned = 0;
  fails = false;
  feed = new Feed();
  const reader = {
    ask: async (kind: string, question: { fence: Fence; path: string; end: number }) => {
      asked.push(`${kind} ${question.path} ${question.end}`);
      if (fails) throw new Error("disk full");
    },
  } as unknown as Reader;
  ahead = createReadAhead({
    feed,
    reader,
    committed: (one) => sizes.get(one) ?? 0,
    pathOf: (one) => (one === fence(9) ? undefined : `${one}`),
    logger: { warn: () => warned++ },
    everyMs: EVERY_MS,
    bytesMin: 100,
  });
});
afterEach(() => {
  ahead.close();
  vi.useRealTimers();
});

async function grow(one: Fence, size: number): Promise<string[]> {
  sizes.set(one, size);
  feed.publish(news({ outputs: new Set([one]) }));
  return turn();
}

async function turn(): Promise<string[]> {
  asked = [];
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  return asked;
}

test("long streams, again when they are larger by a quarter, and once more when they rest", async () => {
  expect(await grow(fence(1), 99)).toEqual([]);
  expect(await grow(fence(1), 100)).toEqual(["prepare 1 100"]);
  expect(await grow(fence(1), 199)).toEqual([]);
  expect(await grow(fence(1), 200)).toEqual(["prepare 1 200"]);
  expect(await grow(fence(1), 1_000)).toEqual(["prepare 1 1000"]);
  expect(await grow(fence(1), 1_249)).toEqual([]);
  expect(await turn()).toEqual(["prepare 1 1249"]);
  expect(await turn()).toEqual([]);
  expect(await turn()).toEqual([]);
  expect(await grow(fence(1), 1_251)).toEqual(["prepare 1 1251"]);
});

test("short ones are left alone", async () => {
  expect(await grow(fence(1), 50)).toEqual([]);
  expect(await turn()).toEqual([]);
});

test("what fails is said and not tried again before it grows; what has no file is passed over", async () => {
  fails = true;
  expect(await grow(fence(1), 500)).toEqual(["prepare 1 500"]);
  expect(await turn()).toEqual([]);
  expect(warned).toBe(1);
  fails = false;
  expect(await grow(fence(1), 1_000)).toEqual(["prepare 1 1000"]);
  expect(await grow(fence(9), 500)).toEqual([]);
});

test("nothing after the end", async () => {
  ahead.close();
  expect(await grow(fence(1), 500)).toEqual([]);
  expect(feed.listenerCount).toBe(0);
});
