/** Tables of runs and points as files, through the real command and server. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ResultsRig, startResultsRig } from "../../helpers/results-rig.ts";

let rig: ResultsRig;

beforeAll(async () => {
  rig = await startResultsRig();
  await rig.sweep(
    {
      name: "digits",
      objective: { metric: "acc", goal: "maximize" },
      runs: [
        { state: "succeeded", params: '{"lr":0.1,"seed":0,"model":"=1+1"}', metrics: { acc: 0.5, loss: "NaN" } },
        { state: "succeeded", params: '{"lr":1.0,"seed":1,"layers":[1,2]}', metrics: { acc: 0.75 } },
        { state: "failed", params: '{"lr":0.1,"seed":2}' },
        { state: "queued", params: '{"lr":0.1,"seed":3}' },
      ],
    },
    [
      '{"e":"m","t":1763690000,"s":1,"v":{"acc":0.25,"loss":"NaN"}}\n{"e":"m","t":1763690001,"s":2,"v":{"acc":0.5}}\n',
      '{"e":"m","s":1,"v":{"acc":0.75}}\n',
    ],
  );
}, 60_000);
afterAll(() => rig[Symbol.asyncDispose]());

describe("a row for each run", () => {
  test("csv: facts, parameters, last metrics; a text that looks like a formula stays text", async () => {
    const { code, stdout } = await rig.exp("export", "digits.1", "--format", "csv");
    expect(code).toBe(0);
    const [head = "", ...rows] = stdout.trimEnd().split("\n");
    expect(head).toBe(
      "ref,sweep,index,state,reason,attempt,node,exit_code,created_at,started_at,finished_at,seconds,reused_from,id," +
        "params.lr,params.seed,params.model,params.layers,metrics.acc,metrics.loss",
    );
    expect(rows.map((row) => row.slice(row.lastIndexOf("run_") + 31))).toEqual([
      '0.1,0,"\'=1+1",,0.5,NaN',
      '1,1,,"[1,2]",0.75,',
      "0.1,2,,,,",
      "0.1,3,,,,",
    ]);
    expect(rows[0]).toMatch(/^digits\.1\.1,digits\.1,1,succeeded,,1,gpu-01,0,2023-11-14T22:13:20\.000Z,/);
  });

  test("jsonl is the contract of --json; --where chooses; a file appears whole", async () => {
    const out = join(rig.dir, "runs.jsonl");
    const { code, stdout, stderr } = await rig.exp("export", "digits.1", "--out", out, "--where", "acc > 0.6");
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain(`1 run in ${out}`);
    const listed = await rig.json<object[]>("ls", "digits.1.2");
    expect(
      readFileSync(out, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(listed);
    expect(existsSync(`${out}.part`)).toBe(false);
  });
});

test("every point: csv and jsonl", async () => {
  const csv = await rig.exp("export", "digits.1", "--format", "csv", "--metrics", "all");
  expect(csv.stdout).toBe(
    "ref,key,step,value,at\n" +
      "digits.1.1,acc,1,0.25,2025-11-21T01:53:20.000Z\ndigits.1.1,loss,1,NaN,2025-11-21T01:53:20.000Z\n" +
      "digits.1.1,acc,2,0.5,2025-11-21T01:53:21.000Z\ndigits.1.2,acc,1,0.75,\n",
  );
  const jsonl = await rig.exp("export", "digits.1.1", "--format", "jsonl", "--metrics", "all");
  expect(JSON.parse(jsonl.stdout.split("\n")[1] ?? "")).toEqual({
    ...{ ref: "digits.1.1", key: "loss", step: 1, value: "NaN", at: "2025-11-21T01:53:20.000Z" },
  });
});

test.each([
  [["export"], "--format is missing"],
  [["export", "--format", "xlsx"], "--out is missing"],
  [["export", "--out", "runs.doc"], "--format is missing"],
  [["export", "--format", "csv", "--out", "/nowhere/at/all.csv"], "cannot write /nowhere/at/all.csv"],
])("%j is refused in one line", async (args, message) => {
  const { code, stderr } = await rig.exp(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test("directories: only the layout's own files; what is there is left alone; what has none is said", async () => {
  const out = join(rig.dir, "exported");
  const first = await rig.json<object>("export", "digits.1", "--format", "exp", "--out", out);
  expect(first).toMatchObject({ written: 3, there: 0, without: { "it has no results yet": 1 } });
  const [name = ""] = readdirSync(out).sort();
  expect(name).toMatch(/^digits\.1\.1_2023-11-15__06-13-21$/);
  expect(readdirSync(join(out, name)).sort()).toEqual(["metadata.json", "metrics", "terminal_logs"]);
  const origin = rig.directoryOf(rig.deps.queries.refs.resolveRun("digits.1.1").runId);
  const table = "metrics/run_0001.csv";
  expect(readFileSync(join(out, name, table))).toEqual(readFileSync(join(origin, table)));
  writeFileSync(join(out, name, "metadata.json"), "somebody went on here");
  mkdirSync(join(out, ".part", "left-by-a-kill"), { recursive: true });
  const second = await rig.json<object>("export", "digits.1", "--format", "exp", "--out", out);
  expect(second).toMatchObject({ written: 0, there: 3 });
  expect(readFileSync(join(out, name, "metadata.json"), "utf8")).toBe("somebody went on here");
  expect(readdirSync(out)).not.toContain(".part");
});
