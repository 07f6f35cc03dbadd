/** Files of trials and of values: what their cells mean, and where they are wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTrials, readValueLines, type TrialFormat, trialFormatOf } from "../../../shared/sampling/trials.ts";
import { paramsToJson } from "../../../shared/spec/params-json.ts";
import { FloatParam } from "../../../shared/spec/types.ts";
import { valueJson } from "../../../shared/spec/value-text.ts";

/** Each trial as `line: JSON`. */
function linesOf(text: string, format: TrialFormat): string[] {
  const read = readTrials({ path: "t", text }, format);
  if ("problem" in read) throw new Error(read.problem.message);
  return read.trials.map(({ params, line }) => `${line}: ${paramsToJson(params)}`);
}

describe("csv", () => {
  test("numbers, booleans and texts are told apart, ints from floats", () => {
    const text =
      'lr,optim.name,n,amp,note\n1e-05,adam,1,true,"a, ""b""\nc"\n1.0,,007,False,""\n.5,nan,-0,TRUE,[1,2.0]\n';
    expect(() => linesOf(text, "csv")).toThrow(/6 fields where the first line has 5/);
    expect(linesOf(text.replace("[1,2.0]", '"[1,2.0]"'), "csv")).toEqual([
      '2: {"lr":1e-05,"optim.name":"adam","n":1,"amp":true,"note":"a, \\"b\\"\\nc"}',
      '4: {"lr":1.0,"n":"007","amp":false,"note":""}',
      '5: {"lr":0.5,"optim.name":"nan","n":0,"amp":true,"note":[1,2.0]}',
    ]);
  });

  test("CR LF, a byte order mark, empty lines, no line break at the end, spaces around", () => {
    expect(linesOf("\uFEFFa, b\r\n1,\t2 \r\n\r\n3,4", "csv")).toEqual(['2: {"a":1,"b":2}', '4: {"a":3,"b":4}']);
  });

  test("quotes around JSON text keep what looks like a number a text", () => {
    expect(linesOf('a,b\n"""1""","{""x"": [1]}"\n', "csv")).toEqual(['2: {"a":"1","b":{"x":[1]}}']);
    expect(linesOf("a\n[not json\n", "csv")).toEqual(['2: {"a":"[not json"}']);
  });

  test("what a writer of CSV writes is read back", () => {
    const cell = fc.oneof(
      fc.integer(),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => new FloatParam(x)),
      fc.stringMatching(/^[a-z ,"\n]{1,12}$/).filter((x) => x.trim() === x && !/^(true|false)$|^"/.test(x)),
    );
    const rows = fc.integer({ min: 1, max: 4 }).chain((n) => {
      return fc.array(fc.array(cell, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 5 });
    });
    fc.assert(
      fc.property(rows, fc.constantFrom("\n", "\r\n"), (table, newline) => {
        const names = (table[0] ?? []).map((_, i) => `p${i}`);
        const write = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        const textOf = (value: (typeof table)[0][0]) => (typeof value === "string" ? value : valueJson(value));
        const text = [names.join(), ...table.map((row) => row.map((value) => write(textOf(value))).join())].join(
          newline,
        );
        const read = readTrials({ path: "t", text }, "csv");
        if ("problem" in read) throw new Error(read.problem.message);
        const values = read.trials.map(({ params }) => [...params.values()].map(valueJson));
        expect(values).toEqual(table.map((row) => row.map(valueJson)));
      }),
    );
  });
});

describe("json", () => {
  test("a list of objects; tables are dotted, null is absent", () => {
    const text = '[\n {"lr": 1, "optim": {"name": "a", "b": null}},\n {"lr": 1.0, "optim.betas": [0.9, 1]}\n]';
    const expected = ['{"lr":1,"optim.name":"a"}', '{"lr":1.0,"optim.betas":[0.9,1]}'];
    expect(linesOf(text, "json")).toEqual(expected.map((line, i) => `${i + 2}: ${line}`));
  });

  test("one object a line", () => {
    expect(linesOf('{"a": 1}\n\n{"a": {"b": 2e0}}\r\n', "jsonl")).toEqual(['1: {"a":1}', '3: {"a.b":2.0}']);
  });
});

test.each<[TrialFormat, string, string]>([
  ["csv", "", "1:1 the file has no trials"],
  ["csv", "a,b\n", "1:1 the file has no trials"],
  ["csv", "a,a\n1,2", '1:3+1 two columns are called "a"'],
  ["csv", ",a\n0,2", "1:1 column 1 has no name"],
  ["csv", "a,b c\n0,2", '1:3+3 "b c" cannot be a parameter\'s name'],
  ["csv", "a,__proto__\n0,2", '1:3+9 "__proto__" cannot be part of a parameter\'s name'],
  ["csv", "a,b\n1,2\n3", "3:1+1 1 fields where the first line has 2"],
  ["csv", "a,b\n1,2,3", "2:1+5 3 fields where the first line has 2"],
  ["csv", 'a,b\n1,"2', "2:3+1 the quotes of this field do not end"],
  ["csv", 'a,b\n1,"2"3', "2:6+1 a comma or the end of the line is expected after the quotes"],
  ["csv", 'a,b\n1,2"3', "2:4+1 a quote within a field; a field that holds quotes is put in quotes"],
  ["csv", "a\n9007199254740993", "2:1+16 an integer beyond 2^53"],
  ["csv", "a\n1e999", "2:1+5 1e999 is beyond what a float holds"],
  ["json", "[{]", "1:3+1 not valid JSON: a key in double quotes is expected"],
  ["json", '{"a": 1}', "1:1+1 a list of objects is expected, not a table"],
  ["json", "[\n1]", "2:1+1 an object is expected, not an integer"],
  ["json", "[]", "1:1 the file has no trials"],
  ["json", '[{"a": [null]}]', "1:8+6 null is no value within a list or table"],
  ["json", '[{"a.b": 1, "a": {"b": 2}}]', '1:19+3 "a.b" is set twice'],
  ["json", '[{"a": {"constructor": 2}}]', '1:9+13 "constructor" cannot be part'],
  ["jsonl", '{"a": 1}\n{"a": }', "2:7+1 not valid JSON: a value is expected"],
  ["jsonl", '{"a": 1}\n[2]', "2:1+3 an object is expected, not a list"],
])("%s %j is wrong at its place", (format, text, expected) => {
  const read = readTrials({ path: "trials.x", text }, format);
  if (!("problem" in read)) throw new Error("it was accepted");
  const { place, message } = read.problem;
  const length = place?.length === undefined ? "" : `+${place.length}`;
  expect(`${place?.line}:${place?.column}${length} ${message}`).toContain(expected);
  expect(place?.file).toBe("trials.x");
});

test("values, one a line", () => {
  const read = readValueLines({ path: "ids.txt", text: "\uFEFF# ids\n1\n 2.0 \r\n\ntrue\ns 1\n007\n" });
  expect("values" in read && read.values.map(valueJson)).toEqual(["1", "2.0", "true", '"s 1"', '"007"']);
  expect(readValueLines({ path: "ids.txt", text: "# none\n" })).toMatchObject({ problem: { place: { line: 1 } } });
  const bad = readValueLines({ path: "ids.txt", text: "1\n1e999\n" });
  expect(bad).toMatchObject({ problem: { place: { file: "ids.txt", line: 2, column: 1 } } });
});

test("the format is told by the name", () => {
  expect(["a.csv", "a.JSON", "b/c.jsonl", "a.txt", "csv"].map(trialFormatOf)).toEqual([
    "csv",
    "json",
    "jsonl",
    undefined,
    undefined,
  ]);
});
