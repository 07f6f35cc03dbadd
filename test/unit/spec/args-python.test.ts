/** Python reads what the styles write: any value comes through argparse, json and tomllib as it was. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Value } from "../../../shared/expression/value.ts";
import { argsProblem, renderArgs } from "../../../shared/spec/args.ts";
import { paramsToNestedJson } from "../../../shared/spec/params-json.ts";
import { quoteWords } from "../../../shared/spec/shell.ts";
import { renderCommand } from "../../../shared/spec/template.ts";
import {
  type ArgsOptions,
  type ArgsStyle,
  FloatParam,
  type Params,
  type ParamValue,
} from "../../../shared/spec/types.ts";
import { isList, valueText } from "../../../shared/spec/value-text.ts";
import { program } from "../../helpers/attempts.ts";
import { anyParams } from "./any-params.ts";

const CASES = 60;
const SHELL_CASES = 15;

/** How a script declares the option of a value, and what it then has, as Python's `repr`. */
function declared(value: ParamValue, options: ArgsOptions): { kind: string; value: Expected } {
  if (typeof value === "boolean") {
    if (options.bool === "value") return { kind: "text", value: valueText(value) };
    return { kind: options.bool === "no-prefix" ? "boolean_optional" : "store_true", value };
  }
  if (isList(value)) {
    const texts = value.map(valueText);
    switch (options.list) {
      case "json":
        return { kind: "json", value };
      case "comma":
        return { kind: "comma", value: texts };
      case "repeat":
        return { kind: "append", value: texts.length === 0 ? null : texts };
      default:
        return { kind: "many", value: texts };
    }
  }
  if (typeof value === "number") return { kind: "int", value };
  if (value instanceof FloatParam) return { kind: "float", value };
  return typeof value === "string" ? { kind: "text", value } : { kind: "json", value };
}

type Expected = Value;

/** Runs a Python program over all cases at once. */
function python(script: string, cases: readonly unknown[]): unknown[] {
  const input = cases.map((line) => JSON.stringify(line)).join("\n");
  const output = execFileSync("python3", [script], { input, encoding: "utf8", maxBuffer: 1 << 28 });
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

/** `repr` of values, made by Python from our JSON. */
function reprs(values: readonly string[]): unknown[] {
  const script = "import json, sys\nfor line in sys.stdin: print(json.dumps(repr(json.loads(json.loads(line)))))";
  const input = values.map((text) => JSON.stringify(text)).join("\n");
  const output = execFileSync("python3", ["-c", script], { input, encoding: "utf8", maxBuffer: 1 << 28 });
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

function jsonOf(value: Expected): string {
  return paramsToNestedJson(new Map([["v", value]])).slice(5, -1);
}

const OPTIONS: ArgsOptions[] = (["presence", "value", "no-prefix"] as const).flatMap((bool) =>
  (["space", "repeat", "comma", "json"] as const).map((list) => ({ bool, list, dash: bool === "value" })),
);

describe.each(["flags", "flags="] as const)("argparse reads %s", (style) => {
  const known = OPTIONS.filter(({ list }) => style === "flags" || list !== "space");
  test.each(known)("%j", (options) => {
    const all = fc.sample(anyParams(), { numRuns: CASES, seed: 7 }).map((params) => carried(params, style, options));
    const cases = all.map((params) => {
      const rendered = renderArgs(style, options, params, "/run");
      const names = [...params.keys()].map((name) => (options.dash ? name.replaceAll("_", "-") : name));
      const kinds = Array.from(params.values(), (value) => declared(value, options).kind);
      return {
        options: names.map((name, i) => [`--${name}`, kinds[i]]),
        words: "words" in rendered ? rendered.words : [],
      };
    });
    const expected = all.flatMap((params) =>
      Array.from(params.values(), (value) => jsonOf(declared(value, options).value)),
    );
    const found = python(program("parse-args.py"), cases) as { values?: string[]; error?: string }[];
    expect(found.map(({ error }) => error).filter((error) => error !== undefined)).toEqual([]);
    expect(found.flatMap(({ values }) => values)).toEqual(reprs(expected));
    expect(expected.length).toBeGreaterThan(CASES);
  });
});

/** Without the values that the style says it cannot carry, and without names that become one with dashes. */
function carried(params: Params, style: "flags" | "flags=", options: ArgsOptions): Params {
  const seen = new Set<string>();
  return new Map(
    Array.from(params).filter(([name, value]) => {
      const dashed = name.replaceAll("_", "-");
      if (seen.has(dashed)) return false;
      seen.add(dashed);
      return argsProblem(style, options, name, value) === undefined;
    }),
  );
}

test.each(["json", "toml"] as const)("Python reads a file of %s, ints and floats apart", (format) => {
  const all = fc.sample(anyParams(), { numRuns: CASES, seed: 3 });
  const texts = all.map((params) => {
    const rendered = renderArgs(`file:p.${format}`, {}, params, "/run");
    return "file" in rendered ? (rendered.file?.text ?? "") : "";
  });
  const script = `import json, sys, tomllib\nfor line in sys.stdin: print(json.dumps(repr(${format === "json" ? "json" : "tomllib"}.loads(json.loads(line)))))`;
  const input = texts.map((text) => JSON.stringify(text)).join("\n");
  const output = execFileSync("python3", ["-c", script], { input, encoding: "utf8", maxBuffer: 1 << 28 });
  const found = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(found).toEqual(reprs(all.map((params) => paramsToNestedJson(params))));
});

describe("a program that is called through a shell gets the very values", () => {
  const show =
    "import json, os, sys; print(json.dumps([sys.argv[1:], {k: v for k, v in os.environ.items() if k[1:].isdigit()}]))";
  const started = (args: ArgsStyle, params: Params): [string[], Record<string, string>] => {
    const command = args === "env" ? "$PYTHON -c ${show}" : "$PYTHON -c ${show} ${args}";
    const template = { command, args, cwd: "/", env: {} };
    const text = command.replace("${show}", quoteWords([show]).replaceAll("$", "$$$$"));
    const rendered = renderCommand({ ...template, command: text }, params, {
      run: { id: "", name: "", index: 1, dir: "/run" },
      sweep: "",
      node: "",
      gpus: 0,
    });
    if ("problem" in rendered) throw new Error(rendered.problem);
    const [shell = "", ...words] = rendered.argv;
    const output = execFileSync(shell, words, { env: { PYTHON: interpreter, ...rendered.env }, encoding: "utf8" });
    return JSON.parse(output) as [string[], Record<string, string>];
  };
  // Not by its name: a wrapper of that name takes longer than Python.
  const interpreter = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
  const samples = fc.sample(anyParams(), { numRuns: SHELL_CASES, seed: 5 });

  test("kv", () => {
    for (const params of samples) {
      const [words] = started("kv", params);
      expect(words).toEqual(Array.from(params, ([name, value]) => `${name}=${valueText(value)}`));
    }
  });

  test("json", () => {
    for (const params of samples) expect(started("json", params)[0]).toEqual([paramsToNestedJson(params)]);
  });

  test("env", () => {
    for (const params of samples) {
      // Names that are one variable are refused where the file is read.
      const own = new Map(Array.from(params, ([, value], i) => [`p${i}`, value]));
      const [, variables] = started("env", own);
      expect(variables).toEqual(
        Object.fromEntries(Array.from(own, ([name, value]) => [name.toUpperCase(), valueText(value)])),
      );
    }
  });
});
