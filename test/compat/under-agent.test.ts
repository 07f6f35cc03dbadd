/**
 * Unmodified scripts for EXP and ztxexp in the environment that the agent gives to a run: with the packages installed, which
 * then are what the script gets, and without them. Needs the network once, to install them.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { withExpTables } from "../../agent/output/exp-tables.ts";
import { createOutputPlane } from "../../agent/output/output-plane.ts";
import { attemptPaths, createAttemptDir } from "../../agent/process/attempt-dir.ts";
import { buildEnvironment } from "../../agent/process/environment.ts";
import { projectRun } from "../../coordinator/results/project.ts";
import { systemClock } from "../../shared/kernel/clock.ts";
import { fence } from "../../shared/kernel/ids.ts";
import { type ClientEvent, parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT, defaultPython } from "../helpers/python-client.ts";
import { resultRecord, storeStreams } from "../helpers/result-record.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FENCE = fence(17);
const INSTALL_MS = 600_000;

let dir: string;
let attempt: string;
let withPackages: readonly string[];
/** `-S`: nothing but the standard library and what the agent puts on the path. */
const withoutPackages = () => [defaultPython(), "-S"];

beforeAll(() => {
  withPackages = [execFileSync("sh", [join(ROOT, "scripts/compat-venv.sh")], { encoding: "utf8" }).trim()];
}, INSTALL_MS);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-compat-"));
  mkdirSync(join(dir, "runs"));
  attempt = join(dir, "runs", "17");
  createAttemptDir(attempt, "{}");
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly client: string;
  readonly events: readonly ClientEvent[];
}

/** Runs a script of this folder as the agent would, and lets it pick up what was left. */
async function run(python: readonly string[], script: string, ...words: string[]): Promise<Ended> {
  const paths = attemptPaths(attempt);
  const env = buildEnvironment({
    base: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1" },
    template: {},
    device: { CUDA_VISIBLE_DEVICES: "3" },
    pythonPath: CLIENT,
    run: {
      runId: "run_1",
      runRef: "demo.1.1",
      sweepRef: "demo.1",
      attempt: 1,
      fence: FENCE,
      runDir: attempt,
      artifactDir: paths.artifacts,
      checkpointDir: paths.checkpoints,
      resumeFrom: undefined,
      configPath: paths.config,
      eventsPath: paths.client,
      seed: undefined,
      url: undefined,
    },
  });
  const plane = createOutputPlane({ agentId: "agent-1", clock: systemClock, logger, sendOverSession: () => true });
  const watched = withExpTables(plane, { clock: systemClock, logger });
  watched.watch(FENCE, attempt, new Map());
  const output = openSync(paths.output, "a");
  const [program = "", ...flags] = python;
  const { status } = spawnSync(program, [...flags, join(import.meta.dirname, script), ...words], {
    cwd: dir,
    env,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  await watched.end(FENCE);
  await watched.close();
  const client = readFileSync(paths.client, "utf8");
  const events = client.split("\n").flatMap((line) => parseClientLine(line) ?? []);
  return { status, output: readFileSync(paths.output, "utf8"), client, events };
}

const logger = pino({ level: "silent" });

/** The table that the coordinator makes of a client stream. */
function tableOf(client: string): string {
  const record = resultRecord({ runRef: "rows.1.1", sweepRef: "rows.1" });
  const directory = storeStreams(join(dir, "results"), record, [{ attempt: 1, stream: "client", bytes: client }]);
  projectRun(record, directory);
  return readFileSync(join(directory, "metrics/run_0001.csv"), "utf8");
}

test("numbers of numpy are numbers", () => {
  const code = `
import numpy as np, expfleet as exp
exp.log({"f32": np.float32(0.5), "f64": np.float64("nan"), "i8": np.int8(3), "b": np.bool_(True)}, step=np.int64(7))
exp.log({"0-d": np.array(0.25), "one": np.array([2]), "two": np.array([1, 2])}, step=8)
exp.summary["best"] = np.float32(0.25)`;
  const env = { PYTHONPATH: CLIENT, EXP_RUN_ID: "run_1", EXP_EVENTS: join(dir, "client.jsonl") };
  execFileSync(withPackages[0] ?? "", ["-c", code], { env });
  const events = readFileSync(join(dir, "client.jsonl"), "utf8")
    .split("\n")
    .flatMap((line) => parseClientLine(line) ?? []);
  expect(events.map((event) => ("values" in event ? Object.fromEntries(event.values) : {}))).toEqual([
    { f32: 0.5, f64: Number.NaN, i8: 3, b: 1 },
    { "0-d": 0.25, one: 2, two: "[1 2]" },
    { best: 0.25 },
  ]);
  expect(events[0]).toMatchObject({ step: 7 });
});

describe("a script for EXP", () => {
  test("with EXP installed: EXP it is, and its table arrives byte for byte", async () => {
    const ended = await run(withPackages, "under_agent_exp.py");
    expect([ended.status, ended.output]).toEqual([0, expect.stringContaining("module: experiment_manager.core.")]);
    expect(ended.output).toContain("name: demo.1.1 run_0001 running\n");
    expect(ended.output).toMatch(/^\[[\d :-]{19}\] a line of the log$/m);
    expect(ended.output).toContain("tail: True\n");
    const theirs = readFileSync(join(attempt, "metrics/run_0001.csv"), "utf8");
    expect(theirs.split("\r\n")).toHaveLength(5);
    expect(tableOf(ended.client)).toBe(theirs);
    expect(JSON.parse(readFileSync(join(attempt, "metadata.json"), "utf8"))).toMatchObject({
      name: "demo.1.1",
      gpu_ids: [3],
      cwd: dir,
    });
  });

  test("without it: the same output and the same table", async () => {
    const ours = await run(withoutPackages(), "under_agent_exp.py");
    expect([ours.status, ours.output]).toEqual([0, expect.stringContaining("module: expfleet._exp\n")]);
    expect(readdirSync(attempt)).not.toContain("metrics");
    rmSync(attempt, { recursive: true });
    createAttemptDir(attempt, "{}");
    const theirs = await run(withPackages, "under_agent_exp.py");
    const plain = (text: string) => text.replace(/^module: .*\n/m, "").replace(/^\[[^\]]*\]/m, "[time]");
    expect(plain(ours.output)).toBe(plain(theirs.output));
    expect(tableOf(ours.client)).toBe(tableOf(theirs.client));
  });
});

describe("a script for ztxexp", () => {
  test.each(["sequential", "process_pool", "joblib"])(
    "with ztxexp installed, %s: its runs are picked up",
    async (mode) => {
      const ended = await run(withPackages, "under_agent_ztxexp.py", join(dir, "results"), mode);
      expect([ended.status, ended.output]).toEqual([0, expect.stringContaining("ztxexp.pipeline 2 1 1\n")]);
      const points = ended.events.flatMap((event) => (event.kind === "metric" ? [event] : []));
      expect(points).toHaveLength(8);
      expect(new Set(points.map(({ context }) => context.get("run")))).toHaveLength(4);
      expect(points[0]?.context.get("split")).toBe("valid");
      const finals = ended.events.flatMap((event) => (event.kind === "summary" ? [...event.values] : []));
      expect(finals.map(([name, value]) => `${name.replace(/^[^/]*\//, "")}=${value}`).sort()).toEqual([
        "score=0.5",
        "status=failed",
        "status=skipped",
        "status=succeeded",
        "status=succeeded",
      ]);
      const said = ended.events.flatMap((event) => (event.kind === "other" ? [event.body.text] : []));
      expect(said).toEqual([expect.stringContaining("failed: ValueError: on purpose")]);
    },
  );

  test("the stand-in makes the same configurations", () => {
    const folder = join(dir, "completed");
    mkdirSync(folder);
    const text = execFileSync(withPackages[0] ?? "", [join(import.meta.dirname, "same_configs.py"), folder], {
      env: { PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1" },
      encoding: "utf8",
    });
    const cases = Object.entries(JSON.parse(text) as { [name: string]: [unknown[], unknown[]] });
    for (const [name, [theirs, ours]] of cases) expect([name, ours]).toEqual([name, theirs]);
    expect(cases.filter(([, [theirs]]) => theirs.length > 1).length).toBeGreaterThanOrEqual(8);
  });

  test("helpers give what ztxexp's give, and refuse what they refuse", () => {
    const args = [join(import.meta.dirname, "same_utils.py"), join(dir, "helpers")];
    const env = { PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1" };
    const text = execFileSync(withPackages[0] ?? "", args, { env, encoding: "utf8" });
    const cases = Object.entries(JSON.parse(text) as { [name: string]: [string, string] });
    for (const [name, [theirs, ours]] of cases) expect([name, ours]).toEqual([name, theirs]);
    expect(cases.length).toBeGreaterThan(30);
  });

  test("what a pipeline on the fleet leaves is read by ztxexp's analysis, and counts as completed", () => {
    const text = execFileSync(
      withPackages[0] ?? "",
      [join(import.meta.dirname, "analyze_notes.py"), join(dir, "notes")],
      {
        env: { PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1" },
        encoding: "utf8",
      },
    );
    const found = JSON.parse(text) as {
      records: { [key: string]: unknown }[];
      ours: object[];
      tagged: number[];
      todo: object[];
      analyses: [string[], string[]];
      files: string[];
      meta: { [key: string]: unknown };
    };
    expect(found.analyses[1]).toEqual(found.analyses[0]);
    expect(found.files).toEqual([
      ...["artifacts", "checkpoints", "config.json", "events.jsonl"],
      ...["meta.json", "metrics.json", "run.json", "run.log"],
    ]);
    expect(Object.keys(found.meta)).toHaveLength(13);
    expect(found.meta).toMatchObject({ experiment_name: "demo", group: "g", tags: { k: "v" }, attempt: 1 });
    const byId = [...found.records].sort((a, b) => String(a.run_id).localeCompare(String(b.run_id)));
    expect(byId[0]).toMatchObject({
      lr: 0.5,
      score: 0.75,
      status: "succeeded",
      duration_sec: 1,
      experiment_name: "demo",
    });
    expect(byId[1]).toMatchObject({ lr: 1, status: "failed", error_message: "exit code 1" });
    expect(found.ours).toEqual(byId);
    expect(found.tagged).toEqual([1]);
    expect(found.todo).toEqual([{ lr: 1, optim: { name: "adam" } }]);
  });
});
