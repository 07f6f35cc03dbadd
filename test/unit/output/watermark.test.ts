import { describe, expect, it } from "vitest";
import {
  createCursor,
  isStored,
  maySend,
  noteEnd,
  noteSent,
  noteStored,
  noteTime,
} from "../../../agent/output/watermark.ts";

const STALL_MS = 10;
const STALL_MS_MAX = 80;

function sent(length: number, from = 0) {
  const cursor = createCursor(from, 0);
  noteSent(cursor, length, 0);
  return cursor;
}

describe("cursor of a stream", () => {
  it("is stored when the watermark reaches the final size, not before", () => {
    const cursor = sent(100);
    expect(isStored(cursor)).toBe(false);
    expect(noteEnd(cursor, 100)).toBe(100);
    noteStored(cursor, 99, false, 1);
    expect(isStored(cursor)).toBe(false);
    noteStored(cursor, 100, false, 1);
    expect(isStored(cursor)).toBe(true);
  });

  it("is stored at once when it is empty at its end", () => {
    const cursor = createCursor(0, 0);
    noteEnd(cursor, 0);
    expect(isStored(cursor)).toBe(true);
  });

  it("counts stored bytes that the program cut off later", () => {
    const cursor = createCursor(50, 0);
    expect(noteEnd(cursor, 10)).toBe(50);
    expect(isStored(cursor)).toBe(true);
  });

  it("moves on to a watermark beyond what it sent itself", () => {
    const cursor = createCursor(0, 0);
    noteStored(cursor, 70, false, 1);
    expect(cursor.next).toBe(70);
  });

  it("takes an older watermark for old news", () => {
    const cursor = sent(100);
    noteStored(cursor, 60, false, 1);
    expect(noteStored(cursor, 20, false, 2)).toBe(false);
    expect(cursor.stored).toBe(60);
  });

  it("starts again from the watermark on a hint, without ids for what was sent before", () => {
    const cursor = sent(100);
    expect(noteStored(cursor, 40, true, 1)).toBe(true);
    expect(cursor).toMatchObject({ next: 40, stored: 40, repeatBelow: 100 });
    expect(maySend(cursor)).toBe(true);
  });

  it("goes below its watermark when a hint says that the coordinator lost it", () => {
    const cursor = sent(100);
    noteStored(cursor, 80, false, 1);
    expect(noteStored(cursor, 30, true, 2)).toBe(true);
    expect(cursor).toMatchObject({ next: 30, stored: 30 });
  });

  it("does nothing on a hint with nothing beyond it", () => {
    const cursor = sent(100);
    noteStored(cursor, 100, false, 1);
    expect(noteStored(cursor, 100, true, 2)).toBe(false);
  });
});

describe("a watermark that stands still", () => {
  it("is no stall without bytes on the way, and none too early", () => {
    expect(noteTime(createCursor(5, 0), STALL_MS, STALL_MS_MAX, 1_000)).toBe(false);
    expect(noteTime(sent(100), STALL_MS, STALL_MS_MAX, STALL_MS - 1)).toBe(false);
  });

  it("counts from the first byte on the way, not from an idle time before it", () => {
    const cursor = createCursor(0, 0);
    noteSent(cursor, 10, 500);
    expect(noteTime(cursor, STALL_MS, STALL_MS_MAX, 505)).toBe(false);
    noteSent(cursor, 10, 508);
    expect(noteTime(cursor, STALL_MS, STALL_MS_MAX, 510)).toBe(true);
  });

  it("sends one chunk and waits for its answer", () => {
    const cursor = sent(100);
    expect(noteTime(cursor, STALL_MS, STALL_MS_MAX, STALL_MS)).toBe(true);
    expect(cursor.next).toBe(0);
    expect(maySend(cursor)).toBe(true);
    noteSent(cursor, 30, STALL_MS);
    expect(maySend(cursor)).toBe(false);
  });

  it("sends all again when the chunk alone is stored", () => {
    const cursor = sent(100);
    noteTime(cursor, STALL_MS, STALL_MS_MAX, STALL_MS);
    noteSent(cursor, 30, STALL_MS);
    noteStored(cursor, 30, false, STALL_MS + 1);
    expect(maySend(cursor)).toBe(true);
    expect(cursor.next).toBe(30);
    expect(cursor.repeatBelow).toBe(100);
  });

  it("sends only what is new when the first copies were merely late", () => {
    const cursor = sent(100);
    noteTime(cursor, STALL_MS, STALL_MS_MAX, STALL_MS);
    noteSent(cursor, 30, STALL_MS);
    noteStored(cursor, 64, false, STALL_MS + 1);
    expect(cursor.next).toBe(100);
  });

  it("waits twice as long after each fruitless try, up to a bound, and anew after progress", () => {
    const cursor = sent(100);
    const waits: number[] = [];
    for (let now = 1, last = 0; now <= 400; now++) {
      if (!noteTime(cursor, STALL_MS, STALL_MS_MAX, now)) continue;
      waits.push(now - last);
      last = now;
      noteSent(cursor, 30, now);
    }
    expect(waits).toEqual([10, 20, 40, 80, 80, 80, 80]);
    noteStored(cursor, 30, false, 400);
    noteSent(cursor, 30, 400);
    expect(noteTime(cursor, STALL_MS, STALL_MS_MAX, 409)).toBe(false);
    expect(noteTime(cursor, STALL_MS, STALL_MS_MAX, 410)).toBe(true);
  });
});
