/** Commands made from templates; what `/bin/sh` makes of them is in shell-command.test.ts. */
import { describe, expect, test } from "vitest";
import { renderArgs } from "../../../shared/spec/args.ts";
import { escapeTemplate } from "../../../shared/spec/placeholders.ts";
import { type RenderContext, renderCommand } from "../../../shared/spec/template.ts";
import { templateProblems } from "../../../shared/spec/template-check.ts";
import { templateFromJson, templateToJson } from "../../../shared/spec/template-json.ts";
import { FloatParam, type ParamValue, type RunTemplate } from "../../../shared/spec/types.ts";

const CONTEXT: RenderContext = {
  run: { id: "run_1", name: "digits.1.4", index: 4, dir: "/w/runs/4" },
  sweep: "digits.1",
  node: "gpu-01",
  gpus: 2,
};

const PARAMS = new Map<string, ParamValue>([
  ["lr", new FloatParam(1)],
  ["optim.name", "ada m"],
  ["n", -3],
  ["amp", true],
  ["half", false],
  ["sizes", [1, new FloatParam(2), "x"]],
  ["seed", 7],
]);

function template(command: RunTemplate["command"], more: Partial<RunTemplate> = {}): RunTemplate {
  return { command, args: "flags", cwd: "/code", env: {}, ...more };
}

function argvOf(command: RunTemplate["command"], params = PARAMS): string[] {
  const rendered = renderCommand(template(command), params, CONTEXT);
  if ("problem" in rendered) throw new Error(rendered.problem);
  return rendered.argv;
}

describe("a command as a list", () => {
  const cases: [word: string, argv: string[]][] = [
    ["--lr=${lr}", ["--lr=1.0"]],
    ["${optim.name}", ["ada m"]],
    ["${ seed }", ["7"]],
    ["${amp}/${half}", ["true/false"]],
    ["${sizes}", ['[1,2.0,"x"]']],
    ["${run.id} ${run.name} ${run.index} ${run.dir}", ["run_1 digits.1.4 4 /w/runs/4"]],
    ["${sweep.name}@${node.name}:${gpus}", ["digits.1@gpu-01:2"]],
    ["$$ $$$$ $${lr} $x $ $(a)", ["$ $$ ${lr} $x $ $(a)"]],
    ["$", ["$"]],
    ["", [""]],
    ["x ${args}", ["x --lr 1.0 --optim.name 'ada m' --n=-3 --amp --sizes 1 2.0 x --seed 7"]],
    ["${args}", ["--lr", "1.0", "--optim.name", "ada m", "--n=-3", "--amp", "--sizes", "1", "2.0", "x", "--seed", "7"]],
  ];
  test.each(cases)("%s", (word, argv) => expect(argvOf(["prog", word])).toEqual(["prog", ...argv]));

  test("without parameters ${args} is nothing", () => expect(argvOf(["prog", "${args}"], new Map())).toEqual(["prog"]));
});

test("directory and environment are templates too", () => {
  const full = template(["x"], { cwd: "/data/${seed}/$$", env: { A: "${optim.name}", B: "$HOME", C: "${run.dir}" } });
  expect(renderCommand(full, PARAMS, CONTEXT)).toEqual({
    argv: ["x"],
    cwd: "/data/7/$",
    env: { A: "ada m", B: "$HOME", C: "/w/runs/4" },
  });
});

describe("what cannot be rendered", () => {
  const cases: [problem: string, template: RunTemplate][] = [
    [
      "${lrr} is not a parameter of this sweep; did you mean ${lr}? known: lr, optim.name, n, amp, half, sizes, seed, args, run.id, run.name, run.index, run.attempt, …",
      template(["x", "${lrr}"]),
    ],
    ['run.cwd renders to "7/x", which is not absolute', template(["x"], { cwd: "${seed}/x" })],
    ["${args} can stand in run.command only; name single parameters here", template(["x"], { env: { A: "${args}" } })],
    ['"${lr" has no closing brace; $$ is a dollar sign', template("x ${lr")],
    ["run.command renders to no program", template(["${args}"])],
    ["${lr} cannot stand in a comment; or write run.command as a list of words", template("x # ${lr}")],
  ];
  test.each(cases)("%s", (problem, bad) => {
    const params = problem.startsWith("run.command") ? new Map() : PARAMS;
    expect(renderCommand(bad, params, CONTEXT)).toEqual({ problem });
  });

  test("all problems of a template are told", () => {
    const bad = template(["${a}", "${b}"], { cwd: "/${c}", env: { X: "${d}" } });
    expect(templateProblems(bad, ["a"]).map((line) => line.split(" ")[0])).toEqual(["${b}", "${c}", "${d}"]);
  });
});

describe("flags", () => {
  const cases: [value: ParamValue, words: string[]][] = [
    [1, ["--k", "1"]],
    [new FloatParam(1e-5), ["--k", "1e-05"]],
    [-1, ["--k=-1"]],
    [new FloatParam(-1e-5), ["--k=-1e-05"]],
    ["", ["--k", ""]],
    ["-x y", ["--k=-x y"]],
    ["a\nb", ["--k", "a\nb"]],
    [true, ["--k"]],
    [false, []],
    [[], ["--k"]],
    [
      ["a", -1, [2], true],
      ["--k", "a", "-1", "[2]", "true"],
    ],
    [{ a: new FloatParam(1), b: ["x"] }, ["--k", '{"a":1.0,"b":["x"]}']],
  ];
  test.each(cases)("%j", (value, words) =>
    expect(renderArgs("flags", {}, new Map([["k", value]]), "/run")).toEqual({ words, env: {} }),
  );
});

test("escaped text renders to itself", () => {
  for (const text of ["$", "$$", "${lr}", "$${lr}", "a$b"])
    expect(argvOf(["x", escapeTemplate(text)])).toEqual(["x", text]);
});

describe("templates as JSON", () => {
  test.each([[template(["a", "${args}"], { env: { A: "é" } })], [template("echo '$x'")]])("come back: %j", (whole) =>
    expect(templateFromJson(templateToJson(whole))).toEqual(whole),
  );

  test.each([
    ["3", "a command template is an object"],
    ["{}", "a command template has a command"],
    ['{"command":[1]}', "a command template has a command"],
    ['{"command":"x","args":"argv"}', 'a command template has no args style "argv"'],
    ['{"command":"x","args":"flags"}', "a command template has a directory"],
    ['{"command":"x","args":"flags","cwd":"/","env":{"A":1}}', "a command template has an environment of texts"],
  ])("refuse %s", (text, message) => expect(() => templateFromJson(text)).toThrow(message));
});
