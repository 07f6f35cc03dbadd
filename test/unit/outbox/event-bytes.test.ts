import fc from "fast-check";
import { expect, test } from "vitest";
import { scalarsFrame, versionFrame } from "../../../coordinator/outbox/tensorboard/event-bytes.ts";
import { readFrames } from "../../../shared/capture/tfevents.ts";

test("a file begins as TensorBoard's own do", () => {
  // Made by tensorboard 2.21 for this time.
  expect(versionFrame(1767326400.5).toString("hex")).toBe(
    "1800000000000000a37f4b2209000020b0d055da411a0d627261696e2e4576656e743a3258317720",
  );
});

test("what is written is what is read", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 40), max: 2 ** 53 - 1 }),
      fc.double({ min: 0, max: 4e9, noNaN: true }),
      fc.uniqueArray(
        fc.tuple(fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }), fc.float({ noNaN: true })),
        { minLength: 1, maxLength: 20, selector: ([tag]) => tag },
      ),
      (step, at, pairs) => {
        const values = pairs.map(([tag, value]) => ({ tag, value }));
        const bytes = Buffer.concat([versionFrame(at), scalarsFrame(step, at, values)]);
        const { scalars, consumed, damaged, broken } = readFrames(bytes);
        expect({ consumed, damaged, broken }).toEqual({ consumed: bytes.length, damaged: 0, broken: false });
        expect(scalars.map(({ end: _, ...scalar }) => ({ ...scalar, value: Math.fround(scalar.value) }))).toEqual(
          values.map(({ tag, value }) => ({ tag, value: Math.fround(value), step, at })),
        );
      },
    ),
  );
});
