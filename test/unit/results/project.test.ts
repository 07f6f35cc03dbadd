/** The results directory of a run: its files for each way in which a run can end. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { projectRun, projectWords } from "../../../coordinator/results/project.ts";
import type { ResultRecord } from "../../../coordinator/store/run-record.ts";
import {
  RECORD_TIME,
  resultAttempt,
  resultRecord,
  type StoredStream,
  storeStreams,
} from "../../helpers/result-record.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "exp-results-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function project(record: ResultRecord, streams: readonly StoredStream[] = []): string {
  const directory = storeStreams(root, record, streams);
  projectRun(record, directory);
  return directory;
}

const read = (directory: string, name: string): string => readFileSync(join(directory, name), "utf8");
const json = (directory: string, name: string): { [key: string]: unknown } => JSON.parse(read(directory, name));
const lines = (directory: string, name: string) =>
  read(directory, name)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { [key: string]: unknown });

/** Every file below a directory with its content; links by their target. */
function snapshot(directory: string): { [path: string]: string } {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isSymbolicLink() ? readlinkSync(path) : entry.isFile() ? readFileSync(path, "utf8") : "/";
      return [path.slice(directory.length + 1), content] as const;
    }),
  );
}

const client = (text: string, attempt = 1): StoredStream => ({ attempt, stream: "client", bytes: text });
const output = (text: string | Uint8Array, attempt = 1): StoredStream => ({ attempt, stream: "output", bytes: text });

const REPEATS: NonNullable<ResultRecord["provenance"]> = {
  ...{ code: null, snapshot: null, template: null, resources: null, digests: null, environments: new Map() },
  ...{ repeats: "digits.1.2", repeatsAssignedAt: RECORD_TIME },
};

const METRICS = `{"e":"m","t":1763690000.5,"s":1,"v":{"loss":0.5}}
{"e":"m","t":1763690001.25,"s":2,"v":{"loss":"NaN","val/acc":0.9,"note":"a, b"},"c":{"split":"valid","phase":"eval"}}
not an event
{"e":"m","v":{"loss":0.00001}}
{"e":"u","v":{"best":0.93,"val/acc":0.91}}
{"e":"m","s":9,"v":{"loss":1}} and no newline yet`;

describe("a run that succeeded", () => {
  test("is a directory of EXP and of ztxexp", () => {
    const directory = project(resultRecord(), [output("hello\n"), client(METRICS)]);
    expect(Object.keys(snapshot(directory)).sort()).toEqual(
      [
        ...[
          ".exp",
          ".exp/attempt-1.client.jsonl",
          ".exp/reproducibility.json",
          "artifacts",
          "checkpoints",
          "config.json",
        ],
        ...["events.jsonl", "meta.json", "metadata.json", "metrics", "metrics.json", "metrics.jsonl"],
        ...["metrics/run_0001.csv", "run.json", "run.log", "terminal_logs", "terminal_logs/run_0001.log"],
      ].sort(),
    );
    expect(read(directory, "run.log")).toBe("hello\n");
    expect(readlinkSync(join(directory, "run.log"))).toBe("terminal_logs/run_0001.log");
  });

  test("metadata.json", () => {
    const directory = project(resultRecord(), [output("hello\n")]);
    expect(Object.entries(json(directory, "metadata.json"))).toEqual([
      ["name", "digits.1.4"],
      ["command", "python train.py --lr 1.0"],
      ["tags", []],
      ["timestamp", "2025-11-21T13:05:09.120000+08:00"],
      ["status", "finished"],
      ["pid", null],
      ["gpu_ids", [3]],
      ["current_run_id", "run_0001"],
      ["cwd", "/home/alice/digits"],
      ["description", null],
      ["lark_config", null],
    ]);
  });

  test("config.json keeps floats apart from ints", () => {
    const directory = project(resultRecord());
    expect(read(directory, "config.json")).toBe(`{
  "optim": {
    "lr": 1.0,
    "name": "adam"
  },
  "layers": [
    1,
    2
  ],
  "seed": 7
}`);
  });

  test("run.json", () => {
    const directory = project(resultRecord());
    expect(Object.entries(json(directory, "run.json"))).toEqual([
      ["schema_version", 2],
      ["run_id", "digits.1.4_2025-11-21__13-05-09"],
      ["status", "succeeded"],
      ["started_at", "2025-11-21T05:05:10.120000+00:00"],
      ["finished_at", "2025-11-21T05:05:18.120000+00:00"],
      ["duration_sec", 8],
      ["error_type", null],
      ["error_message", null],
      ["experiment_name", "digits"],
      ["group", "digits.1"],
      ["parent_run_id", null],
      ["tags", []],
      ["attempt", 1],
      ["retry_count", 0],
    ]);
    expect(json(directory, "meta.json")).toMatchObject({ seed: 7, hostname: "gpu-01.lab", attempt: 1 });
    expect(lines(directory, "events.jsonl").map(({ event }) => event)).toEqual([
      "run_start",
      "start",
      "end",
      "run_end",
    ]);
  });

  test("metrics as curves, table and final values", () => {
    const directory = project(resultRecord(), [client(METRICS)]);
    expect(read(directory, "metrics.jsonl")).toBe(
      `{"step": 1, "timestamp": "2025-11-21T01:53:20.500000+00:00", "metrics": {"loss": 0.5}, "split": "train", "phase": "fit"}
{"step": 2, "timestamp": "2025-11-21T01:53:21.250000+00:00", "metrics": {"loss": NaN, "val/acc": 0.9}, "split": "valid", "phase": "eval"}
{"step": 3, "timestamp": "2025-11-21T01:53:21.250000+00:00", "metrics": {"loss": 1e-05}, "split": "train", "phase": "fit"}
`,
    );
    expect(read(directory, "metrics/run_0001.csv")).toBe(
      'loss,note,phase,split,step,val/acc\r\n0.5,,,,1,\r\nnan,"a, b",eval,valid,2,0.9\r\n1e-05,,,,3,\r\n',
    );
    expect(read(directory, "metrics.json")).toBe('{\n  "loss": 1e-05,\n  "val/acc": 0.91,\n  "best": 0.93\n}');
  });

  test("rows of EXP scripts are the table as they are, and curves where they are numbers", () => {
    const rows = `{"e":"r","t":1763690000,"v":{"step":"1","loss":"1e-05"}}
{"e":"r","t":1763690001,"v":{"step":"2","acc":"nan","note":"a\\nb"}}
{"e":"r","t":1763690002,"v":{"flag":"True","l":"[1, 2]","none":""}}
`;
    const directory = project(resultRecord(), [client(rows)]);
    expect(read(directory, "metrics/run_0001.csv")).toBe(
      'acc,flag,l,loss,none,note,step\r\n,,,1e-05,,,1\r\nnan,,,,,"a\nb",2\r\n,True,"[1, 2]",,,,\r\n',
    );
    const curve = read(directory, "metrics.jsonl").split("\n");
    expect(curve[1]).toContain('"metrics": {"step": 2, "acc": NaN}');
    expect(curve[2]).toContain('"step": 3,');
  });

  test("columns that appear late are columns of the whole table", () => {
    const early = Array.from({ length: 2_500 }, (_, i) => `{"e":"m","s":${i},"v":{"b":${i}}}\n`).join("");
    const directory = project(resultRecord(), [client(`${early}{"e":"m","s":2500,"v":{"a":1}}\n`)]);
    const table = read(directory, "metrics/run_0001.csv").split("\r\n");
    expect(table).toHaveLength(2_503);
    expect([table[0], table[1], table[2500], table[2501]]).toEqual(["a,b,step", ",0,0", ",2499,2499", "1,,2500"]);
  });

  test("a table of too many cells is left out, and meta.json says so", () => {
    const wide = (row: number) =>
      Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`m${row * 1_000 + i}`, i]));
    const names = Array.from({ length: 10 }, (_, i) => `${JSON.stringify({ e: "m", v: wide(i) })}\n`).join("");
    const rows = names + '{"e":"m","v":{"m0":1}}\n'.repeat(1_990);
    const directory = project(resultRecord(), [client(rows)]);
    expect(readdirSync(join(directory, "metrics"))).toEqual([]);
    expect(json(directory, "meta.json").extras).toMatchObject({
      notes: ["metrics/run_0001.csv is left out: it would be too large"],
    });
  });

  test("lines longer than events may be, and broken bytes, are passed over", () => {
    const long = `{"e":"m","s":1,"v":{"loss":1},"c":{"x":"${"x".repeat(300_000)}"}}\n`;
    const bytes = Buffer.concat([
      Buffer.from(long),
      Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
      Buffer.from('{"e":"m","s":2,"v":{"loss":2}}\n'),
    ]);
    const directory = project(resultRecord(), [{ attempt: 1, stream: "client", bytes }]);
    expect(lines(directory, "metrics.jsonl").map(({ step }) => step)).toEqual([2]);
  });
});

describe("other ends", () => {
  const outcomeOf = (outcome: NonNullable<ResultRecord["attempts"][number]["outcome"]>) => [
    resultAttempt({ number: 1, outcome }),
  ];

  test.each([
    ["failed", "exit code 3", outcomeOf({ kind: "failed", exitCode: 3 }), "error", "failed", "ExitCode"],
    ["failed", "killed by signal 9", outcomeOf({ kind: "signalled", signal: 9 }), "error", "failed", "Signalled"],
    ["failed", "lost: the host rebooted", outcomeOf({ kind: "lost", reason: "reboot" }), "error", "failed", "HostLost"],
    ["cancelled", "cancelled by alice", outcomeOf({ kind: "cancelled" }), "error", "failed", "Cancelled"],
    ["skipped", "no such model", outcomeOf({ kind: "skipped" }), "finished", "skipped", "SkipRun"],
    ["running", "", outcomeOf({ kind: "succeeded" }), "running", "running", null],
    ["queued", "exit code 1 (retry 1 of 2)", outcomeOf({ kind: "failed", exitCode: 1 }), "pending", "running", null],
  ] as const)("%s: %s", (state, reason, attempts, expStatus, ztxexpStatus, errorType) => {
    const directory = project(resultRecord({ state, reason, attempts }), [output("last words\n")]);
    expect(json(directory, "metadata.json").status).toBe(expStatus);
    expect(json(directory, "run.json")).toMatchObject({ status: ztxexpStatus, error_type: errorType });
    expect(json(directory, "run.json").error_message).toBe(errorType === null ? null : reason);
    const isFailed = ztxexpStatus === "failed";
    expect(existsSync(join(directory, "error.log"))).toBe(isFailed);
    if (isFailed) {
      expect(read(directory, "error.log")).toBe(`${errorType}: ${reason}\n\nLast lines of the output:\nlast words\n`);
    }
  });

  test("the program's own reason to skip wins", () => {
    const record = resultRecord({ state: "skipped", reason: "the program skipped it" });
    const directory = project(record, [client('{"e":"x","reason":"too large"}\n')]);
    expect(json(directory, "run.json")).toMatchObject({ status: "skipped", error_message: "too large" });
    expect(json(directory, "metadata.json").description).toBe("skipped: too large");
    expect(lines(directory, "events.jsonl")[2]).toMatchObject({ event: "skip", reason: "too large" });
  });

  test("error.log has the traceback that the hook recorded, unless the output shows it anyway", () => {
    const record = resultRecord({ state: "failed", reason: "exit code 1" });
    const traceback = "Traceback (most recent call last):\n  f()\nZeroDivisionError: division by zero\n";
    const event = client(`${JSON.stringify({ e: "w", level: "error", kind: "ZeroDivisionError", traceback })}\n`);
    const silent = project(record, [event, output("begins\n")]);
    expect(read(silent, "error.log")).toMatch(
      /^[^\n]*: exit code 1\n\nTraceback [^\n]*\n {2}f\(\)\nZeroDiv[^\n]*\n\nLast lines of the output:\nbegins\n$/,
    );
    const printed = project(record, [event, output(`begins\n${traceback}`)]);
    expect(read(printed, "error.log").match(/Traceback/g)).toHaveLength(1);
  });

  test("error.log shows the last 100 lines of a long output", () => {
    const record = resultRecord({
      state: "failed",
      reason: "exit code 1",
      attempts: outcomeOf({ kind: "failed", exitCode: 1 }),
    });
    const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("");
    const directory = project(record, [output(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]))]);
    const shown = read(directory, "error.log").trimEnd().split("\n").slice(3);
    expect([shown.length, shown[0], shown[98], shown[99]]).toEqual([100, "line 19901", "line 19999", "\uFFFD"]);
  });

  test("a run that was cancelled before it began has its record", () => {
    const record = resultRecord({ state: "cancelled", reason: "cancelled by the user", attempts: [] });
    const directory = project(record);
    expect(json(directory, "metadata.json")).toMatchObject({ status: "error", current_run_id: null, gpu_ids: [] });
    expect(json(directory, "run.json")).toMatchObject({ status: "failed", error_type: "Cancelled", attempt: 1 });
    expect(existsSync(join(directory, "run.log"))).toBe(false);
    expect(read(directory, "error.log")).toBe("Cancelled: cancelled by the user\n");
  });
});

describe("several attempts", () => {
  const first = resultAttempt({ number: 1, outcome: { kind: "failed", exitCode: 1 } });
  const twice = resultRecord({ attempts: [first, resultAttempt({ number: 2 })], finishedAt: RECORD_TIME + 19_000 });

  test("each has its log and its table; curves and final values are those of the last", () => {
    const directory = project(twice, [
      ...[output("one\n"), output("two\n", 2)],
      ...[client('{"e":"m","s":1,"v":{"old":1}}\n'), client('{"e":"m","s":5,"v":{"loss":2}}\n', 2)],
    ]);
    expect(read(directory, "run.log")).toBe("two\n");
    expect(read(directory, "metrics/run_0001.csv")).toBe("old,step\r\n1,1\r\n");
    expect(read(directory, "metrics/run_0002.csv")).toBe("loss,step\r\n2,5\r\n");
    expect(json(directory, "metrics.json")).toEqual({ loss: 2 });
    expect(json(directory, "run.json")).toMatchObject({ attempt: 2, retry_count: 1, duration_sec: 18 });
    expect(lines(directory, "events.jsonl").map(({ event }) => event)).toEqual([
      ...["run_start", "start", "retry", "end", "run_end"],
    ]);
  });

  test("what an earlier end left behind is gone", () => {
    const failed = resultRecord({ state: "failed", reason: "exit code 1", attempts: [first] });
    const directory = project(failed, [output("boom\n"), client('{"e":"m","s":1,"v":{"old":1}}\n')]);
    expect(existsSync(join(directory, "error.log"))).toBe(true);
    project(twice, [output("fine\n", 2)]);
    for (const name of ["error.log", "metrics.json", "metrics.jsonl"]) {
      expect([name, existsSync(join(directory, name))]).toEqual([name, false]);
    }
    expect(readlinkSync(join(directory, "run.log"))).toBe("terminal_logs/run_0002.log");
  });

  test("an attempt that never started does not stand for the run", () => {
    const refused = resultAttempt({ number: 2, outcome: { kind: "rejected", reason: "busy" }, startedAt: undefined });
    const record = resultRecord({ state: "cancelled", reason: "cancelled", attempts: [first, refused] });
    const directory = project(record, [output("one\n"), client('{"e":"m","s":1,"v":{"loss":1}}\n')]);
    expect(json(directory, "metadata.json").current_run_id).toBe("run_0001");
    expect(json(directory, "metrics.json")).toEqual({ loss: 1 });
    expect(readdirSync(join(directory, "terminal_logs"))).toEqual(["run_0001.log"]);
  });
});

describe("what people wrote on a run", () => {
  const words = { tags: ["base", "paper"], note: "table 2" };

  test("is in meta.json, run.json, events.jsonl and metadata.json", () => {
    const directory = project(resultRecord(words));
    expect(json(directory, "meta.json")).toMatchObject({ tags: words.tags, extras: { note: "table 2" } });
    expect(json(directory, "run.json")).toMatchObject({ tags: words.tags });
    expect(lines(directory, "events.jsonl")[0]).toMatchObject({ meta: { tags: words.tags } });
    expect(json(directory, "metadata.json")).toMatchObject({ tags: words.tags, description: "table 2" });
    expect(json(project(resultRecord()), "meta.json").extras).not.toHaveProperty("note");
  });

  test("is brought into the directory later, as if it had been there, without reading a point", () => {
    const skipped = resultRecord({ state: "skipped", attempts: [resultAttempt({ number: 1 })] });
    const streams = [output("x\n"), client(`${METRICS}\n{"e":"x","reason":"no such model"}\n`)];
    const expected = snapshot(project({ ...skipped, ...words }, streams));
    rmSync(root, { recursive: true, force: true });
    const directory = project(skipped, streams);
    const table = statSync(join(directory, "metrics/run_0001.csv"));
    rmSync(join(directory, ".exp/attempt-1.client.jsonl"));
    projectWords({ ...skipped, ...words }, directory);
    delete expected[".exp/attempt-1.client.jsonl"];
    expect(snapshot(directory)).toEqual(expected);
    expect(json(directory, "run.json")).toMatchObject({ error_message: "no such model" });
    expect(statSync(join(directory, "metrics/run_0001.csv"))).toMatchObject({ ino: table.ino, mtimeMs: table.mtimeMs });
  });

  test("makes no directory where there is none", () => {
    projectWords(resultRecord(words), join(root, "gone"));
    expect(existsSync(join(root, "gone"))).toBe(false);
  });
});

test("of 10,001 names the last is in the points only, and the notes count its values", () => {
  const names = Array.from({ length: 10_001 }, (_, i) => `n${String(i).padStart(5, "0")}`);
  const lineOf = (some: readonly string[]) =>
    `${JSON.stringify({ e: "m", s: 1, v: Object.fromEntries(some.map((name) => [name, 1])) })}\n`;
  const text = lineOf(names.slice(0, 5_000)) + lineOf(names.slice(5_000)) + lineOf(names.slice(10_000));
  const directory = project(resultRecord(), [client(text)]);
  expect(Object.keys(json(directory, "metrics.json"))).toHaveLength(10_000);
  expect(read(directory, "metrics.jsonl").match(/"n10000"/g)).toHaveLength(2);
  expect(json(directory, "meta.json").extras).toMatchObject({
    notes: ["metrics.json and metrics/run_0001.csv have the first 10,000 names; 2 values of further ones are left out"],
  });
});

test("a run that repeats another names the directory of that one", () => {
  const directory = project(resultRecord({ provenance: REPEATS }));
  const parent_run_id = "digits.1.2_2025-11-21__13-05-09";
  expect(json(directory, "run.json")).toMatchObject({ parent_run_id });
  expect(json(directory, "meta.json")).toMatchObject({ parent_run_id, extras: { repeats: "digits.1.2" } });
});

test("an entry of one of EXP's own files keeps its name and what it says of itself", () => {
  const expEntry = { name: "cnn_small", description: "small net" };
  const good = json(project(resultRecord({ expEntry, note: "mine" })), "metadata.json");
  expect(good).toMatchObject({ name: "cnn_small", description: "small net" });
  const bad = json(project(resultRecord({ expEntry, state: "failed", reason: "exit code 1" })), "metadata.json");
  expect(bad).toMatchObject({ name: "cnn_small", description: "failed: exit code 1; small net" });
});

test("a second projection changes nothing, and nothing half-written remains", () => {
  const record = resultRecord({ state: "failed", reason: "exit code 1" });
  const directory = project(record, [output("x\n"), client(METRICS)]);
  const before = snapshot(directory);
  writeFileSync(join(directory, "run.json.new"), "left by a kill");
  writeFileSync(join(directory, "metrics.jsonl.new"), "left by a kill");
  projectRun(record, directory);
  expect(snapshot(directory)).toEqual(before);
});

test("readers of the old file keep it: a file is replaced, never written over", () => {
  const record = resultRecord({ state: "running" });
  const directory = project(record);
  const before = statSync(join(directory, "run.json")).ino;
  project(resultRecord());
  expect(statSync(join(directory, "run.json")).ino).not.toBe(before);
});
