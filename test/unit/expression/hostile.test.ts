/** Texts that mean harm: each ends in one problem, soon, and reaches nothing of JavaScript. */
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../shared/expression/evaluate.ts";
import { DEPTH_MAX, EXPRESSION_CHARS_MAX, NODES_MAX, STRING_CHARS_MAX } from "../../../shared/expression/limits.ts";
import { parseExpression } from "../../../shared/expression/parse.ts";
import type { Value } from "../../../shared/expression/value.ts";

/** Well under a second also on a loaded machine. */
const SOON_MS = 500;

const A = "a".repeat(STRING_CHARS_MAX);
const NAMES = new Map<string, Value>([
  ["t", { x: 1 }],
  ["long", A],
  ["thousand", Array.from({ length: 1_000 }, () => 0)],
  ["digits", `${"1".repeat(STRING_CHARS_MAX)}x`],
  ["underscores", `${"1_".repeat(STRING_CHARS_MAX / 2)}x`],
  ["half", `b${A.slice(STRING_CHARS_MAX / 2)}`],
]);

function problemKind(text: string): string | undefined {
  const start = performance.now();
  const { expression, problem } = parseExpression(text);
  const found = problem ?? (expression && evaluate(expression, (name) => NAMES.get(name)).problem);
  expect(performance.now() - start).toBeLessThan(SOON_MS);
  if (found) {
    expect(found.start).toBeLessThanOrEqual(found.end);
    expect(found.message).not.toContain("\n");
    expect(found.message.length + (found.hint ?? "").length).toBeLessThan(600);
  }
  return found?.kind;
}

describe("nothing of JavaScript can be reached", () => {
  const inherited = [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "__defineGetter__",
  ];
  test.each(inherited)("%s", (name) => {
    expect(problemKind(name)).toBe("name");
    expect(problemKind(`t.${name}`)).toBe("name");
    expect(problemKind(`t["${name}"]`)).toBe("name");
    expect(problemKind(`t["${name.slice(0, 2)}" + "${name.slice(2)}"]`)).toBe("name");
    expect(problemKind(`${name}("x")`)).toBe("syntax");
    expect(problemKind(`t.${name}("x")`)).toBe("syntax");
    expect(problemKind(`"".${name}`)).toBe("type");
    expect(problemKind(`[].${name}`)).toBe("type");
    expect(problemKind(`(1).${name}`)).toBe("type");
    expect(problemKind(`"${name}" in t`)).toBeUndefined();
  });

  test("not by 'in' either", () => {
    const { expression } = parseExpression('"constructor" in t or "length" in thousand or defined(t.toString)');
    expect(expression && evaluate(expression, (name) => NAMES.get(name)).value).toBe(false);
  });

  test.each(["[].length", "thousand.length", "long.length", "thousand[0.5]", "thousand['0']"])("%s", (text) => {
    expect(problemKind(text)).toBe("type");
  });
});

const deep = (open: string, inside: string, close: string, count: number) =>
  open.repeat(count) + inside + close.repeat(count);

describe("too much of something", () => {
  test.each<[string, string, string | undefined]>([
    ["10^6 characters", "1+".repeat(500_000), "limit"],
    ["10^6 brackets", "(".repeat(1_000_000), "limit"],
    ["one character too many", "1".padEnd(EXPRESSION_CHARS_MAX + 1), "limit"],
    ["as many as allowed", "1".padEnd(EXPRESSION_CHARS_MAX), undefined],
    ["deep brackets", deep("(", "1", ")", 900), "limit"],
    ["brackets one too deep", deep("(", "1", ")", DEPTH_MAX), "limit"],
    ["brackets as deep as allowed", deep("(", "1", ")", DEPTH_MAX - 1), undefined],
    ["deep lists", deep("[", "", "]", 900), "limit"],
    ["deep calls", deep("abs(", "1", ")", 300), "limit"],
    ["many nots", `${"not ".repeat(400)}1`, "limit"],
    ["many signs", `${"-".repeat(1_500)}1`, "limit"],
    ["many powers", `1${"**1".repeat(600)}`, "limit"],
    ["many conditions", `${"1 if 0 else ".repeat(150)}1`, "limit"],
    ["many members", `t${".x".repeat(900)}`, "limit"],
    ["many elements of elements", `thousand${"[0]".repeat(400)}`, "limit"],
    ["a long sum", `1${"+1".repeat((NODES_MAX - 1) / 2)}`, undefined],
    ["one summand too many", `1${"+1".repeat(NODES_MAX / 2)}`, "limit"],
    ["an open string", `"${"a".repeat(1_900)}`, "syntax"],
    ["many open brackets and a string", `${"[".repeat(40)}'`, "syntax"],
    ["a huge integer", "9".repeat(1_999), "value"],
    ["a huge hexadecimal", `0x${"f".repeat(1_900)}`, "value"],
    ["a huge exponent", "1e999999999 > 1", undefined],
    ["a huge power", "9 ** 9 ** 9 ** 9", "value"],
    ["a huge float power", "9.0 ** 9.0 ** 9.0", "value"],
    ["a long string repeated", "'a' * 10 ** 15", "limit"],
    ["strings doubled", `(long + 'a')`, "limit"],
    ["a list repeated", "[0] * 10 ** 15", "limit"],
    ["lists joined", "thousand + thousand", "limit"],
    ["lists of lists of lists compared", "[[[0] * 1000] * 1000] * 1000 == [[[0] * 1000] * 1000] * 1000", "limit"],
    ["lists of lists in order", "[thousand * 1] * 1000 < [thousand] * 1000", "limit"],
    ["lists of lists as text", "str([[[0] * 1000] * 1000] * 1000)", "limit"],
    ["a glob of many stars", `glob(long, '${"*a".repeat(400)}b')`, undefined],
    ["a glob tried at every place", `glob(long, '*${"a".repeat(900)}b')`, "limit"],
    ["a glob of stars, short", `glob('${"a".repeat(60)}', '${"*a".repeat(60)}*b')`, undefined],
    ["no float, after many digits", "float(digits)", "value"],
    ["no float, after many underscores", "float(underscores)", "value"],
    ["no integer, after many digits", "int(digits)", "value"],
    ["a character of a long string", "long[99999]", undefined],
    ["many characters of a long string", `long[0]${"+long[0]".repeat(150)}`, "limit"],
    ["the length of a long string, often", `len(long)${"+len(long)".repeat(150)}`, undefined],
    ["long strings in order, often", `long<=long${"<=long".repeat(300)}`, undefined],
    ["a long needle", "half in long", "limit"],
    ["a short needle", "'b' in long", undefined],
    ["a rounding beyond all digits", "round(1.5, 10 ** 15) + round(1.5, -10 ** 15) + round(5, -10 ** 15)", undefined],
  ])("%s", (_name, text, kind) => {
    expect(problemKind(text)).toBe(kind);
  });

  test("a line of random characters is a value or one problem", () => {
    const characters = "ab1.0'\"\\()[],+-*/%<>=!& \n\t_éx😀\u0000ifelsenotinand$";
    let state = 12345;
    for (let i = 0; i < 3_000; i++) {
      let text = "";
      for (let length = state % 40; length >= 0; length--) {
        state = (state * 1103515245 + 12345) % 2147483648;
        text += characters[Math.floor(state / 65536) % characters.length] ?? "";
      }
      problemKind(text);
    }
  });
});
