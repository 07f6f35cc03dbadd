/** `${…}` with expressions: what is read, what it gives, and where a mistake is shown. */
import { describe, expect, test } from "vitest";
import type { Value } from "../../../shared/expression/value.ts";
import { parsePlaceholders } from "../../../shared/spec/placeholders.ts";
import { argvOrProblem, shownArgv, shownCommand } from "../../../shared/spec/shown-command.ts";
import { type RenderContext, renderCommand } from "../../../shared/spec/template.ts";
import { FloatParam, type ParamValue, type RunTemplate } from "../../../shared/spec/types.ts";
import { problemLinesOf } from "../../helpers/spec-source.ts";

const CONTEXT: RenderContext = {
  run: { id: "run_1", name: "digits.1.4", index: 4, dir: "/w/runs/4", attempt: 2 },
  sweep: "digits.1",
  node: "gpu-01",
  gpus: 2,
  labels: { zone: "a", "gpu-type": "H100", "a b": "c" },
  env: { HOME: "/srv/ada", MY_TOKEN: "secret", OTHER: "no" },
  resume: "/w/runs/3/checkpoints",
};

const PARAMS = new Map<string, Value>([
  ["lr", new FloatParam(0.1)],
  ["n", 3],
  ["name", "ada m"],
  ["batch-size", 8],
  ["optim.lr", new FloatParam(2)],
  ["sizes", [1, 2]],
  ["on", true],
  ["note", null],
]);

function template(command: RunTemplate["command"], more: Partial<RunTemplate> = {}): RunTemplate {
  return { command, args: "flags", cwd: "/code", env: {}, ...more };
}

function rendered(word: string, params = PARAMS, context = CONTEXT): string {
  const result = renderCommand(template(["x", word]), params, context);
  return "problem" in result ? `! ${result.problem}` : (result.argv[1] ?? "");
}

test("where a placeholder ends", () => {
  const textsOf = (text: string) => parsePlaceholders(text).map((segment) => [segment.kind, segment.text]);
  expect(textsOf("a${'}' + x}b${ {1} }$${c}")).toEqual([
    ["literal", "a"],
    ["placeholder", "'}' + x"],
    ["literal", "b"],
    ["placeholder", "{1}"],
    ["literal", "${c}"],
  ]);
  expect(parsePlaceholders("ab${ 'it' }")[1]).toMatchObject({ at: 2, offset: 3, raw: "${ 'it' }", closed: true });
  // Of a quote that is not closed, so that the expression can say so.
  expect(textsOf("${it's}x")).toEqual([
    ["placeholder", "it's"],
    ["literal", "x"],
  ]);
  expect(textsOf("${'\\'}'}x")).toEqual([
    ["placeholder", "'\\'}'"],
    ["literal", "x"],
  ]);
  expect(parsePlaceholders("${lr")).toMatchObject([{ closed: false }]);
});

describe("values", () => {
  const cases: [word: string, text: string][] = [
    ["${lr * 2}", "0.2"],
    ["${n + 1}/${n / 2}/${n // 2}", "4/1.5/1"],
    ["${'big' if n > 3 else 'small'}", "small"],
    ["${'}'}", "}"],
    ['${"a" + name}', "aada m"],
    ["${optim.lr + 1}", "3.0"],
    ["${batch-size}", "8"],
    ["${sizes}", "[1,2]"],
    ["${sizes[1]}", "2"],
    ["${len(sizes)}", "2"],
    ["${on and n > 1}", "true"],
    ["${note}", ""],
    ["${run.index * 10}", "40"],
    ["${run.attempt}", "2"],
    ["${gpus * 2}", "4"],
    ["${resume}", "/w/runs/3/checkpoints"],
    ["${env.HOME}", "/srv/ada"],
    ["${envvar:HOME}", "/srv/ada"],
    ["${env.HOME + '/data'}", "/srv/ada/data"],
    ["${env.TMPDIR if defined(env.TMPDIR) else '/tmp'}", "/tmp"],
    ["${node.labels.zone}", "a"],
    ["${node.labels.gpu-type}", "H100"],
    ['${node.labels["a b"]}', "c"],
    ["${'fast' if node.labels.zone == 'a' else 'slow'}", "fast"],
    ["${str(n) + '-' + run.name}", "3-digits.1.4"],
  ];
  test.each(cases)("%s", (word, text) => expect(rendered(word)).toBe(text));

  test("resume is empty on a first attempt", () => {
    const { resume: _, ...first } = CONTEXT;
    expect(rendered("resume=${resume}", PARAMS, first)).toBe("resume=");
  });

  test("a parameter wins over a fact of its name", () => {
    const params = new Map<string, Value>([
      ["env.HOME", "CartPole"],
      ["resume", true],
      ["node.labels.zone", 1],
    ]);
    expect(rendered("${env.HOME} ${resume} ${node.labels.zone}", params)).toBe("CartPole true 1");
  });
});

describe("what cannot be computed is told", () => {
  const cases: [word: string, problem: string][] = [
    ["${n / 0}", "${n / 0}: "],
    ["${lr + name}", "${lr + name}: "],
    ["${env.TMPDIR}", "${env.TMPDIR}: host gpu-01 has no variable TMPDIR"],
    ["${env.TMPDIR + 'x'}", "host gpu-01 has no variable TMPDIR"],
    ["${node.labels.rack}", "${node.labels.rack}: host gpu-01 has no label rack"],
    ["${env.MY_TOKEN}", "hosts do not hand their variable MY_TOKEN to runs"],
    ["${env.OTHER + ''}", "hosts do not hand their variable OTHER to runs"],
    ["${lr *}", "${lr *}: "],
    ["${it's}", "${it's}: "],
    ["${}", "${} names nothing"],
    ["${lrr * 2}", '${lrr * 2}: nothing is called "lrr"; did you mean lr?'],
  ];
  test.each(cases)("%s", (word, problem) => expect(rendered(word)).toContain(problem));
});

test("values of expressions never become shell text", () => {
  const shell = template("echo ${name + '; rm x'} \"${'$(x)' + name}\" '${\"it's\"}'");
  const result = renderCommand(shell, PARAMS, CONTEXT);
  expect("argv" in result && result.argv[2]).toBe(`echo 'ada m; rm x' ""'$(x)ada m'"" '''it'\\''s'''`);
});

describe("for people", () => {
  const RUN = { id: "run_1", name: "digits.1.4", index: 4, sweep: "digits.1" };
  const shown = (word: string, run = {}) =>
    shownArgv(template(["x", word]), PARAMS as Map<string, ParamValue>, { ...RUN, ...run })[1];

  test.each([
    ["${lr * 2}", "0.2"],
    ["${env.HOME}/x", "<env.HOME>/x"],
    ["${env.HOME + '/x'}", "<env.HOME + '/x'>"],
    ["${node.labels.zone}", "<node.labels.zone>"],
    ["${run.dir}", "<run.dir>"],
    ["${node.name}", "<node.name>"],
    ["${resume}", ""],
  ])("%s is shown as %s", (word, text) => expect(shown(word)).toBe(text));

  test("what is known by then is shown", () => {
    expect(shown("${node.name} ${gpus} ${resume}", { node: "gpu-01", gpus: 2, attempt: 2 })).toBe("gpu-01 2 <resume>");
  });

  test("a directory that only the host knows is no hindrance", () => {
    const there = template(["x"], { cwd: "${run.dir}" });
    expect(shownCommand(there, new Map(), RUN)).toBe("x");
    expect(argvOrProblem(template(["x", "${nothing}"]), new Map(), RUN)).toHaveProperty("problem");
  });
});

test("a mistake is shown at its column, behind escapes too", () => {
  const file = (command: string) => problemLinesOf(`name = "a"\nrun.command = ["x", ${command}]\nbase.lr = 0.1\n`);
  expect(file('"a${lr * lrr}"')).toEqual([
    expect.stringMatching(/^2:30\+3 spec\.template: \$\{lr \* lrr\}: nothing is called "lrr"/),
  ]);
  expect(file('"\\"\\u0041${lr * lrr}"')).toEqual([expect.stringMatching(/^2:37\+3 /)]);
  expect(file("'${env.SECRET_KEY}'")).toEqual([expect.stringContaining("hosts do not hand their variable SECRET_KEY")]);
});
