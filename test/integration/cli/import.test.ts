/** `exp import` against a server that answers as the test says: what is read, sent and said. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ImportPointsRequest, ImportRequest } from "../../../proto/gen/runner/v1/control.ts";
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
  put("lab runs/a_1/metrics/run_0000.csv", 'acc,note\r\n0.1,"a\nb"\r\n');
  const place = { runId: "run_1", ref: "lab-runs.1.1", stored: 0, complete: false };
  const places = [
    { ...place, directory: "a_1" },
    { ...place, directory: "deep/er/a_2", complete: true },
  ];
  const answers = {
    import: () => ({ sweep: "lab-runs.1", added: 1, known: 1, places }),
    importPoints: () => ({ stored: 0 }),
  };
  const { code, stdout, stderr, calls } = await rig.withServer(answers, ["import", "exp", "lab runs"]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "lab-runs.1: 1 run imported, 1 known already; left out: 1 error, 1 damaged\n",
  });
  expect(stderr).toMatch(/^warning: c_1 is left out: metadata\.json is not valid JSON: .*\nnext: exp ls lab-runs\.1 /);
  const [sent, points, ...more] = calls.map(({ request }) => request as ImportRequest & ImportPointsRequest);
  expect(sent).toMatchObject({ tool: 1, root: join(rig.dir, "lab runs"), name: "lab-runs" });
  expect(sent?.runs.map(({ directory }) => directory)).toEqual(["a_1", "deep/er/a_2"]);
  expect(points).toMatchObject({ runId: "run_1", offset: 0, complete: true });
  expect(String(points?.data)).toBe('{"e":"r","v":{"acc":"0.1","note":"a\\nb"}}\n{"e":"r","v":{"acc":"0.5"}}\n');
  expect(more).toEqual([]);
});

test("points in portions go on where they were, and what is left out of them is said", async () => {
  put("z/r/run.json", '{"schema_version": 2, "status": "succeeded"}');
  put("z/r/config.json", "{}");
  const rows = Array.from({ length: 30_000 }, (_, i) => `{"step": ${i}, "metrics": {"loss": ${i}}, "split": "train"}`);
  put("z/r/metrics.jsonl", `${rows.join("\n")}\nbroken\n{"metrics": {"${"x".repeat(70_000)}": 1}}\n`);
  put("z/r/metrics.json", "[]");
  let stored = 0;
  const lines: string[] = [];
  const answers = {
    import: () => ({
      ...{ sweep: "z.1", added: 1, known: 0 },
      places: [{ directory: "r", runId: "run_1", ref: "z.1.1", stored, complete: false }],
    }),
    importPoints: ({ data, offset }: ImportPointsRequest) => {
      expect(offset).toBe(stored);
      stored = offset + data.length;
      lines.push(...String(data).trimEnd().split("\n"));
      return { stored };
    },
  };
  const { code, stderr, calls } = await rig.withServer(answers, ["import", "ztxexp", "z"]);
  expect(code).toBe(0);
  expect(stderr.split("\n").slice(0, 3)).toEqual([
    "warning: r: metrics.jsonl: 1 line without metrics left out",
    "warning: r: metrics.json is left out: it is no object",
    "warning: r: 1 row of more than 64 KiB left out",
  ]);
  expect(lines).toHaveLength(30_000);
  expect(lines[29_999]).toBe('{"e":"m","s":29999,"v":{"loss":29999},"c":{"split":"train"}}');
  const sent = calls.slice(1).map(({ request }) => request as ImportPointsRequest);
  expect(sent.map(({ complete }) => complete)).toEqual([false, true]);

  // Interrupted after the first portion: only the second is sent again.
  stored = sent[1]?.offset ?? 0;
  const again = await rig.withServer(answers, ["import", "ztxexp", "z"]);
  expect(again.calls.slice(1).map(({ request }) => (request as ImportPointsRequest).offset)).toEqual([sent[1]?.offset]);
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
