import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutLength } from "../../../agent/output/chunk.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe("where a stream is cut", () => {
  const cases: readonly [name: string, text: string, max: number, flush: boolean, expected: number][] = [
    ["nothing", "", 8, false, 0],
    ["nothing, flushed", "", 8, true, 0],
    ["a whole line", "abc\n", 8, false, 4],
    ["after the last newline", "a\nbc\nde", 8, false, 5],
    ["no line yet", "abc", 8, false, 0],
    ["the beginning of a line, flushed", "abc", 8, true, 3],
    ["a line and a beginning, flushed", "a\nbc", 8, true, 4],
    ["full without a newline", "abcdefgh", 8, false, 8],
    ["full with a newline", "abc\nefgh", 8, false, 4],
    ["full with a newline, flushed: the rest is not the end", "abc\nefgh", 8, true, 4],
    ["one byte less than full", "abcdefg", 8, false, 0],
    ["a progress bar that never ends its line", " 10%\r 20%\r 3", 64, false, 10],
  ];
  it.each(cases)("%s", (_name, text, max, flush, expected) => {
    expect(cutLength(bytes(text), max, flush)).toBe(expected);
  });

  it("puts together to the same bytes, in pieces no longer than the limit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (data, max) => {
        const pieces: number[] = [];
        for (let at = 0; at < data.length; ) {
          const hand = data.subarray(at, at + max);
          const length = cutLength(hand, max, at + hand.length === data.length);
          expect(length).toBeGreaterThan(0);
          expect(length).toBeLessThanOrEqual(max);
          pieces.push(length);
          at += length;
        }
        expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(data.length);
      }),
    );
  });
});
