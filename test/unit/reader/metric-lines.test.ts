/** The short way through metric lines says what the full parser says, or that it does not know. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MetricLines } from "../../../coordinator/reader/metric-lines.ts";
import { parseClientLine } from "../../../shared/run/client-event.ts";

const KEYS = ["loss", "val/acc", "学习率", "a b", "x,y"];

function linesThatKnow(keys: readonly string[]): MetricLines<string> {
  const lines = new MetricLines<string>();
  for (const key of keys) lines.know(key, key);
  return lines;
}

/** What it read of one line that stands within others; undefined where it did not. */
function read(lines: MetricLines<string>, line: string) {
  const data = Buffer.from(`9}\n${line}\n{"e":"m"`);
  if (!lines.read(data, 3, 3 + Buffer.byteLength(line))) return undefined;
  const said = (value: number) => (Number.isNaN(value) ? undefined : value);
  const values = lines.columns.slice(0, lines.count).map((key, i) => [key, lines.values[i]]);
  return { at: said(lines.at), step: said(lines.step), values };
}

function parsed(line: string) {
  const event = parseClientLine(line);
  if (event?.kind !== "metric" && event?.kind !== "system") return undefined;
  return { at: event.at, step: event.kind === "metric" ? event.step : undefined, values: [...event.values] };
}

describe("what it reads, it reads right", () => {
  test.each([
    '{"e":"m","s":1,"v":{"loss":0.5}}',
    '{"e":"m","t":1700000000.123,"s":12,"v":{"loss":0.25,"val/acc":-0.0}}',
    '{"e": "m", "t": 1.5, "s": 3, "v": {"loss": 1e-05, "a b": 12E+3}}',
    '{"v":{"学习率":1},"s":3,"e":"m"}',
    '{"e":"m","v":{}}',
    '{"e":"m","v":{"loss":1},"c":{"split":"train","a":"é"}}',
    '{"e":"s","t":9,"s":4,"v":{"loss":3}}',
    '{"e":"m","t":1e999,"s":-1e999,"v":{"loss":1e999}}',
    '{"e":"m","v":{"loss":0.1234567890123456789012}}',
  ])("%s", (line) => {
    expect(read(linesThatKnow(KEYS), line)).toEqual(parsed(line));
    expect(parsed(line)).toBeDefined();
  });

  test("any number that can be written", () => {
    const lines = linesThatKnow(KEYS);
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: -10, max: 10, noNaN: true }),
      fc.integer(),
      fc.maxSafeInteger(),
    );
    const text = number.chain((value) =>
      fc.constantFrom(JSON.stringify(value), value.toExponential(), value.toPrecision(17), value.toPrecision(19)),
    );
    fc.assert(
      fc.property(text, (value) => {
        const line = `{"e":"m","v":{"loss":${value}}}`;
        expect(read(lines, line)?.values).toEqual([["loss", JSON.parse(value)]]);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("what it does not know is left to the full parser", () => {
  test.each([
    "",
    "{",
    '{"e":"m"}',
    '{"e":"u","v":{"loss":1}}',
    '{"e":"m","v":{"new":1}}',
    '{"e":"m","v":{"loss":"NaN"}}',
    '{"e":"m","v":{"loss":NaN}}',
    '{"e":"m","v":{"loss":true}}',
    '{"e":"m","v":{"loss":01}}',
    '{"e":"m","v":{"loss":1.}}',
    '{"e":"m","v":{"loss":.5}}',
    '{"e":"m","v":{"loss":1e}}',
    '{"e":"m","v":{"loss":-}}',
    '{"e":"m","v":{"loss":+1}}',
    '{"e":"m","v":{"loss":1,"loss":2}}',
    '{"e":"m","v":{"lo\\u0073s":1}}',
    '{"e":"m","e":"m","v":{"loss":1}}',
    '{"e":"m","v":{"loss":1}} x',
    '{"e":"m","v":{"loss":1},}',
    '{"e":"m","v":{"loss":1}',
    '{"e":"m","v":{"loss":12',
    '{"e":"m","z":1,"v":{"loss":1}}',
    '{"e":"m","c":{"k":1},"v":{"loss":1}}',
    '{"e":"m","c":{"k":"a\tb"},"v":{"loss":1}}',
    ' {"e":"m","v":{"loss":1}}',
  ])("%s", (line) => {
    expect(read(linesThatKnow(KEYS), line)).toBeUndefined();
  });

  test("and no line is read otherwise, whatever is broken in it", () => {
    const lines = linesThatKnow(KEYS);
    const whole = '{"e":"m","t":17.25,"s":3,"v":{"loss":0.125,"val/acc":1e-3},"c":{"split":"val"}}';
    const broken = fc
      .tuple(
        fc.nat(whole.length - 1),
        fc.nat(3),
        fc.constantFrom("", '"', "{", "}", ",", ":", "0", "e", "-", ".", " ", "\\"),
      )
      .map(([at, count, put]) => whole.slice(0, at) + put + whole.slice(at + count));
    fc.assert(
      fc.property(broken, (line) => {
        const quick = read(lines, line);
        if (quick) expect(quick).toEqual(parsed(line));
      }),
      { numRuns: 20_000 },
    );
  });
});
