/** What the table from Python cannot hold: names, units, what is refused and how it is said. */
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../shared/expression/evaluate.ts";
import { checkNames, namesOf } from "../../../shared/expression/names.ts";
import { type Expression, parseExpression } from "../../../shared/expression/parse.ts";
import { expressionError, findingOf } from "../../../shared/expression/problem.ts";
import type { Value } from "../../../shared/expression/value.ts";
import { FloatParam } from "../../../shared/spec/types.ts";

const NAMES = new Map<string, Value>([
  ["lr", new FloatParam(0.001)],
  ["batch_size", 32],
  ["model", "resnet"],
  ["optim.lr", new FloatParam(0.5)],
  ["optim", { lr: 1, name: "adam", "weight-decay": 0 }],
  ["a.b", { c: 1 }],
  ["a", { b: { c: 2, d: 3 } }],
  ["metrics.val/acc", new FloatParam(0.9)],
  ["größe", 7],
  ["lambda", 2],
]);

function parse(text: string): Expression {
  const { expression, problem } = parseExpression(text);
  if (!expression) throw new Error(`${text}: ${problem.message}`);
  return expression;
}

/** The value, or the problem as one line: the place in brackets, then message and hint. */
function result(text: string): unknown {
  const { expression, problem } = parseExpression(text);
  const evaluated = expression
    ? evaluate(
        expression,
        (name) => NAMES.get(name),
        () => NAMES.keys(),
      )
    : { problem };
  const wrong = evaluated.problem;
  if (!wrong) return evaluated.value;
  const { kind, message, start, end, hint } = wrong;
  const marked = `${text.slice(0, start)}[${text.slice(start, end)}]${text.slice(end)}`;
  return `${kind}: ${marked} ${message}${hint ? `; ${hint}` : ""}`;
}

describe("names", () => {
  test.each<[string, unknown]>([
    ["batch_size", 32],
    ["größe", 7],
    // No keyword here, and a common parameter.
    ["lambda * 2", 4],
    // A dotted name as a whole comes before the member of a table.
    ["optim.lr", new FloatParam(0.5)],
    ['optim["lr"]', new FloatParam(0.5)],
    ["optim.name", "adam"],
    ['optim["weight-decay"]', 0],
    ["optim['na' + 'me']", "adam"],
    ["a.b.c", 1],
    ["a.b.d", 3],
    ['metrics["val/acc"]', new FloatParam(0.9)],
    ["model[0] + model[-1]", "rt"],
    ["defined(lr) and defined(optim.name) and not defined(optim.x) and not defined(lrr)", true],
    ['defined(metrics["val/acc"])', true],
  ])("%s", (text, value) => {
    expect(result(text)).toEqual(value);
  });

  test("of an expression, in the order of its text", () => {
    const text = 'x.y > 1 and (lr if defined(z) else b) in [lr, f] or metrics["val/acc"] < -min(q, t[lr])';
    expect(namesOf(parse(text))).toEqual(["x.y", "lr", "z", "b", "f", "metrics.val/acc", "q", "t"]);
  });

  test("are checked before anything is evaluated", () => {
    const known = new Set(["lr", "optim"]);
    const check = (text: string) => checkNames(parse(text), known)?.message;
    expect(check("lr > optim.lr")).toBeUndefined();
    expect(check("lr > 1 or lrr > 1")).toBe('nothing is called "lrr"');
    expect(check("not defined(extra) or extra > 1")).toBeUndefined();
    expect(check("defined(extra) and other")).toBe('nothing is called "other"');
  });
});

describe("units", () => {
  test.each<[string, unknown]>([
    ["24GB", 24_000_000_000],
    ["24GiB == 24 * 2 ** 30", true],
    ["1.5 kB", 'syntax: 1.5 [kB] an operator is missing before "kB"'],
    ["1.5kB", 1500],
    ["512B", 512],
    ["30m", 1800],
    ["1h30m", 5400],
    ["2d > 47h", true],
    ["90s + 250ms", new FloatParam(90.25)],
    ["1500ms", new FloatParam(1.5)],
    ["2000ms", 2],
    ["1e3", new FloatParam(1000)],
    ["0b1", 1],
    ["-30m", -1800],
  ])("%s", (text, value) => {
    expect(result(text)).toEqual(value);
  });
});

const UNITS =
  "units are ms s m h d (in seconds) and B kB MB GB TB KiB MiB GiB TiB (in bytes); an operator or a space may be missing";

describe("problems say what, where and how", () => {
  test.each([
    ["", "syntax: [] the expression is empty"],
    ["   ", "syntax:    [] the expression is empty"],
    ["1 +", "syntax: 1 +[] the expression ends where a value is missing"],
    ["(1 + 2", 'syntax: (1 + 2[] ")" is missing here'],
    ["[1, 2", 'syntax: [1, 2[] "]" is missing here'],
    ["1 2", "syntax: 1 [2] an operator is missing before this value"],
    ["lr < 1 AND model", 'syntax: lr < 1 [AND] model an operator is missing before "AND"; did you mean and?'],
    ["lr)", 'syntax: lr[)] ")" cannot stand here'],
    ["* 2", 'syntax: [*] 2 a value is missing before "*"'],
    ["lr = 1", "syntax: lr [=] 1"],
    ["lr && 1", "syntax: lr [&&] 1"],
    ["!lr", "syntax: [!]lr"],
    ["lr ? 1 : 2", "syntax: lr [?] 1 : 2"],
    ["${lr}", "syntax: [$]{lr}"],
    ["1 if lr", 'syntax: 1 if lr[] "else" is missing after "if" and its condition'],
    ["1 + not lr", "syntax: 1 + [not] lr"],
    ["lr not 1", 'syntax: lr not [1] "in" is missing after "not"'],
    ["lr is 1", 'syntax: lr is [1] "is" takes None, True or False; write =='],
    ["'abc", "syntax: ['abc] the string has no closing quote"],
    ["'abc\n'", "syntax: ['abc]\n' the string has no closing quote"],
    ["'\\x0'", "syntax: '[\\x]0' \\x needs 2 hexadecimal digits of a character"],
    ["'\\0'", "syntax: ['\\0'] a string cannot hold a NUL character"],
    ["'\\ud800'", "syntax: ['\\ud800'] the string is not valid Unicode"],
    ["f'x'", "syntax: [f]'x' a string cannot have the prefix \"f\""],
    ["“x”", "syntax: [“]x”"],
    ["1\u00a0+ 1", "syntax: 1[\u00a0]+ 1 the character U+00A0 is not part of the language"],
    ["1\u0000", "syntax: 1[\u0000] the character U+0000 is not part of the language"],
    ["007", "syntax: [007] an integer cannot begin with a zero"],
    ["3x", `syntax: [3x] "3x" is no number; ${UNITS}`],
    ["1_000GB", `syntax: [1_000GB] "1_000GB" is no number; ${UNITS}`],
    ["1e3s", `syntax: [1e3s] "1e3s" is no number; ${UNITS}`],
    ["9007199254740992", "value: [9007199254740992]"],
    ["2 ** 53", "value: [2 ** 53] the result is an integer beyond 2^53, which cannot be kept exactly"],
    [
      "model.startswith('a')",
      "syntax: model.[startswith]('a') there are no methods: \".startswith(…)\"; write startswith(…, …)",
    ],
    ["(lr)(1)", "syntax: (lr)[(]1) only functions can be called"],
    ["squrt(1)", 'syntax: [squrt](1) there is no function "squrt"; did you mean sqrt?'],
    ["round()", "syntax: [round()] round takes 1 or 2 values, not 0"],
    ["abs(1, 2)", "syntax: [abs(1, 2)] abs takes 1 value, not 2"],
    ["defined('lr')", "syntax: [defined('lr')] defined takes a name: defined(lr)"],
    ["lrr > 1", 'name: [lrr] > 1 nothing is called "lrr"; did you mean lr? names: lr,'],
    ["model == resnet50", 'name: model == [resnet50] nothing is called "resnet50"; names: lr,'],
    ["optim.nam", 'name: [optim.nam] nothing is called "optim.nam"; did you mean name? names: lr, name, weight-decay'],
    ["lr.x", 'type: [lr.x] "lr" is a float and has no "x"'],
    ["1 < 'a'", "type: [1 < 'a'] \"<\" cannot compare an int with a string"],
    ["None < 1", 'type: [None < 1] "<" cannot compare None with an int'],
    ["'a' + 1", "type: ['a' + 1] \"+\" cannot take a string and an int; write str(x) to join it to a string"],
    ["2 + lr / 0", 'value: 2 + [lr / 0] "/" by zero'],
    ["(-8) ** 0.5", "value: "],
    ["1 in 2", 'type: [1 in 2] "in" looks into a list, a string or a table, not into an int'],
    ["[1] in optim", 'type: [[1] in optim] "in" a table looks for a name, not for a list'],
    ["int('5.0')", "value: [int('5.0')] this string is no integer; write int(float(x))"],
    ["[1, 2][2]", "value: [[1, 2][2]] there is no element 2; the length is 2"],
    ["log(0)", "value: [log(0)] log of zero"],
    ["int(1e300)", "value: [int(1e300)] the result is an integer beyond 2^53"],
  ])("%s", (text, said) => {
    const found = result(text);
    expect(typeof found === "string" && found.startsWith(said) ? said : found).toBe(said);
  });

  test("the first problem is the answer", () => {
    expect(result("1 / 0 + nothing_like_it")).toMatch(/^value: \[1 \/ 0\]/);
  });

  test("what is not evaluated is no problem", () => {
    expect(result("True or nothing_like_it")).toBe(true);
    expect(result("1 if lr else 1 / 0")).toBe(1);
    expect(result("2 < 1 < 'a'")).toBe(false);
  });

  test("as a finding of a sweep file, and as an error with a caret", () => {
    const text = "lr >\n lrr * 2";
    const { problem } = evaluate(parse(text), (name) => NAMES.get(name));
    if (!problem) throw new Error("no problem");
    expect(problem).toMatchObject({ start: 6, end: 9 });
    expect(findingOf(problem, { start: 106, end: 109 })).toEqual({
      id: "expression.name",
      message: problem.message,
      hint: problem.hint,
      span: { start: 106, end: 109 },
    });
    expect(expressionError(problem, text, "--where")).toMatchObject({
      code: "invalid",
      id: "expression.name",
      place: { file: "--where", line: 2, column: 2, text: " lrr * 2", length: 3 },
    });
  });
});
