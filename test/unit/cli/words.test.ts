/** What users write on the command line and in the environment. */
import { describe, expect, test } from "vitest";
import { Args } from "../../../cli/args.ts";
import { LOADERS } from "../../../cli/command-list.ts";
import { type CommandSpec, commandSpecText, nameOfCommand } from "../../../cli/command-spec.ts";
import { COMMAND_TREE } from "../../../cli/command-tree.ts";
import { type Environment, loadConfig, type TerminalFacts } from "../../../cli/config.ts";
import { checkAddress } from "../../../cli/locate.ts";
import { restartDelayMs } from "../../../cli/stack/part.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { exitCodeOfError } from "../../../shared/program.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import { renderCommand } from "../../../shared/spec/template.ts";

const TTY: TerminalFacts = { stdinIsTty: true, stdoutIsTty: true, stderrIsTty: true, columns: 80 };
const PIPE: TerminalFacts = { stdinIsTty: false, stdoutIsTty: false, stderrIsTty: false, columns: undefined };
const config = (flags: { [name: string]: unknown }, env: Environment = {}, terminal = TTY) =>
  loadConfig(new Args(flags), { HOME: "/h/u", ...env }, terminal, "/work-here");

describe("a command as a spec", () => {
  const base: CommandSpec = {
    words: ["python", "train.py"],
    cwd: "/data/x",
    name: undefined,
    gpus: undefined,
    cpus: undefined,
    time: undefined,
    env: [],
    params: [],
  };

  function read(spec: Partial<CommandSpec>) {
    const text = commandSpecText({ ...base, ...spec });
    const result = readSweep({ path: "", text, format: "json", directory: "/data/x" });
    if ("problems" in result) throw new Error(JSON.stringify(result.problems));
    const [point] = result.sweep.points;
    return { shape: required(result.sweep.shapes[0], "the shape"), point: required(point, "the point") };
  }

  test.each([
    [["sh", "-c", "echo ${HOME} $$ $1 $${x} ${args}"]],
    [["python", "train.py", "--out", "${run.dir}", "", "a b", 'q"uote', "new\nline", "-o", "学"]],
  ])("words reach the program as typed: %j", (words) => {
    const { shape, point } = read({ words, cwd: "/data/$x/${y}", env: ["A=$1${b}=c"], name: "n" });
    const rendered = renderCommand(shape.template, point.params, {
      run: { id: "run_1", name: "n.1.1", index: 1, dir: "/d" },
      sweep: "n.1",
      node: "here",
      gpus: 0,
    });
    expect(rendered).toEqual({ argv: words, cwd: "/data/$x/${y}", env: { A: "$1${b}=c" } });
  });

  test("parameters keep int, float, boolean and text apart", () => {
    const { point } = read({ params: ["a=1", "b=1.0", "c=true", "d=007", "e=x=y", "optim.lr=1e-3", "f="] });
    expect(point.paramsJson).toBe('{"a":1,"b":1.0,"c":true,"d":"007","e":"x=y","optim.lr":0.001,"f":""}');
  });

  test("resources and limits", () => {
    const { shape } = read({ gpus: 2, cpus: 8, time: "4h" });
    expect(shape.resources).toEqual({ gpus: 2, cpus: 8 });
    expect(shape.limits.timeMs).toBe(4 * 3_600_000);
  });

  test.each(["A", "=1", ""])("a pair without a key is refused: %j", (pair) => {
    expect(() => commandSpecText({ ...base, env: [pair] })).toThrow("not KEY=VALUE");
  });

  test.each([
    [["python", "-u", "src/train.py", "--lr", "1"], "train"],
    [["python3.12", "-m", "pkg.train"], "pkg.train"],
    [["./run.sh"], "run"],
    [["/usr/bin/nvidia-smi"], "nvidia-smi"],
    [["学習.py"], "run"],
    [["make", "-m", "x"], "make"],
    [["my prog!"], "my-prog-"],
    [["x".repeat(200)], "x".repeat(128)],
  ])("name of %j is %s", (words, name) => expect(nameOfCommand(words)).toBe(name));
});

describe("settings", () => {
  test("flag before environment before default", () => {
    expect(config({}).dir).toBe("/work-here/.exp");
    expect(config({}, { EXP_DIR: "/a" })).toMatchObject({ dir: "/a", dirFrom: "env" });
    expect(config({ dir: "b" }, { EXP_DIR: "/a" })).toMatchObject({ dir: "/work-here/b", dirFrom: "flag" });
    expect(config({ server: "f:1" }, { EXP_SERVER: "e:1" }).server).toEqual({ value: "f:1", from: "flag" });
    expect(config({}, { EXP_SERVER: "" }).server).toBeUndefined();
    expect(config({}, { XDG_CONFIG_HOME: "/c" }).contextsFile).toBe("/c/exp/contexts.json");
    expect(config({}).contextsFile).toBe("/h/u/.config/exp/contexts.json");
    expect(config({}).completionMs).toBe(200);
    expect(config({}, { EXP_COMPLETION_TIMEOUT: "2s" }).completionMs).toBe(2_000);
  });

  test.each([
    [{}, {}, "table"],
    [{ json: true }, { EXP_OUTPUT: "csv" }, "json"],
    [{ output: "md" }, {}, "md"],
    [{}, { EXP_OUTPUT: "csv" }, "csv"],
    [{ quiet: true }, {}, "name"],
  ])("flags %j and environment %j give %s", (flags, env, format) => expect(config(flags, env).format).toBe(format));

  test.each([
    [{ output: "xml" }, {}],
    [{}, { EXP_OUTPUT: "xml" }],
    [{}, { EXP_COMPLETION_TIMEOUT: "soon" }],
    [{ timeout: "5 minutes" }, {}],
  ])("%j %j is refused as usage", (flags, env) => {
    expect(() => config(flags, env)).toThrow(expect.toSatisfy((error) => exitCodeOfError(error) === 2));
  });

  test.each([
    [{}, {}, TTY, true],
    [{}, {}, PIPE, false],
    [{}, { NO_COLOR: "1" }, TTY, false],
    [{ "no-color": true }, { FORCE_COLOR: "1" }, TTY, false],
    [{}, { TERM: "dumb" }, TTY, false],
    [{}, { FORCE_COLOR: "1" }, PIPE, true],
  ])("colour with %j %j", (flags, env, terminal, expected) => {
    expect(config(flags, env, terminal).color.out).toBe(expected);
  });

  test("asks only a person, and not with --no-input", () => {
    expect(config({}).interactive).toBe(true);
    expect(config({}, {}, PIPE).interactive).toBe(false);
    expect(config({ "no-input": true }).interactive).toBe(false);
    expect(config({}, { EXP_NO_INPUT: "1" }).interactive).toBe(false);
  });
});

describe("arguments", () => {
  const args = new Args({
    n: "3",
    many: ["a", "b"],
    bad: "3.5",
    neg: "-2",
    long: "9".repeat(20),
    on: true,
    d: "1h30m",
  });
  test("values", () => {
    expect(args.integer("n", 1)).toBe(3);
    expect(args.text("many")).toBe("b");
    expect(args.texts("many")).toEqual(["a", "b"]);
    expect(args.flag("on")).toBe(true);
    expect(args.duration("d")).toBe(5_400_000);
    expect(args.integer("absent", 1)).toBeUndefined();
  });
  test.each(["bad", "neg", "long", "d"])("--%s is no count", (name) =>
    expect(() => args.integer(name, 0)).toThrow(name),
  );

  test.each([
    ["gpu-01:7718", "gpu-01:7718"],
    ["http://lab:80/", "lab:80"],
    ["[::1]:7718", "[::1]:7718"],
  ])("address %s", (text, address) => expect(checkAddress(text)).toBe(address));
  test.each(["lab", "lab:", "lab:0", "lab:65536", "a b:1", "::1:7718", "u@h:1", ""])("no address: %j", (text) =>
    expect(() => checkAddress(text)).toThrow("not an address"),
  );
});

test("restarts wait 250 ms, doubling, 10 s at most", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 100].map(restartDelayMs)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("every command of the tree loads", async () => {
  for (const { name } of COMMAND_TREE) expect(typeof (await LOADERS[name]()).run).toBe("function");
});
