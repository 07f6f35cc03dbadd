/** Import over a real store and engine: what is accepted, what is refused, and that a repeated call adds nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Engine } from "../../../coordinator/engine.ts";
import { Feed } from "../../../coordinator/feed.ts";
import { type ImportDeps, importRuns } from "../../../coordinator/rpc/control/import.ts";
import { type Database, openDatabase } from "../../../coordinator/store/database.ts";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { createQueries } from "../../../coordinator/store/queries/queries.ts";
import { createSubmissions } from "../../../coordinator/store/submissions.ts";
import { createWriter } from "../../../coordinator/store/write-change.ts";
import { type ImportedRun, ImportRequest, ImportTool } from "../../../proto/gen/runner/v1/control.ts";
import { systemClock } from "../../../shared/kernel/clock.ts";
import { createUlidSource } from "../../../shared/kernel/ids.ts";
import { CoreRig } from "../../helpers/core-rig.ts";

let dir = "";
let db: Database;
let engine: Engine;
let call: (request: ImportRequest) => ReturnType<ReturnType<typeof importRuns>>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-import-"));
  db = openDatabase(join(dir, "store.db"));
  engine = new Engine({
    db,
    cluster: loadCluster(db, 1, 0),
    write: createWriter(db),
    settings: new CoreRig().settings,
    now: () => ({ monotonicMs: 0, wallMs: 1_000, random: 0 }),
    feed: new Feed(),
    dispatch: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  const deps: ImportDeps = {
    engine,
    queries: createQueries(db),
    submissions: createSubmissions(db),
    newUlid: createUlidSource(
      () => 1_000,
      (count) => new Uint8Array(count),
    ),
    clock: systemClock,
  };
  const importing = importRuns(deps);
  call = (request) => importing(request, { name: "", role: "admin" });
});

afterEach(() => {
  engine.stop();
  db.close();
  rmSync(dir, { recursive: true });
});

function aRun(i: number, more: Partial<ImportedRun> = {}): ImportedRun {
  return {
    directory: `run-${i}`,
    configJson: `{"lr":${i}}`,
    command: "main.py",
    startedAt: 1000 * i,
    finishedAt: 1000 * i + 1,
    metrics: [{ key: "acc", value: 0.5, count: 1 }],
    tags: [],
    ...more,
  };
}

function request(runs: ImportedRun[], more: Partial<ImportRequest> = {}): ImportRequest {
  const place = { tool: ImportTool.IMPORT_TOOL_ZTXEXP, host: "laptop", root: "/data/results", name: "results" };
  return ImportRequest.fromPartial({ ...place, runs, ...more });
}

const count = (table: string) => (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;

test("batches of one root are one sweep, in the order of time within a batch", async () => {
  expect(await call(request([aRun(2), aRun(1)]))).toEqual({ sweep: "results.1", added: 2, known: 0, places: [] });
  expect(await call(request([aRun(2), aRun(3)]))).toEqual({ sweep: "results.1", added: 1, known: 1, places: [] });
  expect(db.prepare("SELECT params_json FROM runs ORDER BY idx").all()).toEqual([
    ...[{ params_json: '{"lr":1}' }, { params_json: '{"lr":2}' }, { params_json: '{"lr":3}' }],
  ]);
  expect(await call(request([aRun(4)], { root: "/data/other" }))).toMatchObject({ sweep: "results.2", added: 1 });
});

test("calls at once do not add a run twice; neither does a directory that was moved", async () => {
  const answers = await Promise.all([call(request([aRun(1)])), call(request([aRun(1), aRun(1)]))]);
  expect(answers.map(({ added }) => added)).toEqual([1, 0]);
  expect(await call(request([aRun(1)], { root: "/moved", host: "server" }))).toEqual({
    sweep: "",
    added: 0,
    known: 1,
    places: [],
  });
  expect([count("runs"), count("sweeps"), count("imported_runs")]).toEqual([1, 1, 1]);
});

test("commands and tags are shared shapes", async () => {
  await call(request([aRun(1), aRun(2, { tags: ["a"] }), aRun(3)]));
  await call(request([aRun(4, { tags: ["a"] }), aRun(5, { command: "$HOME ${x}" })]));
  expect(db.prepare("SELECT shape FROM runs ORDER BY idx").all()).toEqual([0, 1, 0, 1, 2].map((shape) => ({ shape })));
  expect(count("sweep_shapes")).toBe(3);
});

test("EXP's runs are known by name and command, whatever else they say", async () => {
  const tool = ImportTool.IMPORT_TOOL_EXP;
  const one = { configJson: '{"name":"a"}', command: "x" };
  await call(request([aRun(1, one), aRun(2, { ...one, configJson: '{"name":"a","description":"d"}' })], { tool }));
  const keys = db.prepare("SELECT DISTINCT key FROM imported_runs").all();
  expect(keys).toEqual([{ key: expect.stringMatching(/^experiment:[0-9a-f]{64}$/) }]);
});

test("a configuration with NaN is listed, and counts for nothing", async () => {
  await call(request([aRun(1, { configJson: '{"lr":NaN}' })]));
  expect(db.prepare("SELECT key FROM imported_runs").all()).toEqual([{ key: null }]);
});

describe("refused, and nothing is written", () => {
  test.each<[string, ImportRequest, RegExp]>([
    ["no tool", request([], { tool: ImportTool.IMPORT_TOOL_UNSPECIFIED }), /which program/],
    ["a name that is none", request([], { name: "a b" }), /the name of the sweep contains " "/],
    ["a relative root", request([], { root: "results" }), /not absolute/],
    ["too many", request(Array.from({ length: 10_001 }, (_, i) => aRun(i))), /more than 10000 runs/],
    ["no JSON", request([aRun(1), aRun(2, { configJson: "{" })]), /configuration of run-2 is not JSON/],
    ["no object", request([aRun(1, { configJson: "[1]" })]), /configuration of run-1 is no object/],
    ["too large", request([aRun(1, { configJson: `{"a":"${"x".repeat(70_000)}"}` })]), /is too large/],
  ])("%s", async (_, bad, message) => {
    await expect(call(bad)).rejects.toThrow(message);
    expect(count("runs")).toBe(0);
  });
});

test("10,000 runs in a moment", async () => {
  const started = performance.now();
  await call(request(Array.from({ length: 10_000 }, (_, i) => aRun(i))));
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(count("runs")).toBe(10_000);
});
