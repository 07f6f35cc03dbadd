/** The client as a package: its wheel installs and works where PYTHONPATH is not looked at, and its types hold. Needs the network once. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLIENT, defaultPython } from "../helpers/python-client.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const INSTALL_MS = 300_000;

let dir: string;

const pip = (...words: string[]) =>
  execFileSync("sh", [join(ROOT, "scripts/pip.sh"), ...words, "--quiet"], { cwd: dir });

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-package-"));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("the wheel", () => {
  let installed: string;

  beforeAll(() => {
    // Built from a copy: building leaves folders behind.
    cpSync(CLIENT, join(dir, "source"), { recursive: true, filter: (path) => !path.includes("__pycache__") });
    pip("wheel", "--no-deps", "--wheel-dir", join(dir, "wheel"), join(dir, "source"));
    installed = join(dir, "installed");
    pip("install", "--no-index", "--target", installed, join(dir, "wheel", readdirSync(join(dir, "wheel"))[0] ?? ""));
  }, INSTALL_MS);

  test("holds the whole client, and nothing that would cover other packages", () => {
    const ours = readdirSync(join(CLIENT, "expfleet"), { recursive: true, encoding: "utf8" });
    const theirs = readdirSync(join(installed, "expfleet"), { recursive: true, encoding: "utf8" });
    const sources = (names: readonly string[]) => names.filter((name) => /\.(py|typed)$/.test(name)).sort();
    expect(sources(theirs)).toEqual(sources(ours));
    expect(readdirSync(installed).filter((name) => !name.endsWith(".dist-info"))).toEqual(["expfleet"]);
  });

  test("works under -I, and its version is that of the program", () => {
    const events = join(dir, "client.jsonl");
    const code = `import sys; sys.path.insert(0, ${JSON.stringify(installed)})
import expfleet, importlib.metadata as metadata
expfleet.log({"a": 1}, step=1)
print(expfleet.__version__, metadata.version("expfleet"), metadata.requires("expfleet"))`;
    const env = { EXP_RUN_ID: "run_1", EXP_EVENTS: events };
    const said = execFileSync(defaultPython(), ["-I", "-c", code], { encoding: "utf8", env });
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(said).toBe(`${version} ${version} None\n`);
    expect(readFileSync(events, "utf8")).toMatch(/^\{"e":"m",.*"v":\{"a":1\}\}\n$/);
  });
});

describe("types", () => {
  let tool: string;

  const check = (...words: string[]) => {
    const { status, stdout } = spawnSync(
      defaultPython(),
      ["-m", "mypy", "--strict", "--no-error-summary", `--cache-dir=${join(dir, "mypy")}`, ...words],
      { cwd: CLIENT, encoding: "utf8", env: { PYTHONPATH: tool, MYPYPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1" } },
    );
    return { status, lines: stdout.split("\n").filter(Boolean) };
  };

  beforeAll(() => {
    tool = join(dir, "tool");
    mkdirSync(tool);
    pip("install", "--target", tool, "mypy");
  }, INSTALL_MS);

  test("hold within the client", () => {
    expect(check("-p", "expfleet")).toEqual({ status: 0, lines: [] });
  });

  test("tell a program what it does wrong, and let the rest be", () => {
    const program = join(dir, "program.py");
    writeFileSync(
      program,
      `import expfleet as exp
from typing import Optional
from expfleet.ztxexp import ExperimentPipeline, RunContext
exp.log({"loss": 0.5}, step=3, split="train", all_ranks=True)
exp.log_metric("acc", 0.9, step=7)
exp.log_metric(7, {"acc": 0.9}, split="valid")
reason: Optional[str] = exp.should_stop()
@exp.on_stop
def save() -> None: ...
@exp.main
def train(config: exp.Config) -> None: ...
def exp_fn(ctx: RunContext) -> None: ctx.log_metric(1, {"a": 1.0})
ExperimentPipeline("r").grid({"lr": [0.1]}).run(exp_fn)
exp.log({"loss": 0.5}, 3, 4)
seed: str = exp.run.seed
exp.progres(1)
`,
    );
    const places = check(program).lines.flatMap((line) => /program\.py:(\d+): error/.exec(line)?.[1] ?? []);
    expect([...new Set(places)]).toEqual(["14", "15", "16"]);
  });
});
