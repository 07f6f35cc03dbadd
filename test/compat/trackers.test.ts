/** What is written for trackers, read by the trackers' own programs. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createMlflowClient, type MlflowMetric } from "../../coordinator/outbox/mlflow/client.ts";
import { createMlflowTracker } from "../../coordinator/outbox/mlflow/tracker.ts";
import { createTensorboardTracker } from "../../coordinator/outbox/tensorboard/tracker.ts";
import { createHelperProcess } from "../../coordinator/outbox/wandb/helper-process.ts";
import { createWandbTracker } from "../../coordinator/outbox/wandb/tracker.ts";
import { compatPython } from "../helpers/compat-python.ts";
import { startMlflow } from "../helpers/mlflow-server.ts";
import { STARTED, startTrackerRig } from "../helpers/tracker-rig.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** The packages of a server of MLflow are 900 MB: they are installed where there is time for it. */
const isLong = process.env.EXP_TEST_LONG === "1";
const signal = new AbortController().signal;

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

test.each(isLong ? ["a real server"] : [])(
  "%s has every point once, through lost answers and kills",
  { timeout: 600_000 },
  async () => {
    const url = await startMlflow(compatPython("mlflow"));
    const real = createMlflowClient({ url, authorization: "" });
    let calls = 0;
    const client = {
      ...real,
      // Every third batch arrives, and nobody hears of it.
      logBatch: async (...args: Parameters<typeof real.logBatch>) => {
        await real.logBatch(...args);
        calls += 1;
        if (calls % 3 === 1) throw new Error("the answer was lost");
      },
    };
    const prefix = `t${Date.now()}/`;
    await using rig = startTrackerRig((logger) => createMlflowTracker({ name: "mlflow:lab", prefix, client, logger }));
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`layer.${i}/grad norm`, i]));
    const odd = { "acc@5": 1, "../x": 2, größe: 3, "a//b": 4 };
    rig.log(1, [point(0, wide), point(0, odd), point(1, { loss: "NaN", up: "Infinity", down: "-Infinity" })]);
    rig.log(
      1,
      Array.from({ length: 3_000 }, (_, i) => point(i, { acc: i / 4 })),
    );
    rig.log(1, [{ e: "u", v: { best: 1, file: "x.pt" } }]);
    rig.put(1);
    await waitUntil("some calls were made", () => calls > 2, { boundMs: 60_000, seen: () => rig.lines.slice(-2) });
    await rig.stop();
    rig.restart();
    const long = "x".repeat(9_000);
    rig.change(1, {
      state: "failed",
      reason: long,
      finishedAt: STARTED + 9_000,
      note: "n",
      tags: ["paper"],
      complete: true,
    });
    rig.put(1);
    await rig.settled();
    expect(rig.lines.filter((line) => line.startsWith("left out"))).toEqual([]);

    const experiment = await real.experiment(`${prefix}vision/digits.1`, signal);
    const id = (await real.findRun(experiment, { key: "expfleet.run_id", value: "run_1" }, signal)) ?? "";
    const answer = await fetch(`${url}/api/2.0/mlflow/runs/get?run_id=${id}`);
    const { run } = (await answer.json()) as {
      run: {
        info: object;
        data: { params: { key: string; value: string }[]; tags: { key: string; value: string }[]; metrics: object[] };
      };
    };
    expect(run.info).toMatchObject({
      status: "FAILED",
      start_time: STARTED + 500,
      end_time: STARTED + 9_000,
      run_name: "digits.1.1",
    });
    expect(Object.fromEntries(run.data.params.map(({ key, value }) => [key, value]))).toEqual({
      lr: "1.5",
      "optim.name": "adam",
      layers: "[1,2]",
    });
    expect(Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]))).toMatchObject({
      "expfleet.tags": "base,paper",
      "expfleet.note": "n",
      "final.file": "x.pt",
    });
    // 300 of the wide one, 4 odd ones, 3 that are not finite, acc and best.
    expect(run.data.metrics).toHaveLength(309);
    const history: MlflowMetric[] = [];
    await real.history(id, "acc", (metric) => history.push(metric), signal);
    expect(history.map(({ step, value, timestamp }) => [step, value, timestamp])).toEqual(
      Array.from({ length: 3_000 }, (_, i) => [i, i / 4, STARTED + i * 1000]),
    );
  },
);
