/** `[run]`: what is read, and what is refused where. */
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { attemptPaths } from "../../../agent/process/attempt-dir.ts";
import { RUN_DIR_NAMES } from "../../../shared/run/run-directory.ts";
import { readDocument } from "../../../shared/spec/document.ts";
import { childOf } from "../../../shared/spec/node.ts";
import { createReport, fileOf, problemsOf, warningsOf } from "../../../shared/spec/report.ts";
import { readRun } from "../../../shared/spec/run-section.ts";
import { templateFromJson, templateToJson } from "../../../shared/spec/template-json.ts";
import type { RunTemplate } from "../../../shared/spec/types.ts";
import { problemLine, tomlSource } from "../../helpers/spec-source.ts";

interface Read {
  readonly template: RunTemplate;
  readonly problems: string[];
  readonly warnings: string[];
}

/** Reads lines of `[run]`, the first of which is line 3. A command is added where there is none. */
function read(lines: string, names: readonly string[] = ["lr", "n_layers"]): Read {
  const command = lines.includes("command") ? "" : 'command = ["x"]';
  const source = tomlSource(`${command === "" ? "" : "# "}\n[run]\n${lines}\n${command}\n`);
  const root = readDocument(source);
  if ("message" in root) throw new Error(root.message);
  const report = createReport([fileOf(source)]);
  const template = readRun(report, root, childOf(root, "run"), new Set(names));
  const textOf = (problem: Parameters<typeof problemLine>[0]) => problemLine(problem);
  return { template, problems: problemsOf(report).map(textOf), warnings: warningsOf(report).map(textOf) };
}

test("all keys of the table", () => {
  const { template, problems } = read(`
command = ["python", "train.py", "\${args}"]
args = "flags="
bool = "no-prefix"
list = "comma"
none = "null"
dash = true
cwd = "code"
env = { A = "\${lr * 2}", B = 1.0 }
setup = "uv sync --frozen"
stdin = "data/\${n_layers}.txt"
umask = "027"
venv = ".venv"
code = "none"
`);
  expect(problems).toEqual([]);
  expect(template).toEqual({
    command: ["python", "train.py", "${args}"],
    args: "flags=",
    argsOptions: { bool: "no-prefix", list: "comma", none: "null", dash: true },
    cwd: "/srv/ada/work/code",
    env: { A: "${lr * 2}", B: "1.0" },
    setup: "uv sync --frozen",
    stdin: "data/${n_layers}.txt",
    umask: 0o27,
    interpreter: { kind: "venv", path: ".venv" },
  });
  expect(templateFromJson(templateToJson(template))).toEqual(template);
});

test("an image with what is mounted into it", () => {
  const { template, problems } = read('image = "x:${lr}"\nmounts = ["/data", "${env.HOME}/c:/c:ro"]');
  expect(problems).toEqual([]);
  expect(template).toMatchObject({ image: "x:${lr}", mounts: ["/data", "${env.HOME}/c:/c:ro"] });
  expect(templateFromJson(templateToJson(template))).toEqual(template);
});

test("nothing more than is asked for", () => {
  const { template } = read('stdin = "none"\ndash = false');
  expect(template).toEqual({ command: ["x"], args: "flags", cwd: "/srv/ada/work", env: {} });
});

test.each([
  ["code", "/srv/ada/work/code"],
  ["./a/../b", "/srv/ada/work/b"],
  ["/x", "/x"],
  ["${run.dir}/x", "${run.dir}/x"],
  ["${env.HOME}/x", "${env.HOME}/x"],
  ["${env.HOME + '/x'}", "${env.HOME + '/x'}"],
  ["${'a//b'}/../c", "/srv/ada/work/${'a//b'}/../c"],
  ["runs/${lr}", "/srv/ada/work/runs/${lr}"],
])("cwd %s", (cwd, expected) => expect(read(`cwd = "${cwd}"`).template.cwd).toBe(expected));

describe("what is refused", () => {
  const cases: [lines: string, problem: string][] = [
    ['args = "argv"', '3:8+6 spec.value: run.args has no style "argv" | styles: flags, flags=, kv,'],
    ['args = "hydra+++"', 'run.args has no style "hydra+++" | did you mean "hydra++"?'],
    ['args = "file"', 'run.args "file" names no file | write "file:params.yaml"'],
    ['args = "file:params"', "run.args names a file that ends in no known format"],
    ['args = "file:/etc/p.yaml"', "run.args must name a file within the directory of the run"],
    ['args = "file:../p.yaml"', "run.args must name a file within the directory of the run"],
    ['args = "file:config.json"', 'run.args cannot name "config.json", which ExpFleet writes itself'],
    ['args = "file:bin/p.toml"', 'run.args cannot name "bin"'],
    ["args = 1", "run.args must be a string, not an integer | styles: flags,"],
    ['bool = "maybe"', 'run.bool must be "presence", "value" or "no-prefix", not "maybe"'],
    [
      'args = "kv"\nbool = "presence"',
      '4:8+10 spec.value: run.bool cannot be "presence" with args = "kv" | write "value"',
    ],
    [
      'args = "flags="\nlist = "space"',
      'run.list cannot be "space" with args = "flags=" | write "json" or "repeat" or "comma"',
    ],
    ['args = "hydra"\nlist = "comma"', 'run.list has no meaning with args = "hydra" | leave it out'],
    ['args = "json"\nbool = "value"', "run.bool has no meaning"],
    ['args = "none"\nnone = "null"', "run.none has no meaning"],
    ['args = "file:p.toml"\nnone = "null"', "TOML has no null to write"],
    ['args = "env"\ndash = true', "run.dash has no meaning"],
    ['dash = "yes"', "run.dash must be a boolean, not a string"],
    ['command = ["x", "${args}"]\nargs = "env"', '3:18+7 spec.template: ${args} is nothing with args = "env"'],
    ['command = "x ${args}"\nargs = "none"', '${args} is nothing with args = "none"'],
    ['setup = "x ${args}"', "${args} can stand in run.command only"],
    ['setup = " "', "run.setup is empty"],
    ['setup = "x # ${lr}"', "${lr} cannot stand in a comment"],
    ['stdin = "~/x"', 'run.stdin starts with "~", which is not expanded | write it out, or use ${env.HOME}'],
    ["umask = 0o27", 'run.umask must be a string, not an integer | write it like "027"'],
    ['umask = "088"', 'run.umask must be an octal number as a string, not "088"'],
    ['venv = "a"\nconda = "b"', "4:1+5 spec.value: run.venv and run.conda both say where Python is | keep one of them"],
    ['image = " "', "3:9+3 spec.value: run.image is empty | leave it out"],
    ['image = "-v/:/host"', '3:9+11 spec.value: run.image begins with "-" | write it like "pytorch/pytorch:2.5.1-'],
    ['image = "a b"', "3:9+5 spec.value: run.image has white space in it"],
    ['image = "a:${lr} b"', "run.image has white space in it"],
    ["image = 1", "3:9+1 spec.type: run.image must be a string, not an integer"],
    ['image = "a:${l}"', "3:12+4 spec.template: ${l} is not a parameter of this sweep"],
    ['mounts = ["/data"]', "3:1+6 spec.value: run.mounts is of no use without run.image | say which image,"],
    ['image = "a"\nmounts = "data"', '4:10+6 spec.value: run.mounts names "data", which is not absolute'],
    ['image = "a"\nmounts = 1', "4:10+1 spec.type: run.mounts must be a string, not an integer | write it like mounts"],
    ['image = "a"\nmounts = ["/a", "data"]', '4:17+6 spec.value: run.mounts[1] names "data", which is not absolute'],
    ['image = "a"\nmounts = ["/a:b"]', 'run.mounts[0] names "b", which is not absolute | write it like "/data"'],
    ['image = "a"\nmounts = ["/a:/b:rw"]', 'run.mounts[0] is not HOST:PATH:ro, but "/a:/b:rw"'],
    ['image = "a"\nmounts = ["/a:/b:ro:z"]', "run.mounts[0] is not HOST:PATH:ro"],
    ['image = "a"\nmounts = ["/a,readonly"]', 'run.mounts[0] names "/a,readonly", which cannot be mounted'],
    ['image = "a"\nmounts = ["/a:/"]', "run.mounts[0] would replace all of the image"],
    [
      'image = "a"\nmounts = ["/a:/x/", "/b:/y/../x"]',
      '4:21+12 spec.value: run.mounts[1] is at "/x", where another one is | mount it elsewhere',
    ],
    [
      'image = "a"\nvenv = "b"',
      "4:1+4 spec.value: run.venv says which Python of the host it is, and run.image brings its own | call a Python",
    ],
    ['env = { EXP_X = "1" }', 'run.env cannot set "EXP_X"'],
  ];
  test.each(cases)("%s", (lines, problem) => {
    const { problems } = read(lines);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});

describe("parameters that would become one", () => {
  const cases: [lines: string, names: string[], problem: string][] = [
    ['args = "env"', ["a.b", "a_b"], 'parameter "a_b" would be the variable A_B, as is "a.b"'],
    ['args = "env"', ["path"], 'parameter "path" would be the variable PATH, which programs need as it is'],
    ['args = "env"', ["exp.id"], 'parameter "exp.id" would be the variable EXP_ID'],
    ['args = "env"\nenv = { LR = "1" }', ["lr"], 'parameter "lr" would be the variable LR, which run.env sets'],
    ["dash = true", ["a_b", "a-b"], 'with dash = true the parameters "a_b" and "a-b" are one flag'],
  ];
  test.each(cases)("%s %j", (lines, names, problem) => expect(read(lines, names).problems.join()).toContain(problem));
});

test.each([
  ["git", "git"],
  ["snapshot", "snapshot"],
  ["none", undefined],
])("code = %j", (code, kept) => {
  const { template, warnings, problems } = read(`code = "${code}"`);
  expect([template?.code, warnings, problems]).toEqual([kept, [], []]);
});

test("names that are ours in the directory of a run", () => {
  for (const path of Object.values(attemptPaths("/w/runs/1"))) expect(RUN_DIR_NAMES).toContain(basename(path));
});
