import { describe, expect, test } from "vitest";
import { csvCell, csvText, markdownText } from "../../../cli/render/delimited.ts";
import { errorJson, errorText } from "../../../cli/render/error.ts";
import { progressBar, progressBlock, progressLine } from "../../../cli/render/progress.ts";
import { countsText, varyingParams } from "../../../cli/render/runs.ts";
import { type Column, tableText } from "../../../cli/render/table.ts";
import { escapeControl, shellWord, shortNumber } from "../../../cli/render/text.ts";
import { displayWidth, truncate } from "../../../cli/render/width.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { runFromProto } from "../../../shared/wire/views.ts";
import { aRun } from "../../helpers/control-server.ts";

describe("width", () => {
  test.each([
    ["", 0],
    ["abc", 3],
    ["学習率", 6],
    ["e\u0301", 1],
    ["한글", 4],
    ["ｆｕｌｌ", 8],
    ["🙂", 2],
    ["é", 1],
  ])("%s is %i wide", (text, width) => expect(displayWidth(text)).toBe(width));

  test.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["学習率", 5, "学習…"],
    ["学習率", 4, "学…"],
    ["abc", 0, ""],
  ])("%s in %i columns", (text, width, expected) => {
    expect(truncate(text, width)).toBe(expected);
    expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
  });
});

describe("text", () => {
  test.each([
    ["plain é 学", "plain é 学"],
    ["\u001b]0;pwn\u0007", "\\x1b]0;pwn\\x07"],
    ["a\nb\tc\r", "a\\nb\\tc\\r"],
    ["\u202egnp.exe", "\\u{202e}gnp.exe"],
    ["\u009b2J", "\\x9b2J"],
  ])("%j is shown as %s", (text, expected) => expect(escapeControl(text)).toBe(expected));

  test.each([
    [0.1 + 0.2, "0.3"],
    [1e-7, "1e-7"],
    [12345678, "12345678"],
    ["NaN", "NaN"],
  ])("number %s as %s", (value, expected) => expect(shortNumber(value)).toBe(expected));

  test.each([
    ["train.py", "train.py"],
    ["a b", "'a b'"],
    ["it's", "'it'\\''s'"],
    ["", "''"],
  ])("word %j as %s", (word, expected) => expect(shellWord(word)).toBe(expected));
});

interface Row {
  readonly name: string;
  readonly value: string;
}
const COLUMNS: Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "VALUE", cell: ({ value }) => value, align: "right" },
  { title: "WHY", cell: ({ name }) => `because of ${name}` },
];

describe("tables", () => {
  const rows = [
    { name: "学習", value: "1" },
    { name: "b", value: "" },
  ];

  test("columns line up, also under wide characters; empty cells are a dash", () => {
    expect(tableText(COLUMNS, rows, { width: undefined, color: false })).toBe(
      ["NAME  VALUE  WHY", "学習      1  because of 学習", "b         -  because of b", ""].join("\n"),
    );
  });

  test("no line is wider than the terminal", () => {
    const text = tableText(COLUMNS, [{ name: "x".repeat(80), value: "1" }], { width: 40, color: false });
    for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(40);
    expect(text).toContain("…");
  });

  test("user text cannot reach the terminal", () => {
    const text = tableText(COLUMNS, [{ name: "\u001b]0;pwn\u0007", value: "1" }], { width: undefined, color: false });
    expect(text.split("").filter((char) => char < " " && char !== "\n")).toEqual([]);
  });

  test("CSV quotes, and guards what a spreadsheet would run", () => {
    expect(csvText(COLUMNS, [{ name: "a,b", value: '"q"' }])).toBe('name,value,why\n"a,b","""q""","because of a,b"\n');
  });

  test.each([
    ["=1+1", '"\'=1+1"'],
    ["@x", '"\'@x"'],
    ["-0.5", "-0.5"],
    ["+1e9", "+1e9"],
    ["-rf", '"\'-rf"'],
    ["a\nb", '"a\nb"'],
  ])("CSV cell %j", (text, expected) => expect(csvCell(text)).toBe(expected));

  test("Markdown keeps bars inside cells", () => {
    expect(markdownText(COLUMNS.slice(0, 2), [{ name: "a|b", value: "1" }])).toBe(
      "| NAME | VALUE |\n| --- | ---: |\n| a\\|b | 1 |\n",
    );
  });
});

describe("errors", () => {
  test("with a place: what, where, how", () => {
    const place = { file: "sweep.toml", line: 14, column: 2, text: "[grdi]", length: 4 };
    const error = new AppError("invalid", '"grdi" is not a table of a sweep file', {
      id: "spec.unknown-table",
      place,
      hint: "did you mean [grid]?",
    });
    expect(errorText(error, false)).toBe(
      [
        'error[spec.unknown-table]: "grdi" is not a table of a sweep file',
        "  --> sweep.toml:14:2",
        "14 | [grdi]",
        "   |  ^^^^ did you mean [grid]?",
        "",
      ].join("\n"),
    );
    expect(JSON.parse(errorJson(error))).toEqual({
      error: { code: "invalid", id: "spec.unknown-table", message: error.message, hint: "did you mean [grid]?", place },
    });
  });

  test("without a place: one line", () => {
    const error = new AppError("invalid", "port 7717 is taken", {
      id: "up.port-taken",
      hint: "--port N takes another",
    });
    expect(errorText(error, false)).toBe("error[up.port-taken]: port 7717 is taken; --port N takes another\n");
  });

  test("the caret stands under wide characters", () => {
    const place = { file: "s.toml", line: 1, column: 4, text: "学習 = x", length: 1 };
    const lines = errorText(new AppError("invalid", "no", { place }), false).split("\n");
    expect(displayWidth((lines[3] ?? "").split("^")[0] ?? "")).toBe(displayWidth("1 | 学習 "));
  });
});

describe("progress", () => {
  const progress = {
    title: "digits.1",
    total: 12,
    counts: { queued: 2, running: 2, succeeded: 7, failed: 1 },
    catchingUp: 1,
    bestRef: "digits.1.4",
    bestValue: 0.91234567,
    bestMetric: "acc",
    elapsedMs: 80_000,
  };

  test("as a line", () => {
    expect(progressLine(progress)).toBe(
      "digits.1: 8 of 12 runs ended; 2 running, 2 queued, 7 succeeded, 1 failed; " +
        "output of 1 run still coming; best acc 0.91235 (digits.1.4)",
    );
  });

  test.each([
    [0, 8, "░░░░"],
    [4, 8, "██░░"],
    [799, 800, "███░"],
    [8, 8, "████"],
    [0, 0, "████"],
  ])("a bar of %i of %i, full only at the end", (ended, total, bar) => {
    expect(progressBar(ended, total, 4)).toBe(bar);
    expect(progressBar(ended, total, 0)).toBe("");
  });

  test.each([40, 80, 120])("as a block, no line wraps at %i columns", (width) => {
    const lines = progressBlock(progress, width, false);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
  });

  test("nothing to do counts as done", () => {
    expect(progressBlock({ ...progress, total: 0, counts: {} }, 80, false)[0]).toContain("0/0");
  });
});

describe("runs", () => {
  test("states in the order of interest", () => {
    expect(countsText({ failed: 1, queued: 11, running: 1, succeeded: 0 })).toBe("1 running, 11 queued, 1 failed");
  });

  test("only parameters that differ, or that some lack", () => {
    const runs = [aRun(1), aRun(2), aRun(3, { paramsJson: '{"lr":0.3,"depth":2,"extra":true}' })].map(runFromProto);
    expect(varyingParams(runs)).toEqual(["lr", "extra"]);
    expect(varyingParams(runs.slice(0, 1))).toEqual([]);
  });
});
