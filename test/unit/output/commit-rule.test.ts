import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeRange } from "../../../coordinator/stream/commit-rule.ts";

describe("what becomes of a range", () => {
  const cases: readonly [committed: number, offset: number, length: number, expected: ReturnType<typeof judgeRange>][] =
    [
      [0, 0, 10, { kind: "write", skip: 0 }],
      [10, 10, 1, { kind: "write", skip: 0 }],
      [10, 4, 10, { kind: "write", skip: 6 }],
      [10, 0, 10, { kind: "repeat" }],
      [10, 2, 3, { kind: "repeat" }],
      [10, 10, 0, { kind: "repeat" }],
      [10, 11, 5, { kind: "hole" }],
      [0, 1, 0, { kind: "hole" }],
    ];
  it.each(cases)("committed %d, range at %d of %d", (committed, offset, length, expected) => {
    expect(judgeRange(committed, offset, length)).toEqual(expected);
  });

  it("builds the stream whole and once from any doubled, swapped and lost messages", () => {
    const message = fc.record({ at: fc.nat(99), length: fc.integer({ min: 1, max: 30 }) });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.array(message, { maxLength: 200 }),
        (stream, messages) => {
          const stored: number[] = [];
          const take = (offset: number, length: number): void => {
            const data = stream.subarray(offset, offset + length);
            const verdict = judgeRange(stored.length, offset, data.length);
            if (verdict.kind === "write") stored.push(...data.subarray(verdict.skip));
            // Whatever came so far, what is stored is the beginning of the stream.
            expect(stored).toEqual([...stream.subarray(0, stored.length)]);
          };
          for (const { at, length } of messages) take(Math.min(at, stream.length), length);
          // The sender starts again from the committed offset until all is there.
          while (stored.length < stream.length) take(stored.length, 7);
          expect(stored).toEqual([...stream]);
        },
      ),
    );
  });
});
