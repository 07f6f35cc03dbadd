/** Directories that EXP and ztxexp left: which count as completed, what is taken from them, and which are damaged. */
import { describe, expect, test } from "vitest";
import { metricsFilesOf, readExpMetadata } from "../../../shared/compat/exp-run.ts";
import { csvCells, finalsLine, pointLine, rowLine } from "../../../shared/compat/import-lines.ts";
import { timeOf } from "../../../shared/compat/imported-run.ts";
import { readZtxexpRun, type ZtxexpFiles } from "../../../shared/compat/ztxexp-run.ts";

const NONE: ZtxexpFiles = {
  runJson: undefined,
  configJson: undefined,
  metaJson: undefined,
};
const SUCCEEDED = '{"schema_version": 2, "status": "succeeded"}';

describe("ztxexp", () => {
  test.each<[Partial<ZtxexpFiles>, string]>([
    [{ runJson: SUCCEEDED, configJson: "{}" }, "completed"],
    [{ runJson: '{"schema_version": 2.0, "status": "succeeded"}', configJson: "{}" }, "completed"],
    [{ configJson: "{}" }, "other"],
    [{ runJson: '{"schema_version": "2", "status": "succeeded"}', configJson: "{}" }, "other"],
    [{ runJson: '{"schema_version": 1, "status": "succeeded"}', configJson: "{}" }, "other"],
    [{ runJson: '{"status": "succeeded"}', configJson: "{}" }, "other"],
    [{ runJson: '{"schema_version": 2, "status": "failed"}' }, "failed"],
    [{ runJson: '{"schema_version": 2, "status": "running"}' }, "running"],
    [{ runJson: '{"schema_version": 2, "status": "skipped"}' }, "skipped"],
    [{ runJson: '{"schema_version": 2, "sta' }, "run.json is not valid JSON: the text ends within a string"],
    [{ runJson: "" }, "run.json is not valid JSON: the text ends too early"],
    [{ runJson: "[]" }, "run.json is no object"],
    [{ runJson: SUCCEEDED }, "config.json is missing"],
    [{ runJson: SUCCEEDED, configJson: "[1]" }, "config.json is no object"],
    [{ runJson: SUCCEEDED, configJson: "{" }, "config.json is not valid JSON: a key in double quotes is expected"],
    [{ runJson: SUCCEEDED, configJson: `{"a":"${"x".repeat(70_000)}"}` }, "config.json has more than 64 KiB"],
  ])("%#", (files, expected) => {
    const found = readZtxexpRun("d", { ...NONE, ...files });
    const said = found.kind === "damaged" ? found.problem : found.kind === "not-completed" ? found.status : found.kind;
    expect(said).toBe(expected);
  });

  test("everything that is taken", () => {
    const found = readZtxexpRun("20260301_120000_1a2b3c4d", {
      runJson: JSON.stringify({
        ...{ schema_version: 2, status: "succeeded", tags: { team: "vision", n: 1 } },
        ...{ started_at: "2026-03-01T12:00:00.500000+00:00", finished_at: "2026-03-01T12:00:08+00:00" },
      }),
      configJson: '{"lr": 1.0, "n": 1, "bad": NaN}',
      metaJson: '{"started_cmd": "main.py --fast"}',
    });
    expect(found).toEqual({
      kind: "completed",
      run: {
        directory: "20260301_120000_1a2b3c4d",
        configJson: '{"lr":1.0,"n":1,"bad":NaN}',
        command: "main.py --fast",
        startedAt: Date.UTC(2026, 2, 1, 12, 0, 0, 500),
        finishedAt: Date.UTC(2026, 2, 1, 12, 0, 8),
        tags: ["team=vision", "n=1"],
      },
    });
  });

  test.each([
    [
      '{"step": 1, "timestamp": "2026-03-01T12:00:00.5+00:00", "metrics": {"acc": 0.1, "n": 2}, "split": "train", "phase": "fit"}',
      {
        e: "m",
        t: Date.UTC(2026, 2, 1, 12) / 1000 + 0.5,
        s: 1,
        v: { acc: 0.1, n: 2 },
        c: { split: "train", phase: "fit" },
      },
    ],
    [
      '{"step": 2, "timestamp": "t", "metrics": {"a": NaN, "b": -Infinity, "ok": true, "note": "x"}}',
      { e: "m", s: 2, v: { a: "NaN", b: "-Infinity", ok: 1 } },
    ],
    ["[1]", undefined],
    ["not json", undefined],
    ['{"step": 2, "metrics": {"note": "x"}}', undefined],
  ])("a line of metrics.jsonl: %s", (text, expected) => {
    const line = pointLine(text);
    expect(line && JSON.parse(line)).toEqual(expected);
  });

  test("what metrics.json says, with what stands within", () => {
    const text = '{"acc": 0.9, "loss": NaN, "note": "x", "ok": true, "by": {"class": {"cat": 1}}}';
    expect(finalsLine(text)).toEqual({ line: '{"e":"u","v":{"acc":0.9,"loss":"NaN","by.class.cat":1}}' });
    expect(finalsLine('{"note": "x"}')).toEqual({ line: undefined });
    expect(finalsLine("[]")).toEqual({ problem: "is no object" });
    expect(finalsLine("{")).toMatchObject({ problem: expect.stringMatching(/^is not valid JSON/) });
  });
});

describe("EXP", () => {
  const metadata = (more: object) =>
    JSON.stringify({
      ...{ name: "cnn", command: "python x.py", tags: ["a", 1], timestamp: "2026-03-01T20:00:00.123456+08:00" },
      ...{ status: "finished", current_run_id: "run_0002", description: null },
      ...more,
    });
  const at = Date.UTC(2026, 2, 1, 12, 0, 9);

  test("everything that is taken", () => {
    expect(readExpMetadata("cnn_2026-03-01__20-00-00", metadata({ description: "why" }), at)).toEqual({
      kind: "completed",
      run: {
        directory: "cnn_2026-03-01__20-00-00",
        configJson: '{"name":"cnn","description":"why"}',
        command: "python x.py",
        startedAt: Date.UTC(2026, 2, 1, 12, 0, 0, 123),
        finishedAt: at,
        tags: ["a"],
      },
    });
  });

  test.each([
    [metadata({ status: "error" }), "error"],
    [metadata({ status: "pending" }), "pending"],
    [metadata({ name: undefined }), "metadata.json lacks a name, a command or a status"],
    [metadata({ timestamp: "yesterday" }), "metadata.json has no time that can be read"],
    [metadata({ command: "x".repeat(70_000) }), "name, command and description have more than 64 KiB"],
    ["{", "metadata.json is not valid JSON: a key in double quotes is expected"],
    ["3", "metadata.json is no object"],
  ])("%#", (text, expected) => {
    const found = readExpMetadata("d", text, at);
    expect(found.kind === "damaged" ? found.problem : found.kind === "not-completed" && found.status).toBe(expected);
  });

  test.each([
    [{ timestamp: "2026-03-01T20:00:00" }, at - 9000],
    [{ timestamp: "2026-03-01T12:00:00Z" }, at - 9000],
  ])("%j", (more, startedAt) => {
    expect(readExpMetadata("d", metadata(more), at)).toMatchObject({ run: { startedAt } });
  });

  test.each([
    ["run_0002", ["run_0001.csv", "run_0002.csv"]],
    ["run_0010", ["run_0001.csv", "run_0002.csv", "run_0010.csv"]],
    ["own", ["own.csv"]],
    ["../../x", []],
    [null, []],
  ])("tables of %s: those before it in the directory too", (current_run_id, expected) => {
    const names = ["run_0010.csv", "run_0002.csv", "own.csv", "run_0001.csv", "run_0011.csv", "run_0001.csv.bak"];
    expect(metricsFilesOf(metadata({ current_run_id }), names)).toEqual(expected);
  });

  test("rows keep their cells as they stand in the table", () => {
    expect(csvCells('0.1, x,"a, ""b""\nc",\r\n')).toEqual(["0.1", " x", 'a, "b"\nc', ""]);
    expect(csvCells("\r\n")).toBeUndefined();
    expect(csvCells('"1\n')).toBeUndefined();
    expect(rowLine(["acc", "note", "step"], ["0.1", "", "1"])).toBe('{"e":"r","v":{"acc":"0.1","note":"","step":"1"}}');
  });
});

test.each([
  ["2026-03-01T12:00:00+00:00", "Z", 0],
  ["2026-03-01T20:00:00", "+08:00", 0],
  ["2026-03-01 12:00:00.250", "Z", 250],
  ["2026-03-01", "Z", undefined],
  [5, "Z", undefined],
  ["2026-13-01T12:00:00Z", "Z", undefined],
])("time %s", (text, offset, ms) => {
  expect(timeOf(text, offset)).toBe(ms === undefined ? undefined : Date.UTC(2026, 2, 1, 12) + ms);
});
