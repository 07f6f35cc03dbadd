/** Event files that TensorBoard's writers left become runs with their curves. */
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ResultsRig, startResultsRig } from "../../helpers/results-rig.ts";

const RECORDED = resolve(import.meta.dirname, "../../fixtures/recorded/capture");

let rig: ResultsRig;
let logs: string;

beforeEach(async () => {
  rig = await startResultsRig();
  logs = join(rig.dir, "logs");
  for (const [directory, file] of [
    ["lr=0.1/train", "tensorboardx-2.6.tfevents"],
    ["lr=0.2/train", "tensorboard-2.21.tfevents"],
  ] as const) {
    mkdirSync(join(logs, directory), { recursive: true });
    copyFileSync(join(RECORDED, file), join(logs, directory, `events.out.tfevents.1.${file}`));
  }
});
afterEach(() => rig[Symbol.asyncDispose]());

test("each directory is a run with every point, its bounds and its results; once more changes nothing", async () => {
  const answer = await rig.json<object>("import", "tensorboard", logs);
  expect(answer).toEqual({ sweep: "logs.1", added: 2, known: 0, damaged: 0, notCompleted: {} });
  const runs = await rig.json<{ params: object; metrics: { [key: string]: number } }[]>("ls", "logs.1");
  expect(runs.map(({ params }) => params)).toEqual(
    expect.arrayContaining([{ run: "lr=0.1/train" }, { run: "lr=0.2/train" }]),
  );
  for (const [i, run] of runs.entries()) {
    const points = await rig.json<{ key: string; value: number }[]>("metrics", `logs.1.${i + 1}`, "--series");
    expect(points.length).toBeGreaterThan(1);
    for (const [key, last] of Object.entries(run.metrics)) {
      const values = points.filter((point) => point.key === key).map(({ value }) => value);
      expect(values.at(-1)).toBe(last);
      const row = rig.db
        .prepare(
          `SELECT m.min, m.max, m.count FROM metric_lasts m JOIN attempts a ON a.fence = m.fence
             JOIN runs r ON r.run_id = a.run_id WHERE r.idx = ? AND m.key = ?`,
        )
        .get(i + 1, key);
      expect({ ...row }).toEqual({ min: Math.min(...values), max: Math.max(...values), count: values.length });
    }
  }
  const again = await rig.json<object>("import", "tensorboard", logs);
  expect(again).toMatchObject({ added: 0, known: 2 });
  const out = join(rig.dir, "out");
  expect(await rig.json("export", "logs.1", "--format", "ztxexp", "--out", out)).toMatchObject({ written: 2 });
});

test("an import that was interrupted goes on where it was", async () => {
  await rig.json("import", "tensorboard", logs);
  const whole = await rig.json<object[]>("metrics", "logs.1.1", "--series");
  // As after a kill behind the first portion: nothing is stored of the run, and more is not promised.
  rig.db.exec(
    "UPDATE imported_runs SET points_complete = 0; DELETE FROM metric_lasts; UPDATE outputs SET committed = 0",
  );
  expect(await rig.json("import", "tensorboard", logs)).toMatchObject({ added: 0, known: 2 });
  expect(await rig.json("metrics", "logs.1.1", "--series")).toEqual(whole);
});

test("a file that ends in the middle of an event gives what is whole; a damaged one is left out and said", async () => {
  const file = join(logs, "lr=0.1/train", "events.out.tfevents.1.tensorboardx-2.6.tfevents");
  truncateSync(file, readFileSync(file).length - 3);
  const other = join(logs, "lr=0.2/train", "events.out.tfevents.1.tensorboard-2.21.tfevents");
  const bytes = readFileSync(other);
  bytes.writeUInt8((bytes.at(40) ?? 0) ^ 1, 40);
  writeFileSync(other, bytes);
  const { stdout, stderr } = await rig.exp("import", "tensorboard", logs, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ added: 1, damaged: 1 });
  expect(stderr).toContain("lr=0.2/train is left out: events.out.tfevents.1.tensorboard-2.21.tfevents");
});

test("a directory without event files", async () => {
  const { code, stdout } = await rig.exp("import", "tensorboard", rig.resultsRoot);
  expect([code, stdout]).toEqual([6, `${rig.resultsRoot} holds no completed run\n`]);
});
