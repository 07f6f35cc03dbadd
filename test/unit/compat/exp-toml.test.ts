/** EXP's own files as sweeps: commands, places and warnings as people get them. The order is compared with EXP itself elsewhere. */
import { describe, expect, test } from "vitest";
import { expandPath } from "../../../shared/compat/exp-paths.ts";
import { readExpSweep, sweepName } from "../../../shared/compat/exp-toml.ts";
import { withoutLarkSecrets } from "../../../shared/compat/lark.ts";
import { pythonStr } from "../../../shared/compat/python-values.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import type { ExpandedSweep } from "../../../shared/spec/types.ts";
import { problemLine } from "../../helpers/spec-source.ts";

function read(text: string) {
  return readExpSweep({
    path: "runs/config.toml",
    text,
    format: "toml",
    directory: "/srv/alice/runs",
    workingDirectory: "/srv/alice",
    home: "/home/alice",
  });
}

function sweepOf(text: string): ExpandedSweep {
  const result = read(text);
  if (!result || "problems" in result) throw new Error(result?.problems.map(problemLine).join("\n"));
  return result.sweep;
}

function problemsOf(text: string): string[] {
  const result = read(text);
  return result && "problems" in result ? result.problems.map(problemLine) : [];
}

const BASE = '[scheduler]\nbase_experiment_dir = "out"\n';

function one(keys: string): string {
  return `${BASE}[[experiments]]\nname = "a"\ncommand = "x"\n${keys}\n`;
}

function shapeOf(text: string) {
  const sweep = sweepOf(text);
  const [point] = sweep.points;
  const shape = sweep.shapes[point?.shape ?? -1];
  if (!point || !shape) throw new Error("no point");
  return { ...shape, point };
}

describe("which files are EXP's", () => {
  test.each([
    [`${BASE}[[experiments]]\nname = "a"\ncommand = "x"`, true],
    ['[[experiments]]\nname = "a"\ncommand = "x"', true],
    ['[scheduler]\nbase_experiment_dir = "x"', true],
    ['name = "a"\nrun.command = "x"', false],
    ['name = "a"\nrun.command = "x"\n[scheduler]\nx = 1', false],
    ['name = "a"\n[base]\nscheduler = "cosine"\n[run]\ncommand = "x"', false],
    ['name = "a"\nscheduler = "cosine"', false],
    ["[scheduler", false],
  ])("%j: %s", (text, isExp) => expect(read(text) !== undefined).toBe(isExp));

  test("they come through the same door as sweep files", () => {
    const read = readSweep({ path: "c.toml", text: one(""), format: "toml", directory: "/srv" });
    expect("sweep" in read && read.sweep.total).toBe(1);
  });
});

describe("the name of the sweep", () => {
  test.each([
    ["config.toml", "config"],
    ["/srv/my runs/EXP config (2).TOML", "EXP-config-2-"],
    [".toml", "experiments"],
    ["", "experiments"],
    ["stdin", "stdin"],
    ["实验.toml", "experiments"],
    [`${"a".repeat(200)}.toml`, "a".repeat(128)],
  ])("%s", (path, name) => expect(sweepName(path)).toBe(name));
});

describe("what a run is given", () => {
  test("dollar signs and braces stay as they are", () => {
    const { template } = shapeOf(
      one('environment = { P = "${lr} $$ $HOME" }').replace('"x"', () => "'echo ${lr} $$ $HOME'"),
    );
    expect(template.command).toBe("echo $${lr} $$$$ $$HOME");
    expect(template.env).toEqual({ EXPERIMENT_NAME: "a", P: "$${lr} $$$$ $$HOME" });
  });

  test.each([
    ["", "/srv/alice/runs"],
    ['cwd = ""', "/srv/alice/runs"],
    ['cwd = "code"', "/srv/alice/code"],
    ['cwd = "../bob"', "/srv/bob"],
    ['cwd = "/data/x/../y"', "/data/y"],
    ['cwd = "~"', "/home/alice"],
    ['cwd = "~/code"', "/home/alice/code"],
  ])("directory with %j", (keys, cwd) => expect(shapeOf(one(keys)).template.cwd).toBe(cwd));

  test.each([
    ["conda run -n env python x.py", "conda run --no-capture-output -n env python x.py"],
    ["a && conda run -n b c; conda run d", "a && conda run --no-capture-output -n b c; conda run d"],
    ["conda run --no-capture-output -n env python", "conda run --no-capture-output -n env python"],
    ["python x.py", "python x.py"],
  ])("command %j", (command, run) => {
    expect(shapeOf(one("").replace('"x"', JSON.stringify(command))).template.command).toBe(run);
  });

  test.each([
    ["", undefined],
    ["gpu_ids = []", undefined],
    ["gpu_ids = [3]", 1],
    ["gpu_ids = [0, 1, 1]", 2],
    ["gpu_ids = [0, -1, 1]", 1],
    ["gpu_ids = [-1]", 0],
    ['gpu_ids = [0]\nenvironment = { CUDA_VISIBLE_DEVICES = "1,2" }', 2],
    ['environment = { CUDA_VISIBLE_DEVICES = "" }', 0],
    ["environment = { CUDA_VISIBLE_DEVICES = 3 }", 1],
    ['environment = { CUDA_VISIBLE_DEVICES = "GPU-1" }', undefined],
  ])("GPUs with %j: %s", (keys, gpus) => {
    const { resources, template } = shapeOf(one(keys));
    expect(resources.gpus).toBe(gpus);
    expect(template.env).not.toHaveProperty("CUDA_VISIBLE_DEVICES");
  });

  test.each([
    ["max_retries = 2", "", 0],
    ["max_retries = 2", "auto_restart_on_error = true", 2],
    ["max_retries = -2", "auto_restart_on_error = true", 0],
    ["", "auto_restart_on_error = true", 0],
  ])("retries with %j and %j", (keys, scheduler, max) => {
    expect(shapeOf(one(keys).replace("[[", `${scheduler}\n[[`)).retry.max).toBe(max);
  });

  test("name, number of the repeat and description are parameters", () => {
    const sweep = sweepOf(`${one('repeats = 2\ndescription = "why"')}[[experiments]]\nname = "b"\ncommand = "y"\n`);
    expect(Array.from(sweep.points, ({ paramsJson }) => paramsJson)).toEqual([
      '{"name":"a","repeat":1,"description":"why"}',
      '{"name":"a","repeat":2,"description":"why"}',
      '{"name":"b"}',
    ]);
    expect(sweep.shapes).toHaveLength(2);
  });
});

describe("what counts as the same work", () => {
  const fingerprints = (text: string) => Array.from(sweepOf(text).points, ({ fingerprint }) => fingerprint);
  const [plain] = fingerprints(one(""));

  test.each([
    ["priority = 5", true],
    ['tags = ["t"]', true],
    ['cwd = "/x"', true],
    ["gpu_ids = [0]", true],
    ['description = "d"', true],
    ["max_retries = 3", true],
    ["environment = { A = 1 }", false],
  ])("%j: %s", (keys, same) => expect(fingerprints(one(keys))[0] === plain).toBe(same));

  test("repeats and entries written twice are work of their own, the same in every file", () => {
    const twice = fingerprints(one("repeats = 2"));
    expect(new Set(twice).size).toBe(2);
    expect(twice[0]).toBe(plain);
    expect(fingerprints(`${one("")}[[experiments]]\nname = "a"\ncommand = "x"\n`)).toEqual(twice);
  });
});

describe("the table of Lark that rows go to", () => {
  const ADDRESS = "https://x.feishu.cn/base/appABCDEF?table=tblA&view=vewA";
  const scheduler = (keys: string) => `${BASE}${keys}\n[[experiments]]\nname = "a"\ncommand = "x"\n`;

  test.each<[string, string, string | undefined]>([
    ["of the scheduler", scheduler(`lark_url = "${ADDRESS}"`), "appABCDEF tblA"],
    ["of the scheduler's keys", scheduler('lark_config = { app_token = "Tok", table_id = "tblB" }'), "Tok tblB"],
    ["of an experiment", one(`lark_config = { table_url = "${ADDRESS}" }`), "appABCDEF tblA"],
    [
      "of an experiment, key by key over the scheduler's",
      `${scheduler('lark_config = { app_token = "Tok", table_id = "tblB" }')}lark_config = { table_id = "tblC" }\n`,
      "Tok tblC",
    ],
    [
      "an address goes before keys of their own, those of an experiment too",
      `${scheduler(`lark_url = "${ADDRESS}"`)}lark_config = { table_id = "tblC" }\n`,
      "appABCDEF tblA",
    ],
    [
      "an address of an experiment replaces that of the scheduler",
      `${scheduler(`lark_url = "${ADDRESS}"`)}lark_url = "https://x.feishu.cn/base/appOTHER1?table=tblO"\n`,
      "appOTHER1 tblO",
    ],
    ["lark_url goes before url", one(`lark_url = "${ADDRESS}"\nlark_config = { url = "u" }`), "appABCDEF tblA"],
    ["an address without a table", one('lark_url = "https://x.feishu.cn/base/appABCDEF"'), undefined],
    ["a wiki page", one('lark_url = "https://x.feishu.cn/wiki/W1?table=tblA"'), undefined],
    ["odd characters", one('lark_config = { app_token = "a/b", table_id = "tblB" }'), undefined],
    ["no table of keys", one('lark_config = "u"'), undefined],
    ["none", one(""), undefined],
  ])("%s", (_, text, expected) => {
    const { table } = shapeOf(text).template;
    expect(table && `${table.appToken} ${table.tableId}`).toBe(expected);
  });

  test("what is missing is said, and other keys than those of the table too", () => {
    const text = one('lark_url = "https://x.feishu.cn/wiki/W1"\nlark_config = { app_secret = "s", colour = 1 }');
    expect(sweepOf(text).report.warnings.slice(1).map(problemLine)).toEqual([
      "6:1+8 spec.no-effect: rows are sent to no table: the app_token is not known (an address of a wiki page has none; set it in lark_config)",
      "7:17+10 spec.no-effect: app_secret of a lark_config has no effect: the coordinator's channel for the table has its own",
      '7:35+6 spec.no-effect: "colour" is not a key of a lark_config, which ignores it',
    ]);
  });

  test.each([
    ['lark_config = { app_id = "i", app_secret = "hid\\"den" }', 'lark_config = { app_id = "i", app_secret = "***" }'],
    ["[scheduler.lark_config]\napp_secret='hidden'\nx=1", '[scheduler.lark_config]\napp_secret="***"\nx=1'],
    ['[scheduler.lark_config]\n"app_secret" = """hid\nden"""', '[scheduler.lark_config]\n"app_secret" = "***"'],
    ['[base]\napp_secret = "a parameter"', '[base]\napp_secret = "a parameter"'],
  ])("%j is kept as %j", (text, kept) => expect(withoutLarkSecrets(text)).toBe(kept));
});

describe("what has no effect is said once for each key, with its place", () => {
  const warnings = (text: string) => sweepOf(text).report.warnings.map(problemLine);

  test("everything", () => {
    const text = [
      "[scheduler]",
      'base_experiment_dir = "out"',
      "check_interval = 2",
      "linger_when_idle = true",
      'lark_url = "u"',
      "colour = 1",
      "[gpu]",
      "[[experiments]]",
      'name = "a"',
      'command = "x"',
      "gpu_ids = [0]",
      'base_dir = "~/b"',
      'resume = "2026-01-01__00-00-00"',
      "delay_seconds = 3",
      "lark_config = { app_id = 1 }",
      "gpu_count = 3",
      "priority = 1_000_001",
      "environment = { EXP_X = 1, CUDA_VISIBLE_DEVICES = 1 }",
      "[[experiments]]",
      'name = "b"',
      'command = "y"',
      "gpu_ids = [0, 1]",
      "delay_seconds = 0",
    ].join("\n");
    expect(warnings(text)).toEqual([
      "2:1+19 spec.no-effect: scheduler.base_experiment_dir (/srv/alice/out) has no effect: the coordinator keeps all results in one place",
      "3:1+14 spec.no-effect: scheduler.check_interval has no effect: nothing is polled",
      "4:1+16 spec.no-effect: scheduler.linger_when_idle has no effect: the coordinator always stays",
      '6:1+6 spec.no-effect: "colour" is not a key of [scheduler], which ignores it',
      '7:2+3 spec.no-effect: "gpu" is not a key of EXP, which ignores it',
      "11:1+7 spec.no-effect: gpu_ids asks for that many GPUs of one host; which ones, the scheduler decides (and in 1 more place)",
      "12:1+8 spec.no-effect: base_dir (/home/alice/b) has no effect: the coordinator keeps all results in one place",
      "13:1+6 spec.no-effect: resume has no effect: the directory that EXP made is not on the hosts; the run starts anew",
      "14:1+13 spec.no-effect: delay_seconds has no effect: runs start as soon as a device is free",
      "15:1+11 spec.no-effect: rows are sent to no table: the app_token is not known (an address of a wiki page has none; set it in lark_config) (and in 1 more place)",
      "15:17+6 spec.no-effect: app_id of a lark_config has no effect: the coordinator's channel for the table has its own",
      '16:1+9 spec.no-effect: "gpu_count" is not a key of [[experiments]], which ignores it',
      "17:1+8 spec.no-effect: priority of experiment 1 counts as 1000000 among other sweeps; the order within the file is kept",
      '18:17+5 spec.no-effect: "EXP_X" in an environment has no effect: names that begin with EXP_ are set here',
      "18:28+20 spec.no-effect: CUDA_VISIBLE_DEVICES in an environment asks for that many GPUs of one host; the agent sets it itself",
    ]);
  });

  test("a misspelt key is guessed", () => {
    expect(warnings(one("priorty = 3"))[1]).toMatch(
      /^6:1\+7 .*"priorty" is not a key of \[\[experiments\]\], which ignores it; did you mean "priority"\?$/,
    );
  });

  test("a file without a base directory works here, and is told that EXP refuses it", () => {
    expect(warnings('[[experiments]]\nname = "a"\ncommand = "x"')).toEqual([
      expect.stringMatching(/base_experiment_dir is missing, without which EXP refuses a file/),
    ]);
  });
});

describe("refusals", () => {
  test.each([
    [`${BASE}`, "1:1 spec.missing: the file has no [[experiments]]"],
    [`experiments = 3\n${BASE}`, "1:15+1 spec.type: experiments must be a list of tables, not an integer"],
    [one("").replace('name = "a"\n', ""), "3:3+11 spec.missing: experiment 1 has no name"],
    [one("").replace('"x"', '" "'), "5:11+3 spec.value: command of experiment 1 is empty"],
    [one("").replace('"x"', "3"), "5:11+1 spec.type: command of experiment 1 must be a string, not an integer"],
    [one("gpu_ids = 0"), "6:11+1 spec.type: gpu_ids of experiment 1 must be a list of integers, or a string of them"],
    [one('gpu_ids = ["x"]'), '6:12+3 spec.value: gpu_ids of experiment 1[0] is no integer: "x"'],
    [one('environment = { "a b" = 1 }'), '6:17+5 spec.name: "a b" is no name of an environment variable'],
    [one('environment = { "__proto__" = 1 }'), '6:17+11 spec.name: "__proto__"'],
    [one('cwd = "~bob/x"'), '6:7+8 spec.value: cwd of experiment 1 starts with "~"'],
    [one('name2 = "\\u0000"\ndescription = "\\u0000"'), "7:15+8 spec.value: description of experiment 1 holds a NUL"],
    [`${BASE}max_concurrent_experiments = 0\n[[experiments]]\nname = "a"\ncommand = "x"`, "3:30+1 spec.value"],
    [one("repeats = 1_000_000_000"), "3:3+11 spec.too-many: the file makes more than"],
    [`${one("repeats = 999_999")}[[experiments]]\nname = "b"\ncommand = "x"\nrepeats = 2`, "3:3+11 spec.too-many"],
  ])("%#: %j", (text, line) => {
    const [first = ""] = problemsOf(text);
    expect(first.startsWith(line) ? line : first).toBe(line);
  });
});

test("a million repeats are read in a moment, one shape, no list of points", () => {
  const sweep = sweepOf(one("repeats = 1_000_000"));
  expect([sweep.total, sweep.shapes.length]).toEqual([1_000_000, 1]);
});

test.each([
  ["~", undefined],
  ["a", "/x/a"],
])("%s without a home", (path, found) => {
  expect(expandPath(path, { configDirectory: "/c", workingDirectory: "/x", home: "" })).toBe(found);
});

test.each([
  [null, "None"],
  [["a", 1n, null, { b: 1.5 }], "['a', 1, None, {'b': 1.5}]"],
  ["it's", "it's"],
])("str of %#", (value, text) => expect(pythonStr(value)).toBe(text));
