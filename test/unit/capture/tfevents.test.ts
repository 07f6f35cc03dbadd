/** Event files of the real writers, recorded; and what is left of them when they are torn or damaged. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readFrames } from "../../../shared/capture/tfevents.ts";

const RECORDED = join(import.meta.dirname, "../../fixtures/recorded/capture");
const tensorboard = readFileSync(join(RECORDED, "tensorboard-2.21.tfevents"));
const tensorboardX = readFileSync(join(RECORDED, "tensorboardx-2.6.tfevents"));
const shown = (bytes: Uint8Array) => readFrames(bytes).scalars.map(({ tag, step, value }) => [tag, step, value]);

test("scalar tensors of TensorBoard 2.21: float and double", () => {
  expect(shown(tensorboard)).toEqual([
    ["val/acc", 0, 0],
    ["val/acc", 1, 0.5],
    ["val/acc", 2, 1],
    ["d", 5, 2.5],
  ]);
  expect(readFrames(tensorboard)).toMatchObject({ consumed: tensorboard.length, damaged: 0, broken: false });
});

test("simple values of tensorboardX 2.6; histograms and texts are passed over", () => {
  expect(shown(tensorboardX)).toEqual([
    ["train/loss", 0, 1],
    ["train/loss", 1, 0.5],
    ["train/loss", 2, 0.33333334],
  ]);
  expect(readFrames(tensorboardX).scalars[0]?.at).toBeCloseTo(1795252405.54, 1);
});

test("a torn tail is waited for: read in two parts it is the same", () => {
  for (let cut = 0; cut <= tensorboard.length; cut++) {
    const first = readFrames(tensorboard.subarray(0, cut));
    expect(first).toMatchObject({ damaged: 0, broken: false });
    const rest = readFrames(tensorboard.subarray(first.consumed));
    expect([...first.scalars, ...rest.scalars].map(({ tag, value }) => [tag, value])).toEqual(
      readFrames(tensorboard).scalars.map(({ tag, value }) => [tag, value]),
    );
  }
});

test("a flipped bit costs its own record, or the rest where it is in a length", () => {
  const clean = readFrames(tensorboard).scalars.length;
  for (let at = 0; at < tensorboard.length; at++) {
    const bytes = Buffer.from(tensorboard);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    const { scalars, damaged, broken } = readFrames(bytes);
    expect(broken || damaged === 1).toBe(true);
    if (!broken) expect(scalars.length).toBeGreaterThanOrEqual(clean - 1);
  }
});

test("hostile bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(readFrames(bytes).consumed).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
