/** What EXP and ztxexp read, character by character. Expected texts were printed by CPython. */
import { describe, expect, test } from "vitest";
import { csvLine, sortColumns } from "../../../coordinator/results/exp-layout.ts";
import { cellOfNumber, jsonDocument, jsonLine, type PythonValue } from "../../../coordinator/results/python-text.ts";
import { runDirectory, streamPath } from "../../../coordinator/results/run-directory.ts";
import { isWritableTime, shanghaiStamp, shanghaiTime, utcTime } from "../../../coordinator/results/timestamps.ts";
import { numericCells } from "../../../shared/run/client-event.ts";
import { FloatParam } from "../../../shared/spec/types.ts";

describe("times", () => {
  test.each([
    [0, "1970-01-01T00:00:00.000000+00:00"],
    [1_763_690_000_123, "2025-11-21T01:53:20.123000+00:00"],
    [1_763_690_000_123.456, "2025-11-21T01:53:20.123456+00:00"],
    [999.9996, "1970-01-01T00:00:00.999999+00:00"],
    [1_763_690_000_001, "2025-11-21T01:53:20.001000+00:00"],
  ])("%d in UTC", (ms, text) => expect(utcTime(ms)).toBe(text));

  test("in Shanghai, over the end of a year", () => {
    const ms = Date.UTC(2025, 11, 31, 16, 0, 5);
    expect(shanghaiTime(ms)).toBe("2026-01-01T00:00:05.000000+08:00");
    expect(shanghaiStamp(ms + 999)).toBe("2026-01-01__00-00-05");
  });

  test.each([
    [0, true],
    [-1, false],
    [Date.UTC(9999, 11, 31), true],
    [Date.UTC(10_000, 0), false],
    [Number.NaN, false],
    [1e300, false],
  ])("%d can be written: %s", (ms, expected) => expect(isWritableTime(ms)).toBe(expected));
});

describe("JSON as Python prints it", () => {
  const value: PythonValue = {
    "2": "numbers as keys keep their place only in a Map",
    empty: {},
    list: [1, 1.5, new FloatParam(1), null, []],
    nested: new Map<string, PythonValue>([
      ["b", Number.NaN],
      ["1", Number.NEGATIVE_INFINITY],
      ["ü", 'a "quote"\n'],
    ]),
  };

  test("indented by two", () => {
    expect(jsonDocument(value)).toBe(`{
  "2": "numbers as keys keep their place only in a Map",
  "empty": {},
  "list": [
    1,
    1.5,
    1.0,
    null,
    []
  ],
  "nested": {
    "b": NaN,
    "1": -Infinity,
    "ü": "a \\"quote\\"\\n"
  }
}`);
  });

  test("on one line", () => {
    expect(jsonLine({ a: [1, { b: true }], c: new Map() })).toBe('{"a": [1, {"b": true}], "c": {}}');
  });
});

describe("cells", () => {
  test.each([
    [0.1, "0.1"],
    [1, "1"],
    [1e-5, "1e-05"],
    [0.0001, "0.0001"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1e22, "1e+22"],
    [-0, "-0.0"],
    [Number.NaN, "nan"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NEGATIVE_INFINITY, "-inf"],
  ])("number %d", (value, text) => expect(cellOfNumber(value)).toBe(text));

  test.each([
    [["a", "b"], "a,b\r\n"],
    [["a,b", 'say "hi"', "two\nlines", "cr\r", " x "], '"a,b","say ""hi""","two\nlines","cr\r", x \r\n'],
    [[""], '""\r\n'],
    [["", ""], ",\r\n"],
  ])("line %j", (cells, line) => expect(csvLine(cells)).toBe(line));

  test("columns are sorted by code point", () => {
    expect(sortColumns(["step", "acc", "Z", "\u{1F600}", "\uFF5E", "l"])).toEqual([
      "Z",
      "acc",
      "l",
      "step",
      "\uFF5E",
      "\u{1F600}",
    ]);
  });

  test("numbers among the cells of a row", () => {
    const cells = { a: "1", b: "1e-05", c: "nan", d: "True", e: "text", f: "", g: "-inf", h: "0x10", i: "1.", j: " 1" };
    const row = { kind: "row", at: undefined, cells: new Map(Object.entries(cells)) } as const;
    expect([...numericCells(row)]).toEqual([
      ["a", 1],
      ["b", 1e-5],
      ["c", Number.NaN],
      ["d", 1],
      ["g", Number.NEGATIVE_INFINITY],
      ["i", 1],
    ]);
  });
});

describe("places", () => {
  const place = { sweepRef: "digits.1", runRef: "digits.1.4", firstAssignedAt: 1_763_690_000_123 };

  test("of a run and its streams", () => {
    const directory = runDirectory("/r", place);
    expect(directory).toBe("/r/digits.1/digits.1.4_2025-11-21__09-53-20");
    expect(streamPath(directory, 12, "output")).toBe(`${directory}/terminal_logs/run_0012.log`);
    expect(streamPath(directory, 2, "client")).toBe(`${directory}/.exp/attempt-2.client.jsonl`);
    expect(streamPath(directory, 2, "status")).toBe(`${directory}/.exp/attempt-2.status.jsonl`);
  });

  test.each(["../x", "a/b", ".hidden", ""])("a handle %j never leaves the results", (runRef) => {
    expect(() => runDirectory("/r", { ...place, runRef })).toThrow(/is no handle/);
  });
});
