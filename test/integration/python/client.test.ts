/** The Python client: what its calls write, and what it tells a program about its run. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLIENT_LINE_BYTES_MAX } from "../../../shared/run/limits.ts";
import {
  CLIENT,
  defaultPython,
  metricsOf,
  type PythonOptions,
  runPython,
  runWell,
} from "../../helpers/python-client.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exp-client-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (code: string, options?: PythonOptions) => runWell(folder, code, options);

describe("what is written", () => {
  test.each([
    [
      'exp.log({"loss": 0.5, "n": 3, "ok": True}, step=7, split="train")',
      { step: 7, loss: 0.5, n: 3, ok: 1, context: { split: "train" } },
    ],
    ['exp.log_metric("acc", 0.9, step=7)', { step: 7, acc: 0.9 }],
    ['exp.log_metric("acc", 0.9, 7)', { step: 7, acc: 0.9 }],
    [
      'exp.log_metric(7, {"acc": 0.9}, split="valid", phase="eval")',
      { step: 7, acc: 0.9, context: { split: "valid", phase: "eval" } },
    ],
    [
      'exp.log_metric(7, {"acc": 0.9}, "valid", "eval")',
      { step: 7, acc: 0.9, context: { split: "valid", phase: "eval" } },
    ],
    ['exp.log_metric(step=7, metrics={"acc": 0.9})', { step: 7, acc: 0.9 }],
    ['exp.log({"a": 1}, step=1.5)', { step: 1.5, a: 1 }],
  ])("%s", (code, expected) => expect(metricsOf(run(code).events)).toEqual([expected]));

  test("steps are counted where none is given", () => {
    const code = 'exp.log({"a": 0}); exp.log({"a": 1}); exp.log({"a": 2}, step=10); exp.log({"a": 3})';
    expect(metricsOf(run(code).events).map(({ step }) => step)).toEqual([0, 1, 10, 11]);
  });

  test.each([
    ['float("nan")', Number.NaN],
    ['float("-inf")', Number.NEGATIVE_INFINITY],
    ["10**400", `1${"0".repeat(400)}`],
    ["2**60", 2 ** 60],
    ['__import__("decimal").Decimal("0.25")', 0.25],
    ['type("Tensor", (), {"item": lambda self: 0.5})()', 0.5],
    ['type("Matrix", (), {"item": lambda self: 1 / 0, "__str__": lambda self: "[[1, 2]]"})()', "[[1, 2]]"],
    ['type("Bad", (), {"__str__": lambda self: 1 / 0})()', "<Bad>"],
    ['"x" * 5000', "x".repeat(1024)],
    ['"\\ud800"', "\ud800"],
    ["[1, {2}]", "[1, {2}]"],
  ])("the value %s", (value, expected) => {
    expect(metricsOf(run(`exp.log({"v": ${value}}, step=0)`).events)).toEqual([{ step: 0, v: expected }]);
  });

  test("None is no value, and the others of its event are kept", () => {
    expect(metricsOf(run('exp.log({"a": None, "b": 1}, step=0)').events)).toEqual([{ step: 0, b: 1 }]);
  });

  test("final values, progress and rows", () => {
    const code = `
exp.summary["best"] = 0.5
exp.summary.update(best=0.75, note="x")
exp.summary |= {"last": float("inf")}
exp.progress(3, 10)
e = exp.load_experiment()
e.upd_row(epoch=1, loss=1e-05)
e.upd_row(loss=0.25, none=None, flag=True)
e.save_row()
e.save_row()
print(exp.summary)`;
    const { events, stdout, stderr } = run(code, { env: { EXPERIMENT_WORK_DIR: folder } });
    const finals = events.flatMap((event) => (event.kind === "summary" ? [...event.values] : []));
    expect(finals).toEqual([
      ["best", 0.5],
      ["best", 0.75],
      ["note", "x"],
      ["last", Number.POSITIVE_INFINITY],
    ]);
    expect(stdout).toBe("{'best': 0.75, 'note': 'x', 'last': inf}\n");
    expect(events.find(({ kind }) => kind === "progress")).toMatchObject({ done: 3, total: 10 });
    const rows = events.flatMap((event) => (event.kind === "row" ? [Object.fromEntries(event.cells)] : []));
    expect(rows).toEqual([{ epoch: "1", loss: "0.25", none: "", flag: "True" }]);
    expect(stderr).toMatch(/save_row without a cell/);
  });

  test("rows for a table elsewhere name it, from then on, without a secret", () => {
    const code = `
e = exp.load_experiment()
for given in (None, {"url": "https://x/base/a?table=t", "app_id": "i", "app_secret": "never"}, None, "https://y"):
    e.upd_row(a=1)
    e.save_row(lark=True, lark_config=given)
e.upd_row(a=2)
e.save_row(lark_config=7)`;
    run(code, { env: { EXPERIMENT_WORK_DIR: folder } });
    const lines = readFileSync(join(folder, "client.jsonl"), "utf8");
    const said = lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as { lark?: unknown }]));
    const first = { url: "https://x/base/a?table=t" };
    expect(said.map(({ lark }) => lark)).toEqual([true, first, first, { url: "https://y" }, undefined]);
    expect(lines).not.toContain("never");
  });

  test("an event that is too long is written in parts", () => {
    const { events } = run('exp.log({"k%d" % i: "ü" * 1000 for i in range(100)}, step=1)');
    expect(new Set(metricsOf(events).flatMap((event) => Object.keys(event)))).toHaveLength(101);
    const lines = readFileSync(join(folder, "client.jsonl"), "utf8").split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(CLIENT_LINE_BYTES_MAX);
  });
});

describe("what a program is told", () => {
  test("its configuration", () => {
    writeFileSync(join(folder, "config.json"), '{"lr": 1.0, "optim": {"name": "adam", "betas": [0.9]}}');
    const code = `
print(exp.config.lr, exp.config.optim.name, exp.config["optim"]["betas"], exp.config.get("none", 3), len(exp.config))
print(dict(**exp.config)["lr"])
for change in ("exp.config.lr = 2", "exp.config['lr'] = 2", "exp.config.momentum"):
    try:
        exec(change)
    except (AttributeError, TypeError) as error:
        print(type(error).__name__, error)`;
    expect(
      run(code, { env: { EXP_CONFIG: join(folder, "config.json") } })
        .stdout.split("\n")
        .slice(0, 5),
    ).toEqual([
      "1.0 adam [0.9] 3 2",
      "1.0",
      "AttributeError the configuration of a run is read-only",
      "TypeError 'Config' object does not support item assignment",
      "AttributeError no parameter 'momentum'; known: lr, optim",
    ]);
  });

  test("its run", () => {
    const env = {
      EXP_RUN_NAME: "digits.1.4",
      EXP_ATTEMPT: "2",
      EXP_SEED: "7",
      EXP_RUN_DIR: "/r",
      EXP_URL: "http://c/r",
    };
    const code =
      "print(bool(exp.run), exp.run.id, exp.run.name, exp.run.attempt, exp.run.seed, exp.run.dir, exp.run.url)";
    expect(run(code, { env }).stdout).toBe("True run_1 digits.1.4 2 7 /r http://c/r\n");
  });

  test("a configuration that cannot be read is empty, and said once", () => {
    writeFileSync(join(folder, "config.json"), "{");
    const { stdout, stderr } = run("print(dict(exp.config))", { env: { EXP_CONFIG: join(folder, "config.json") } });
    expect(stdout).toBe("{}\n");
    expect(stderr).toMatch(/^expfleet: .*\n$/);
  });
});

describe("outside a run", () => {
  test("calls do nothing", () => {
    const code = `
exp.log({"a": 1}); exp.summary["b"] = 2; exp.progress(1, 2)
print(dict(exp.config), bool(exp.run), exp.run.id, exp.run.attempt, exp.summary)`;
    const { stdout, stderr } = run(code, { isRun: false });
    expect([stdout, stderr]).toEqual(["{} False None None {'b': 2}\n", ""]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(["EXP_CLIENT_DIR", "EXP_DIR"])("%s names a directory to write to", (name) => {
    run('exp.log({"a": 1})', { isRun: false, env: { [name]: join(folder, "new/dir") } });
    expect(readFileSync(join(folder, "new/dir/client.jsonl"), "utf8")).toMatch(/^\{"e":"m",.*\}\n$/);
  });

  test("EXP_DIR that names a local stack, as exp means it, is left alone", () => {
    const stack = join(folder, "stack");
    mkdirSync(join(stack, "coordinator"), { recursive: true });
    run('exp.log({"a": 1})', { isRun: false, env: { EXP_DIR: stack } });
    expect(readdirSync(stack)).toEqual(["coordinator"]);
    run('exp.log({"a": 1})', { isRun: false, env: { EXP_DIR: stack, EXP_CLIENT_DIR: folder } });
    expect(readdirSync(folder).sort()).toEqual(["client.jsonl", "stack"]);
  });

  test.each([
    ["RuntimeError", {}],
    ["FileNotFoundError", { EXPERIMENT_WORK_DIR: "/nowhere", EXP_EVENTS: "/dev/null" }],
    ["RuntimeError", { EXPERIMENT_WORK_DIR: "/tmp" }],
  ])("load_experiment raises %s, as EXP does: %j", (name, env) => {
    const ended = runPython(folder, "exp.load_experiment()", { isRun: false, env });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain(`\n${name}: `);
  });
});

describe("skipping", () => {
  test.each([
    ['exp.skip("too large")'],
    ['raise exp.SkipRun("too large")'],
    ['try:\n  exp.skip("too large")\nexcept Exception:\n  pass'],
    ['import sys\nsys.excepthook = lambda *a: None\nexp.skip("too large")'],
    ['def f():\n  try:\n    exp.skip("too large")\n  finally:\n    exp.log({"a": 1})\nf()'],
  ])("%s", (code) => {
    const ended = runPython(folder, code);
    expect(ended).toMatchObject({ status: 77, broken: [], stderr: "expfleet: skipped: too large\n" });
    expect(ended.events.find(({ kind }) => kind === "skip")).toMatchObject({ reason: "too large" });
  });

  test("can be caught by its name", () => {
    expect(run('try:\n  exp.skip("why")\nexcept exp.SkipRun as skip:\n  print(skip)').stdout).toBe("why\n");
  });
});

describe("what a program says besides", () => {
  test("files, tags, notes and alerts, each with what it was called with", () => {
    const code = `
import os
exp.artifact("out/best.pt", name="model", kind="weights")
os.chdir("/")
exp.artifact("etc")
exp.checkpoint("/ckpt/last.pt", step=7)
exp.tag("paper", "v2")
exp.note("batch norm off")
exp.alert("loss is nan", level="error", title="stop")
exp.alert("odd level", level="fatal")`;
    const said = run(code).events.flatMap((event) => (event.kind === "other" ? [event.body] : []));
    expect(said.map(({ t, ...body }) => body)).toEqual([
      { e: "a", path: join(folder, "out/best.pt"), name: "model", kind: "weights" },
      { e: "a", path: "/etc", name: "etc", kind: "file" },
      { e: "k", path: "/ckpt/last.pt", s: 7 },
      { e: "t", v: ["paper", "v2"] },
      { e: "n", text: "batch norm off" },
      { e: "w", level: "error", text: "loss is nan", title: "stop" },
      { e: "w", level: "info", text: "odd level" },
    ]);
  });

  test.each([
    ["exp.artifact(5)"],
    ["exp.checkpoint(None)"],
    ['exp.note(type("Bad", (), {"__str__": lambda self: 1 / 0})())'],
    ["exp.on_stop(5)"],
    ["exp.tag()"],
  ])("%s breaks nothing", (code) => {
    expect(run(`${code}\nprint("goes on")`).stdout).toBe("goes on\n");
  });

  test("a function of the configuration: what it returns are final values", () => {
    writeFileSync(join(folder, "config.json"), '{"lr": 0.5}');
    const code = `
@exp.main
def train(config):
    "Trains."
    return {"best": config.lr * 2}
print(train(), train.__doc__)
@exp.main
def nothing(config):
    pass
print(nothing())`;
    const { events, stdout } = run(code, { env: { EXP_CONFIG: join(folder, "config.json") } });
    expect(stdout).toBe("{'best': 1.0} Trains.\nNone\n");
    expect(events.flatMap((event) => (event.kind === "summary" ? [...event.values] : []))).toEqual([["best", 1]]);
    const bad = runPython(folder, "@exp.main\ndef train(config): return 5\ntrain()");
    expect([bad.status, bad.stderr]).toEqual([1, expect.stringContaining("TypeError: train returned int")]);
  });

  test("the configuration as plain values, and to a worker process", () => {
    writeFileSync(join(folder, "config.json"), '{"optim": {"lr": 1.0}}');
    const code = `
import pickle
plain = exp.config.as_dict(); plain["optim"]["lr"] = 2
print(plain, exp.config.optim.lr, pickle.loads(pickle.dumps(exp.config)).optim.lr)`;
    const { stdout } = run(code, { env: { EXP_CONFIG: join(folder, "config.json") } });
    expect(stdout).toBe("{'optim': {'lr': 2}} 1.0 1.0\n");
  });
});

describe("being asked to stop", () => {
  test("the reason is in a file of the run, looked at once a second, and stays", () => {
    const code = `
import os, time
print(exp.should_stop())
open("stop", "w").write("preempt\\nmore")
print(exp.should_stop())
exp._stop._looked_at -= 2
print(exp.should_stop())
os.remove("stop")
exp._stop._looked_at -= 2
print(exp.should_stop())`;
    expect(run(code, { env: { EXP_RUN_DIR: folder } }).stdout).toBe("None\nNone\npreempt\npreempt\n");
    expect(run("print(exp.should_stop())", { isRun: false }).stdout).toBe("None\n");
  });

  const TERM = "import os, signal\n";
  const KILL = "\nos.kill(os.getpid(), signal.SIGTERM)\nprint('not reached')";

  test("saves and ends as if by SIGTERM, with the clean-up of the program", () => {
    const code = `${TERM}
@exp.on_stop
def save():
    exp.log({"saved": 1}, step=0); print("saved", exp.should_stop(), flush=True)
exp.on_stop(lambda: 1 / 0)
try:${KILL.replaceAll("\n", "\n    ")}
finally:
    print("cleaned up")`;
    const ended = runPython(folder, code);
    expect([ended.status, ended.stdout]).toEqual([143, "saved cancel\ncleaned up\n"]);
    expect(metricsOf(ended.events)).toEqual([{ step: 0, saved: 1 }]);
  });

  test("a handler that was there decides how it ends", () => {
    const code = `${TERM}
def mine(number, frame):
    print("mine"); raise SystemExit(5)
signal.signal(signal.SIGTERM, mine)
exp.on_stop(lambda: print("saved"))${KILL}`;
    const ended = runPython(folder, code);
    expect([ended.status, ended.stdout]).toEqual([5, "saved\nmine\n"]);
  });

  test("a worker that was forked later dies of SIGTERM as ever, and does not save", () => {
    const code = `${TERM}
exp.on_stop(lambda: print("saved", flush=True))
child = os.fork()
if child == 0:
    import time
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)
print(os.waitpid(child, 0)[1])`;
    expect(run(code).stdout).toBe("15\n");
  });

  test("outside the main thread it is said, and breaks nothing", () => {
    const code = `
import threading
thread = threading.Thread(target=exp.on_stop, args=(print,)); thread.start(); thread.join()
print("goes on")`;
    const { stdout, stderr } = run(code);
    expect([stdout, stderr]).toEqual(["goes on\n", expect.stringMatching(/^expfleet: .*main thread/)]);
  });
});

describe("what it costs to import", () => {
  test("nothing heavy comes with it", () => {
    const { stdout } = run("import sys\nprint(*sorted(sys.modules))", { flags: ["-S"] });
    const loaded = new Set(stdout.trim().split(" "));
    expect(loaded).toContain("expfleet._events");
    for (const heavy of ["json", "re", "typing", "threading", "socket", "subprocess", "logging", "pathlib"]) {
      expect([heavy, loaded.has(heavy)]).toEqual([heavy, false]);
    }
  });

  test.each(pythonFiles(CLIENT))("%s is Python 3.8", (name) => {
    const check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 8))";
    execFileSync(defaultPython(), ["-c", check, join(CLIENT, name)]);
  });

  test("it is imported in a few milliseconds", () => {
    const code = `
import subprocess, sys, time
def cost(text):
    def once():
        start = time.perf_counter(); subprocess.run([sys.executable, "-S", "-c", text], check=True)
        return time.perf_counter() - start
    return min(once() for _ in range(9))
print((cost("import expfleet") - cost("pass")) * 1000)`;
    // Five on an idle machine of today; tests run beside others.
    expect(Number(run(code).stdout)).toBeLessThan(25);
  });
});

function pythonFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".py"));
}
