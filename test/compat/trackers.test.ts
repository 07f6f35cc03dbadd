/** What is written for trackers, read by the trackers' own programs. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createTensorboardTracker } from "../../coordinator/outbox/tensorboard/tracker.ts";
import { createHelperProcess } from "../../coordinator/outbox/wandb/helper-process.ts";
import { createWandbTracker } from "../../coordinator/outbox/wandb/tracker.ts";
import { compatPython } from "../helpers/compat-python.ts";
import { STARTED, startTrackerRig } from "../helpers/tracker-rig.ts";

let python = "";
beforeAll(() => {
  python = compatPython("trackers");
}, 300_000);

const read = (script: string, path: string) =>
  JSON.parse(execFileSync(python, [join(import.meta.dirname, script), path], { encoding: "utf8", stdio: "pipe" }));
const point = (s: number, v: object) => ({ e: "m", t: STARTED / 1000 + s, s, v });

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "exp-compat-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("TensorBoard reads event files: every point once, after restarts and in further attempts", async () => {
  const root = directory();
  await using rig = startTrackerRig(() => createTensorboardTracker("tensorboard:tb", root));
  rig.log(1, [point(0, { loss: 0.5, "val/acc": 0.25 }), point(1, { loss: "NaN" })]);
  rig.put(1);
  await rig.settled();
  await rig.stop();
  rig.log(1, [point(2, { loss: 1e-3 }), point(5_000_000_000, { loss: -2 })]);
  rig.restart();
  rig.put(1);
  await rig.settled();
  rig.addAttempt(1);
  rig.log(1, [point(5_000_000_001, { loss: 4 })]);
  rig.put(1);
  await rig.settled();
  const { files, curves } = read("read_events.py", join(root, "digits.1", "digits.1.1"));
  const at = STARTED / 1000;
  expect(files).toEqual([
    [
      ["loss", 0, at, 0.5],
      ["val/acc", 0, at, 0.25],
      ["loss", 1, at + 1, null],
      ["loss", 2, at + 2, Math.fround(1e-3)],
      ["loss", 5_000_000_000, at + 5_000_000_000, -2],
    ],
    [["loss", 5_000_000_001, at + 5_000_000_001, 4]],
  ]);
  expect(curves).toEqual({ loss: [0, 1, 2, 5_000_000_000, 5_000_000_001], "val/acc": [0] });
});

test("W&B keeps runs by their ids, with the steps of the programs, and goes on with them", async () => {
  const root = directory();
  const access = { python, apiKey: "", baseUrl: "", mode: "offline", directory: root } as const;
  await using rig = startTrackerRig(() =>
    createWandbTracker({ name: "wandb:lab", helper: createHelperProcess(access), entity: "", project: "" }),
  );
  rig.log(1, [
    point(10, { loss: 0.5 }),
    point(20, { loss: "NaN", acc: 1 }),
    { e: "u", v: { best: 0.5, file: "x.pt" } },
  ]);
  rig.put(1);
  await rig.settled();
  await rig.stop();
  rig.restart();
  rig.log(1, [point(5, { loss: 0.125 })]);
  rig.change(1, {
    state: "failed",
    reason: "exit code 3",
    finishedAt: STARTED + 5,
    tags: ["paper"],
    note: "n",
    complete: true,
  });
  rig.put(1);
  await rig.settled();
  await rig.stop();
  const runs = read("read_wandb.py", root);
  const common = { id: "run_1", name: "digits.1.1", project: "vision", group: "digits.1" };
  const config = { lr: 1.5, optim: { name: "adam" }, layers: [1, 2] };
  const rows = (run: { rows: { _step: number; step: number; loss?: unknown }[] }) =>
    run.rows.map(({ _step, step, loss }) => [_step, step, loss]);
  expect(runs).toMatchObject([
    { ...common, config, tags: ["base"] },
    { ...common, config, tags: ["base", "paper"], notes: "n", exit: 1 },
  ]);
  expect(rows(runs[0])).toEqual([
    [0, 10, 0.5],
    [1, 20, null],
    [2, 20, undefined],
  ]);
  expect(runs[0].rows[0]._timestamp).toBe(STARTED / 1000 + 10);
  expect(runs[0].summary).toMatchObject({ best: 0.5, file: "x.pt" });
  expect(rows(runs[1])).toEqual([[3, 5, 0.125]]);
});
