/** Directories that EXP and ztxexp left: which count as completed, what is taken from them, and which are damaged. */
import { describe, expect, test } from "vitest";
import { readExpMetadata, readExpMetrics } from "../../../shared/compat/exp-run.ts";
import { timeOf } from "../../../shared/compat/imported-run.ts";
import { readZtxexpRun, type ZtxexpFiles } from "../../../shared/compat/ztxexp-run.ts";

const NONE: ZtxexpFiles = {
  runJson: undefined,
  configJson: undefined,
  metaJson: undefined,
  metricsJson: undefined,
  metricsJsonl: undefined,
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
      metricsJson: '{"acc": 0.9, "loss": NaN, "note": "x", "ok": true, "by": {"class": {"cat": 1}}}',
      metricsJsonl: [
        '{"step": 1, "timestamp": "t", "metrics": {"acc": 0.1, "lr": 0.5}, "split": "train", "phase": "fit"}',
        "[1]",
        "not json",
        '{"step": 2, "timestamp": "t", "metrics": {"acc": 0.2}}',
        "",
      ].join("\n"),
    });
    expect(found).toEqual({
      kind: "completed",
      run: {
        directory: "20260301_120000_1a2b3c4d",
        configJson: '{"lr":1.0,"n":1,"bad":NaN}',
        command: "main.py --fast",
        startedAt: Date.UTC(2026, 2, 1, 12, 0, 0, 500),
        finishedAt: Date.UTC(2026, 2, 1, 12, 0, 8),
        metrics: [
          { key: "acc", value: 0.9, step: 2, count: 2 },
          { key: "lr", value: 0.5, step: 1, count: 1 },
          { key: "loss", value: Number.NaN, step: undefined, count: 1 },
          { key: "by.class.cat", value: 1, step: undefined, count: 1 },
        ],
        tags: ["team=vision", "n=1"],
      },
    });
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
      found: {
        kind: "completed",
        run: {
          directory: "cnn_2026-03-01__20-00-00",
          configJson: '{"name":"cnn","description":"why"}',
          command: "python x.py",
          startedAt: Date.UTC(2026, 2, 1, 12, 0, 0, 123),
          finishedAt: at,
          metrics: [],
          tags: ["a"],
        },
      },
      metricsFile: "run_0002.csv",
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
    const { found } = readExpMetadata("d", text, at);
    expect(found.kind === "damaged" ? found.problem : found.kind === "not-completed" && found.status).toBe(expected);
  });

  test.each([
    [{ timestamp: "2026-03-01T20:00:00" }, at - 9000],
    [{ timestamp: "2026-03-01T12:00:00Z" }, at - 9000],
  ])("%j", (more, startedAt) => {
    expect(readExpMetadata("d", metadata(more), at).found).toMatchObject({ run: { startedAt } });
  });

  test("a file name that leads elsewhere is not followed", () => {
    expect(readExpMetadata("d", metadata({ current_run_id: "../../x" }), at).metricsFile).toBeUndefined();
  });

  test("last number in each column; nothing where there is none", () => {
    const table = 'acc,loss,note,step\r\n0.1,0.5,"a, ""b""\nc",1\r\n,nan,,2\r\n0.3,,True,3\r\n';
    expect(readExpMetrics(table)).toEqual([
      { key: "acc", value: 0.3, step: 3, count: 2 },
      { key: "loss", value: Number.NaN, step: 2, count: 2 },
      { key: "step", value: 3, step: 3, count: 3 },
      { key: "note", value: 1, step: 3, count: 1 },
    ]);
    expect(readExpMetrics("")).toEqual([]);
    expect(readExpMetrics('a\r\n"1')).toEqual([]);
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
