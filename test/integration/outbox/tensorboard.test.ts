/** Runs as event files: live, framed, and each point once through kills and faults of the disk. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTensorboardTracker } from "../../../coordinator/outbox/tensorboard/tracker.ts";
import { readFrames } from "../../../shared/capture/tfevents.ts";
import { STARTED, startTrackerRig } from "../../helpers/tracker-rig.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

function directory(): string {
  return mkdtempSync(join(tmpdir(), "exp-tensorboard-"));
}

function readRun(root: string, run: string) {
  const dir = join(root, "digits.1", run);
  return readdirSync(dir)
    .sort()
    .map((name) => ({ name, ...readFrames(readFileSync(join(dir, name))) }));
}

const point = (s: number, v: object) => ({ e: "m", t: STARTED / 1000 + s, s, v });

test("a file for each attempt, written on as points come", async () => {
  const root = directory();
  await using rig = startTrackerRig(() => createTensorboardTracker("tensorboard:tb", root));
  rig.log(1, [
    point(0, { loss: 0.5, "val/acc": 0.25 }),
    '{"e":"m","s":1,"v":{"loss":NaN}}',
    { e: "u", v: { best: 2, file: "x" } },
  ]);
  rig.put(1);
  await rig.settled();
  const [first] = readRun(root, "digits.1.1");
  expect(first?.name).toBe(`events.out.tfevents.${STARTED / 1000}.expfleet.1.101`);
  expect(first?.scalars).toMatchObject([
    { tag: "loss", value: 0.5, step: 0, at: STARTED / 1000 },
    { tag: "val/acc", value: 0.25, step: 0 },
    { tag: "loss", value: Number.NaN, step: 1 },
    { tag: "best", value: 2, step: 1 },
  ]);
  rig.log(1, [point(2, { loss: 0.125 })]);
  rig.put(1);
  await rig.settled();
  rig.addAttempt(1);
  rig.log(1, [point(0, { loss: 4 })]);
  rig.put(1);
  await rig.settled();
  const files = readRun(root, "digits.1.1");
  expect(files.map(({ scalars }) => scalars.length)).toEqual([5, 1]);
  expect(files.every(({ damaged, broken }) => damaged === 0 && !broken)).toBe(true);
  rmSync(root, { recursive: true });
});

test("after a kill between writing and remembering, the same bytes are written over themselves", async () => {
  const root = directory();
  await using rig = startTrackerRig(() => createTensorboardTracker("tensorboard:tb", root));
  const { setMemo } = rig.runs;
  const logged = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ e: "m", v: { loss: from + i, acc: 0.5 } }));
  rig.log(1, logged(0, 9_000));
  let calls = 0;
  // The store is gone the moment after the file was written, time and again.
  Object.assign(rig.runs, {
    setMemo: (...args: Parameters<typeof setMemo>) => {
      calls += 1;
      if (calls % 3 === 2) throw new Error("killed");
      setMemo(...args);
    },
  });
  rig.put(1);
  await rig.settled();
  await rig.stop();
  rig.log(1, logged(9_000, 20_000));
  rig.restart();
  rig.put(1);
  await rig.settled();
  const [file] = readRun(root, "digits.1.1");
  const losses = file?.scalars.filter(({ tag }) => tag === "loss").map(({ step, value }) => [step, value]);
  expect(losses).toEqual(Array.from({ length: 20_000 }, (_, i) => [i, i]));
  expect(file?.damaged).toBe(0);
  rmSync(root, { recursive: true });
});

test("files that somebody deleted are made again; a directory that cannot be written is waited for", async () => {
  const root = directory();
  await using rig = startTrackerRig(() => createTensorboardTracker("tensorboard:tb", root));
  rig.log(1, [point(0, { loss: 1 })]);
  rig.put(1);
  await rig.settled();
  rmSync(join(root, "digits.1"), { recursive: true });
  // A file where the directory of the sweep should be: no right would stop root.
  writeFileSync(join(root, "digits.1"), "");
  rig.log(1, [point(1, { loss: 2 })]);
  rig.put(1);
  await waitUntil("it is said", () => rig.state()[0]?.problem.includes("digits.1") ?? false, { boundMs: 20_000 });
  rmSync(join(root, "digits.1"));
  await rig.settled();
  expect(readRun(root, "digits.1.1")[0]?.scalars).toMatchObject([
    { step: 0, value: 1 },
    { step: 1, value: 2 },
  ]);
  rmSync(root, { recursive: true });
});
