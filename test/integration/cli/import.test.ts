/** `exp import` against a server that answers as the test says: what is read, sent and said. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ImportRequest } from "../../../proto/gen/runner/v1/control.ts";
import { createExpRig, type ExpRig } from "../../helpers/exp-rig.ts";

let rig: ExpRig;
beforeAll(() => {
  rig = createExpRig();
});
afterAll(() => rig[Symbol.dispose]());

function put(path: string, text: string): void {
  mkdirSync(join(rig.dir, path, ".."), { recursive: true });
  writeFileSync(join(rig.dir, path), text);
}

const METADATA = {
  ...{ name: "a", command: "x", tags: [], timestamp: "2026-03-01T20:00:00+08:00", status: "finished" },
  current_run_id: "run_0001",
};

test("a tree of EXP's directories", async () => {
  put("lab runs/a_1/metadata.json", JSON.stringify(METADATA));
  put("lab runs/a_1/metrics/run_0001.csv", "acc\r\n0.5\r\n");
  put("lab runs/deep/er/a_2/metadata.json", JSON.stringify({ ...METADATA, description: "d" }));
  put("lab runs/b_1/metadata.json", JSON.stringify({ ...METADATA, status: "error" }));
  put("lab runs/c_1/metadata.json", "{");
  put("lab runs/.exp_state/x/metadata.json", JSON.stringify(METADATA));
  put("lab runs/notes.txt", "");
  // A link is not followed: it could lead around in a circle.
  symlinkSync(join(rig.dir, "lab runs"), join(rig.dir, "lab runs/deep/link"));
  const answer = () => ({ sweep: "lab-runs.1", added: 1, known: 1, places: [] });
  const { code, stdout, stderr, calls } = await rig.withServer({ import: answer }, ["import", "exp", "lab runs"]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "lab-runs.1: 1 run imported, 1 known already; left out: 1 error, 1 damaged\n",
  });
  expect(stderr).toMatch(/^warning: c_1 is left out: metadata\.json is not valid JSON: .*\nnext: exp ls lab-runs\.1 /);
  const [sent] = calls.map(({ request }) => request as ImportRequest);
  expect(sent).toMatchObject({ tool: 1, root: join(rig.dir, "lab runs"), name: "lab-runs" });
  expect(
    sent?.runs.map(({ directory, metrics }) => [directory, metrics.map(({ key, value }) => [key, value])]),
  ).toEqual([
    ["a_1", [["acc", 0.5]]],
    ["deep/er/a_2", []],
  ]);
});

test("JSON, a name of one's own, and batches", async () => {
  for (let i = 0; i < 1_001; i++) {
    put(`many/r${i}/run.json`, '{"schema_version": 2, "status": "succeeded"}');
    put(`many/r${i}/config.json`, `{"i": ${i}}`);
  }
  const answer = (request: ImportRequest) => ({ sweep: "x.1", added: request.runs.length, known: 0, places: [] });
  const args = ["import", "ztxexp", "many", "--name", "x", "--json"];
  const { code, stdout, calls } = await rig.withServer({ import: answer }, args);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ sweep: "x.1", added: 1001, known: 0, damaged: 0, notCompleted: {} });
  expect(calls.map(({ request }) => (request as ImportRequest).runs.length)).toEqual([1000, 1]);
});

test.each([
  [["import", "ztxexp", "."], 6, /holds no completed run/],
  [["import", "ztxexp", "nowhere"], 2, /nowhere cannot be read: there is no such directory/],
  [["import", "exp", "sweep.toml"], 2, /sweep\.toml cannot be read: it is no directory/],
  [["import", "wandb", "."], 2, /"wandb" is not known/],
  [["import", "exp", ".", "--name", "a b"], 2, /--name contains " "/],
  [["import", "exp"], 2, /./],
])("%j", async (args, code, says) => {
  const result = await rig.withServer({}, args);
  expect(result.code).toBe(code);
  expect(result.stdout + result.stderr).toMatch(says);
  expect(result.calls).toEqual([]);
});
