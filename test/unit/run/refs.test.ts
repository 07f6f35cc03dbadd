import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPicks, mergePicks, parseRef, REF_CHARS_MAX, type Ref, type SweepRef } from "../../../shared/run/refs.ts";

/** Readings in short: "digits#1[3-5]" is runs 3 to 5 of the first sweep "digits". */
function show(ref: Ref): string {
  if (ref.kind === "id") return ref.prefix;
  return `${showSweep(ref.sweep)}[${ref.picks === "all" ? "*" : formatPicks(ref.picks)}]`;
}

function showSweep(sweep: SweepRef): string {
  if (sweep.kind === "last") return `last~${sweep.back}`;
  return sweep.kind === "name" ? sweep.name : `${sweep.name}#${sweep.number}`;
}

function readings(text: string): string[] {
  const parsed = parseRef(text);
  return parsed.ok ? parsed.readings.map(show) : [`problem: ${parsed.problem}`];
}

describe("readings", () => {
  test.each([
    ["digits", ["digits[*]"]],
    ["digits.1", ["digits#1[*]", "digits.1[*]"]],
    ["digits.1.3", ["digits.1#3[*]", "digits.1.3[*]", "digits#1[3]"]],
    ["digits.1.3-5,9", ["digits#1[3-5,9]"]],
    ["digits.1.9,3-5,4-7", ["digits#1[3-7,9]"]],
    ["digits.1.*", ["digits#1[*]"]],
    ["resnet-lr.7.30-35", ["resnet-lr.7.30-35[*]", "resnet-lr#7[30-35]"]],
    ["a.b.2.1", ["a.b.2#1[*]", "a.b.2.1[*]", "a.b#2[1]"]],
    ["last", ["last~0[*]"]],
    ["last~2", ["last~2[*]"]],
    ["last.3", ["last#3[*]", "last.3[*]", "last~0[3]"]],
    ["last~2.*", ["last~2[*]"]],
    ["run_01jd", ["run_01JD", "run_01jd[*]"]],
    ["digits.01", ["digits.01[*]"]],
  ])("%s", (text, expected) => {
    expect(readings(text)).toEqual(expected);
  });
});

describe("refusals", () => {
  test.each([
    ["", "is empty"],
    ["x".repeat(REF_CHARS_MAX + 1), "is longer than"],
    ["../x", "is no reference"],
    ["a b", "is no reference"],
    ["digits.*", "is no reference"],
    ["digits.1.0,2", "counts runs from 1"],
    ["last.5-3,9", "has the range 5-3 backwards"],
    ["-", "is no reference"],
  ])("%j", (text, expected) => {
    expect(readings(text)[0]).toContain(`problem: ${expected}`);
  });
});

test("any text is read or refused, in bounded time, without a throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z.0-9,*~-]{0,40}$/)), (text) => {
      const parsed = parseRef(text);
      expect(parsed.ok ? parsed.readings.length : parsed.problem.length).toBeGreaterThan(0);
    }),
  );
});

test("merged picks name the same positions, sorted and apart", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(8)).map(([from, more]) => ({ from, to: from + more }));
  const positions = (picks: readonly { from: number; to: number }[]) =>
    new Set(picks.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1 }), (picks) => {
      const merged = mergePicks(picks);
      expect(positions(merged)).toEqual(positions(picks));
      for (const [i, { from }] of merged.entries()) expect(from).toBeGreaterThan((merged[i - 1]?.to ?? -1) + 1);
    }),
  );
});
