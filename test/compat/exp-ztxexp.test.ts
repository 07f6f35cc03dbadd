/** The published EXP and ztxexp packages read the directories we write. Needs the network once, to install them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectRun } from "../../coordinator/results/project.ts";
import { streamPath } from "../../coordinator/results/run-directory.ts";
import type { ResultRecord } from "../../coordinator/store/run-record.ts";
import { FloatParam } from "../../shared/spec/types.ts";
import { resultAttempt, resultRecord, storeStreams } from "../helpers/result-record.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const INSTALL_MS = 600_000;

interface ExpView {
  readonly summary: { readonly [key: string]: unknown };
  readonly description: string | null;
  readonly log: string;
  readonly runs: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly unknown[];
}

interface Found {
  readonly exp: { readonly [name: string]: ExpView };
  readonly ztxexp: {
    readonly records: readonly { readonly [key: string]: unknown }[];
    readonly succeeded: readonly string[];
    readonly grouped: readonly string[];
    readonly curves: readonly { readonly [key: string]: unknown }[];
    readonly points: number;
    readonly todo: readonly unknown[];
  };
  readonly events: { readonly [name: string]: readonly string[] };
  readonly resumed: { readonly [key: string]: unknown };
}

/** As `Experiment` names them: the first by its name is the one that is resumed. */
const good = resultRecord({ runRef: "digits.1.1", index: 1 });
const failed = resultRecord({
  runRef: "digits.1.2",
  index: 2,
  state: "failed",
  reason: "exit code 3",
  params: new Map([["lr", new FloatParam(0.5)]]),
  attempts: [
    resultAttempt({ number: 1, outcome: { kind: "lost", reason: "reboot" } }),
    resultAttempt({ number: 2, outcome: { kind: "failed", exitCode: 3 } }),
  ],
});
const skipped = resultRecord({
  runRef: "digits.1.3",
  index: 3,
  state: "skipped",
  reason: "the program skipped it",
  params: new Map([["lr", new FloatParam(2)]]),
  attempts: [resultAttempt({ number: 1, outcome: { kind: "skipped" } })],
});
const never = resultRecord({
  runRef: "digits.1.4",
  state: "cancelled",
  reason: "cancelled by the user",
  params: new Map([["lr", new FloatParam(3)]]),
  attempts: [],
});

/** The first is completed (1 for 1.0 is the same to ztxexp); the second only failed; the third is another one. */
const CONFIGS = [
  { optim: { lr: 1, name: "adam" }, layers: [1, 2], seed: 7 },
  { lr: 0.5 },
  { optim: { lr: 1, name: "adam" }, layers: [1, 2], seed: 8 },
];

let root: string;
let found: Found;
const names = new Map<ResultRecord, string>();
const nameOf = (record: ResultRecord): string => names.get(record) ?? "";

function write(record: ResultRecord, output: string, client: string): void {
  const directory = storeStreams(root, record, [
    { attempt: 1, stream: "output", bytes: output },
    { attempt: 1, stream: "client", bytes: client },
  ]);
  projectRun(record, directory);
  names.set(record, basename(directory));
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "exp-compat-"));
  write(
    good,
    "epoch 1\nGrüße\n",
    `{"e":"m","t":1763690000,"s":1,"v":{"loss":0.5,"acc":0.25}}
{"e":"m","t":1763690001,"s":2,"v":{"loss":"NaN","acc":0.75},"c":{"split":"valid"}}
{"e":"u","v":{"best":0.75}}
`,
  );
  write(failed, "first attempt\n", '{"e":"r","t":1763690000,"v":{"step":"1","note":"a, \\"b\\"","loss":"1e-05"}}\n');
  write(skipped, "", '{"e":"x","reason":"no such model"}\n');
  const empty = storeStreams(root, never, []);
  projectRun(never, empty);
  names.set(never, basename(empty));
  const sweep = join(root, "digits.1");
  const script = join(import.meta.dirname, "read_results.py");
  const options = { encoding: "utf8", env: { PYTHONDONTWRITEBYTECODE: "1" }, maxBuffer: 1 << 24 } as const;
  found = JSON.parse(execFileSync(compatPython(), [script, sweep, JSON.stringify(CONFIGS)], options)) as Found;
}, INSTALL_MS);

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("EXP", () => {
  test("loads a run, its log and its metrics", () => {
    const view = found.exp[nameOf(good)];
    expect(view?.summary).toMatchObject({
      name: "digits.1.1",
      status: "finished",
      timestamp: "2025-11-21T13:05:09.120000+08:00",
      total_runs: 1,
      current_run: "run_0001",
      gpu_ids: [3],
    });
    expect(view?.log).toBe("epoch 1\nGrüße\n");
    expect(view?.columns).toEqual(["acc", "loss", "split", "step"]);
    expect(view?.rows).toEqual([
      [0.25, 0.5, null, 1],
      [0.75, null, "valid", 2],
    ]);
  });

  test("sees attempts as its runs, and the end in its words", () => {
    const view = found.exp[nameOf(failed)];
    expect(view?.summary).toMatchObject({ status: "error", current_run: "run_0002" });
    expect(view?.runs).toEqual(["run_0001", "run_0002"]);
    expect(found.exp[nameOf(skipped)]).toMatchObject({
      description: "skipped: no such model",
      summary: { status: "finished" },
    });
    expect(Object.values(found.exp).map(({ summary }) => summary.status)).toEqual([
      ...["finished", "error", "finished", "error"],
    ]);
  });

  test("goes on in our directory, after our attempts", () => {
    expect(found.resumed).toMatchObject({ run: "run_0002", cwd: "/home/alice/digits", runs: ["run_0001", "run_0002"] });
    const table = readFileSync(join(root, "digits.1", nameOf(good), "metrics/run_0002.csv"), "utf8");
    expect(table).toBe("loss,step\r\n0.5,1\r\n");
  });
});

describe("ztxexp", () => {
  test("reads every run with its parameters, final values and end", () => {
    const byId = new Map(found.ztxexp.records.map((record) => [record.run_id, record]));
    expect(byId.size).toBe(4);
    expect(byId.get(nameOf(good))).toMatchObject({
      ...{ optim: { lr: 1, name: "adam" }, seed: 7, acc: 0.75, best: 0.75 },
      ...{ status: "succeeded", group: "digits.1", duration_sec: 8 },
    });
    expect(byId.get(nameOf(failed))).toMatchObject({
      ...{ lr: 0.5, status: "failed", error_type: "ExitCode", error_message: "exit code 3", retry_count: 1 },
    });
    expect(byId.get(nameOf(skipped))).toMatchObject({ status: "skipped", error_message: "no such model" });
    expect(found.ztxexp.succeeded).toEqual([nameOf(good)]);
    expect(found.ztxexp.grouped).toHaveLength(4);
  });

  test("draws the curves", () => {
    expect(found.ztxexp.curves).toHaveLength(2);
    expect(found.ztxexp.curves[0]).toMatchObject({
      run_id: nameOf(good),
      step: 1,
      split: "train",
      loss: 0.5,
      acc: 0.25,
    });
    expect(found.ztxexp.curves[1]).toMatchObject({ step: 2, split: "valid", loss: null, acc: 0.75 });
    expect(found.ztxexp.points).toBe(2);
  });

  test("takes our completed configurations for completed, and no others", () => {
    expect(found.ztxexp.todo).toEqual([CONFIGS[1], CONFIGS[2]]);
  });

  test("reads the events", () => {
    expect(found.events[nameOf(failed)]).toEqual(["run_start", "start", "retry", "error", "end", "run_end"]);
    expect(found.events[nameOf(never)]).toEqual(["run_start", "start", "error", "end", "run_end"]);
  });
});

test("a script written for EXP leaves the same table under both, byte for byte", () => {
  const script = join(import.meta.dirname, "save_rows.py");
  const python = compatPython();
  const record = resultRecord({ runRef: "rows.1.1", sweepRef: "rows.1" });
  const directory = storeStreams(root, record, [{ attempt: 1, stream: "client", bytes: "" }]);
  projectRun(record, directory);
  const run = (module: string, env: { readonly [name: string]: string }) =>
    execFileSync(python, [script, module, join(root, `${module}.frame.csv`)], {
      env: { ...env, EXPERIMENT_WORK_DIR: directory, PYTHONDONTWRITEBYTECODE: "1" },
      stdio: ["ignore", "pipe", "ignore"],
    });

  run("experiment_manager.core.experiment", {});
  const table = join(directory, "metrics/run_0001.csv");
  const theirs = readFileSync(table, "utf8");
  rmSync(table);
  run("expfleet", { EXP_EVENTS: streamPath(directory, 1, "client"), PYTHONPATH: join(ROOT, "python") });
  projectRun(record, directory);
  expect(readFileSync(table, "utf8")).toBe(theirs);
  expect(theirs.split("\r\n")).toHaveLength(5);
  // Read back within the program, it is the same too.
  const frame = (module: string) => readFileSync(join(root, `${module}.frame.csv`), "utf8");
  expect(frame("expfleet")).toBe(frame("experiment_manager.core.experiment"));
});

function compatPython(): string {
  return execFileSync("sh", [join(ROOT, "scripts/compat-venv.sh")], { encoding: "utf8" }).trim();
}
