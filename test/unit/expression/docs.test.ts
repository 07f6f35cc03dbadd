/** What docs/expressions.md says of the language holds, and it names every function and every fact of a run. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../shared/expression/evaluate.ts";
import { parseExpression } from "../../../shared/expression/parse.ts";
import { namesOfAnyRun } from "../../../shared/expression/run-scope.ts";
import { FUNCTION_ARGUMENTS } from "../../../shared/expression/syntax.ts";

const PAGE = readFileSync(new URL("../../../docs/expressions.md", import.meta.url), "utf8");
const [, RESULTS = ""] = /^```text\n(.*?)^```$/ms.exec(PAGE) ?? [];
const EXAMPLES = RESULTS.trimEnd()
  .split("\n")
  .map((line) => line.split(/ +-> /) as [string, string]);

describe("examples", () => {
  test("there are some", () => expect(EXAMPLES.length).toBeGreaterThan(10));

  test.each(EXAMPLES)("%s is %s", (text, shown) => {
    const { expression, problem } = parseExpression(`str(${text})`);
    expect(expression ? evaluate(expression, () => undefined) : problem).toEqual({ value: shown });
  });

  test.each(Array.from(PAGE.matchAll(/^exp ls .*?--where '(.*?)'/gm), ([, text = ""]) => [text]))("%s", (text) => {
    expect(parseExpression(text).problem).toBeUndefined();
  });
});

test("every function and every fact is on the page", () => {
  const facts = namesOfAnyRun().map(([, written]) => written);
  const missing = [
    ...Object.keys(FUNCTION_ARGUMENTS).map((name) => `\`${name}(`),
    ...facts.map((name) => `\`${name}\``),
  ];
  expect(missing.filter((text) => !PAGE.includes(text))).toEqual([]);
});
