/** The client under every Python of this machine, and in the ways in which programs start further interpreters. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  CLIENT,
  CLIENT_PATH,
  metricsOf,
  type PythonOptions,
  pythonsAtHand,
  runPython,
  runWell,
} from "../../helpers/python-client.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exp-client-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (code: string, options?: PythonOptions) => runWell(folder, code, options);

/** A program that uses everything once and says what it is told. */
const EVERYTHING = `
import os, sys, threading
exp.log({"loss": 0.5, "acc": 1}, step=1, split="train")
exp.log({"text": "x", "nan": float("nan")}, step=2)
exp.log_metric(3, {"acc": 0.5})
exp.summary["best"] = 0.5
exp.progress(1, 2)
exp.artifact("a"); exp.checkpoint("b", 1); exp.tag("t"); exp.note("n"); exp.alert("w")
exp.on_stop(lambda: None)
assert exp.should_stop() is None
os.chdir("/")
child = os.fork()
if child == 0:
    exp.log({"fork": 1}, step=5)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
thread = threading.Thread(target=exp.log, args=({"thread": 1},), kwargs={"step": 4}); thread.start(); thread.join()
e = exp.load_experiment(); e.upd_row(a=1, b=None); e.save_row()
import ztxexp, experiment_manager.core, exp as alias
assert alias is exp and ztxexp.RunContext and experiment_manager.core.load_experiment
from ztxexp.runner import SkipRun
try:
    raise SkipRun("caught")
except Exception as error:
    print(error, sys.version_info[:2])
`;

describe.each(pythonsAtHand())("Python $version", ({ python, version }) => {
  test("every call", () => {
    const { events, stdout, stderr } = run(EVERYTHING, { python, flags: ["-S"], env: { EXPERIMENT_WORK_DIR: folder } });
    expect([stdout, stderr]).toEqual([`caught (${version.replace(".", ", ")})\n`, "expfleet: skipped: caught\n"]);
    expect(events.map((event) => (event.kind === "other" ? event.letter : event.kind))).toEqual([
      ...["metric", "metric", "metric", "summary", "progress", "a", "k", "t", "n", "w"],
      ...["metric", "metric", "row", "skip"],
    ]);
  });

  test("spawned and forked workers of multiprocessing, and its pools", () => {
    writeFileSync(
      join(folder, "program.py"),
      `
import multiprocessing, sys
import expfleet as exp
def work(who):
    exp.log({"who": who}, step=0)
if __name__ == "__main__":
    for method in ("spawn", "fork", "forkserver"):
        context = multiprocessing.get_context(method)
        child = context.Process(target=work, args=(method,)); child.start(); child.join()
        assert child.exitcode == 0, method
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(work, ["pool"] * 2)
`,
    );
    // As a file: workers look for the program where it was.
    const program = "import subprocess, sys; subprocess.run([sys.executable, 'program.py'], check=True)";
    const { events } = run(program, { python });
    expect(metricsOf(events).map((event) => ("who" in event ? event.who : ""))).toEqual([
      ...["spawn", "fork", "forkserver", "pool", "pool"],
    ]);
  });

  test("-I hides PYTHONPATH; installed it works, and so do its spawned workers", () => {
    const hidden = runPython(folder, "", { python, flags: ["-I"] });
    expect([hidden.status, hidden.stderr]).toEqual([1, expect.stringContaining("No module named 'expfleet'")]);
    writeFileSync(
      join(folder, "isolated.py"),
      `
import sys
sys.path.insert(0, ${JSON.stringify(CLIENT)})
import multiprocessing
import expfleet as exp
def work(): exp.log({"a": sys.flags.isolated}, step=1)
if __name__ == "__main__":
    exp.log({"a": sys.flags.isolated}, step=0)
    child = multiprocessing.get_context("spawn").Process(target=work); child.start(); child.join()
    assert child.exitcode == 0
`,
    );
    const program = "import subprocess, sys; subprocess.run([sys.executable, '-I', 'isolated.py'], check=True)";
    const { events } = run(program, { python, imports: false });
    expect(metricsOf(events)).toEqual([
      { step: 0, a: 1 },
      { step: 1, a: 1 },
    ]);
  });

  test("while the interpreter goes down", () => {
    const code = `
import atexit
class Late:
    def __del__(self):
        exp.log({"del": 1}, step=3)
late = Late()
atexit.register(lambda: exp.log({"atexit": 1}, step=2))
exp.log({"a": 1}, step=1)
`;
    const { events, stderr } = run(code, { python });
    expect(stderr).toBe("");
    expect(metricsOf(events).map(({ step }) => step)).toEqual([1, 2, 3]);
  });
});

describe("what else answers to a name wins", () => {
  test.each([
    ["a module beside the script", { "exp.py": "who = 'mine'" }, "import exp; print(exp.who)"],
    ["a package", { "exp/__init__.py": "who = 'mine'" }, "import exp; print(exp.who)"],
    ["a folder without __init__", { "exp/part.py": "who = 'mine'" }, "import exp.part; print(exp.part.who)"],
    [
      "a package with parts",
      { "ztxexp/__init__.py": "", "ztxexp/types.py": "who = 'mine'" },
      "from ztxexp.types import who; print(who)",
    ],
    [
      "what comes later on the path",
      { "site/experiment_manager/__init__.py": "", "site/experiment_manager/core.py": "who = 'mine'" },
      "import sys; sys.path.append('site'); from experiment_manager.core import who; print(who)",
    ],
    [
      "what has a finder of its own, as editable installs",
      { "else/where.py": "who = 'mine'" },
      `
import sys, importlib.util
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, "else/where.py") if name == "ztxexp" else None
sys.meta_path.append(Finder)
import ztxexp; print(ztxexp.who)`,
    ],
  ])("%s", (_, files: { readonly [name: string]: string }, code) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    expect(run(code, { imports: false, flags: ["-S"] }).stdout).toBe("mine\n");
  });

  test("what is broken in it is raised, as without us", () => {
    writeFileSync(join(folder, "ztxexp.py"), "import nothing_of_that_name");
    const ended = runPython(folder, "import sys; sys.path.append(sys.path.pop(0)); import ztxexp", {
      imports: false,
      flags: ["-S"],
    });
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining("nothing_of_that_name")]);
  });
});

describe("the hook, which is asked for", () => {
  const HOOK = { PYTHONPATH: `${CLIENT}/hook:${CLIENT_PATH}` };
  const died = (code: string, env: { readonly [name: string]: string }) => {
    const { status, stderr, events } = runPython(folder, code, { imports: false, env });
    return { status, stderr, said: events.flatMap((event) => (event.kind === "other" ? [event.body] : [])) };
  };

  test("without it nothing of the interpreter is changed", () => {
    const code = "import sys, faulthandler; print(sys.excepthook is sys.__excepthook__, faulthandler.is_enabled())";
    expect(run(code).stdout).toBe("True False\n");
  });

  test("an exception leaves its traceback with the run, and on stderr as ever", () => {
    const { status, stderr, said } = died("def f():\n  1 / 0\nf()", HOOK);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^Traceback[\s\S]*ZeroDivisionError: [^\n]*\n$/)]);
    expect(said).toMatchObject([
      { level: "error", kind: "ZeroDivisionError", text: "ZeroDivisionError: division by zero", rank: 0 },
    ]);
    expect(said[0]?.traceback).toBe(stderr);
    expect(died("raise SystemExit(3)", HOOK)).toMatchObject({ status: 3, stderr: "" });
  });

  test("a crash shows where", () => {
    const { stderr } = died("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", HOOK);
    expect(stderr).toMatch(/Fatal Python error: Segmentation fault[\s\S]*File "<string>", line 1/);
  });

  test("another sitecustomize is run as if this one were not there", () => {
    mkdirSync(join(folder, "own"));
    writeFileSync(join(folder, "own/sitecustomize.py"), "own = 'mine'\nopen('ran', 'a').write(__file__ + '\\n')\n");
    const env = { PYTHONPATH: `${HOOK.PYTHONPATH}:${folder}/own` };
    expect(run("import sitecustomize; print(sitecustomize.own)", { env }).stdout).toBe("mine\n");
    expect(readFileSync(join(folder, "ran"), "utf8")).toBe(`${folder}/own/sitecustomize.py\n`);
    expect(run("print('works')", { imports: false, env: { PYTHONPATH: `${CLIENT}/hook` } }).stdout).toBe("works\n");
  });
});
