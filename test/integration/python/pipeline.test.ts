/** Scripts written for ztxexp, unmodified, on a real fleet: each configuration becomes a run, and the script waits for them. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fleet, startFleet } from "../../helpers/fleet.ts";
import { CLIENT_PATH, defaultPython } from "../../helpers/python-client.ts";

const CLI = resolve(import.meta.dirname, "../../../bin/exp");
const BOUND_MS = 120_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 4 });
});

afterAll(() => fleet[Symbol.asyncDispose]());

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script as its user does, `-S`: with no packages but the standard library and ours. */
async function submit(folder: string, script: string, ...words: string[]): Promise<Ended> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    PYTHONPATH: CLIENT_PATH,
    PYTHONDONTWRITEBYTECODE: "1",
    EXPFLEET_CLI: CLI,
    EXP_SERVER: fleet.grpc,
    EXP_TOKEN_FILE: fleet.tokenFile,
  };
  const how = script.endsWith(".py") ? [script] : ["-m", script];
  try {
    const ended = await promisify(execFile)(defaultPython(), ["-S", ...how, ...words], { cwd: folder, env });
    return { status: 0, ...ended };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

function project(name: string, files: { readonly [name: string]: string }): string {
  const folder = join(fleet.dir, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function readJson(...path: string[]): { readonly [key: string]: unknown } {
  return JSON.parse(readFileSync(join(...path), "utf8")) as { [key: string]: unknown };
}

const SCRIPT = `
import sys
from pathlib import Path
from ztxexp import ExperimentPipeline, RunContext, SkipRun

def exp_fn(ctx: RunContext):
    lr = ctx.config["lr"]
    ctx.logger.info("lr=%s", lr)
    if lr > 1:
        raise SkipRun("lr is too large")
    if lr < 0:
        raise ValueError("negative")
    for step in range(3):
        ctx.log_metric(step, {"loss": lr / (step + 1)}, split="valid")
    (Path(ctx.run_dir) / "artifacts" / "model.txt").write_text(str(lr))
    if ctx.config["optim"]["name"] == "none":
        return None
    return {"score": 1 - lr, "scheduler": str(ctx.config["scheduler"])}

if __name__ == "__main__":
    summary = (
        ExperimentPipeline("./results", base_config={"optim": {"name": sys.argv[1]}, "scheduler": None})
        .grid({"lr": [0.5, 2.0, -1.0], "seed": [0, 1]})
        .name("sweep-demo").group("g").tags(["a"]).exclude_completed()
        .run(exp_fn, mode="process_pool", workers=2)
    )
    print(summary.total, summary.succeeded, summary.failed, summary.skipped, len(summary.failed_run_ids))
`;

describe("a pipeline", () => {
  test(
    "becomes a sweep; the script gets its summary; finals, curves and skips are those of the runs",
    async () => {
      const folder = project("demo", { "train.py": SCRIPT });
      const ended = await submit(folder, "train.py", "adam");
      expect([ended.stdout, ended.status]).toEqual(["6 2 2 2 2\n", 0]);

      const runs = await fleet.done("sweep-demo.1", BOUND_MS);
      expect(runs.map(({ state, params }) => [params.lr, params.seed, state])).toEqual([
        [0.5, 0, "succeeded"],
        [0.5, 1, "succeeded"],
        [2, 0, "skipped"],
        [2, 1, "skipped"],
        [-1, 0, "failed"],
        [-1, 1, "failed"],
      ]);
      expect(runs[0]?.metrics).toMatchObject({ score: 0.5, loss: 0.5 / 3 });
      expect(runs[2]?.reason).toContain("skip");

      const left = join(folder, "results");
      expect(readdirSync(left).sort()).toEqual([1, 2, 3, 4, 5, 6].map((index) => `sweep-demo.1.${index}`));
      expect(readJson(left, "sweep-demo.1.1", "config.json")).toEqual({
        optim: { name: "adam" },
        scheduler: null,
        lr: 0.5,
        seed: 0,
      });
      expect(readJson(left, "sweep-demo.1.3", "run.json")).toMatchObject({
        schema_version: 2,
        status: "skipped",
        error_type: "SkipRun",
        experiment_name: "sweep-demo",
        group: "g",
        tags: ["a"],
      });

      // As ztxexp leaves them: curves, host and artifacts came along.
      const first = join(left, "sweep-demo.1.1");
      const always = ["artifacts", "checkpoints", "config.json", "events.jsonl", "meta.json", "run.json", "run.log"];
      expect(readdirSync(first).sort()).toEqual([...always, "metrics.json", "metrics.jsonl"].sort());
      const points = readFileSync(join(first, "metrics.jsonl"), "utf8").trimEnd().split("\n");
      expect(points.map((line) => JSON.parse(line))).toMatchObject(
        [0, 1, 2].map((step) => ({ step, metrics: { loss: 0.5 / (step + 1) }, split: "valid", phase: "fit" })),
      );
      expect(readFileSync(join(first, "artifacts", "model.txt"), "utf8")).toBe("0.5");
      expect(readJson(first, "meta.json")).toMatchObject({ experiment_name: "sweep-demo", group: "g", tags: ["a"] });
      expect(String(readJson(first, "meta.json").hostname)).not.toBe("null");
      expect(readFileSync(join(first, "run.log"), "utf8")).toContain("lr=0.5");
      expect(readdirSync(join(left, "sweep-demo.1.5"))).toEqual(expect.arrayContaining(always));

      const again = await submit(folder, "train.py", "adam");
      expect(again.stdout).toBe("4 0 2 2 2\n");
    },
    BOUND_MS,
  );

  test(
    "functions that cannot be imported, and several pipelines in one script without a guard",
    async () => {
      const folder = project("stages", {
        "stages.py": `
from ztxexp import ExperimentPipeline
offset = 10
first = ExperimentPipeline("one").grid({"x": [1, 2, 3]}).run(lambda ctx: {"y": ctx.config["x"] + offset})
best = first.total * 100
second = ExperimentPipeline("two", {"best": best}).run(lambda ctx: {"z": ctx.config["best"] + 1})
print(first.succeeded, second.succeeded)
`,
      });
      expect(await submit(folder, "stages.py")).toMatchObject({ stdout: "3 1\n", status: 0 });
      const [run] = await fleet.done("stages.2", BOUND_MS);
      expect(run?.metrics).toMatchObject({ z: 301 });
    },
    BOUND_MS,
  );

  test(
    "a package started with -m, its function in another module, with retries",
    async () => {
      const folder = project("package", {
        "lab/__init__.py": "",
        "lab/work.py": `
import pathlib
from ztxexp.types import RunContext
def train(ctx: RunContext):
    marker = pathlib.Path(ctx.run_dir) / "tried"
    if not marker.exists():
        marker.write_text("x")
        raise OSError("not yet")
    return {"attempt": ctx.meta.attempt, "seed": ctx.meta.seed}
`,
        "lab/__main__.py": `
from ztxexp.manager import ExpManager
from ztxexp.runner import ExpRunner
from .work import train
configs = ExpManager({"seed": 3}).build()
if __name__ == "__main__":
    print(ExpRunner(configs, "out").run(train, max_attempts=2, retry_on=("OSError",)).succeeded)
`,
      });
      expect(await submit(folder, "lab")).toMatchObject({ stdout: "1\n", status: 0 });
      const [run] = await fleet.done("lab.1", BOUND_MS);
      expect(run?.metrics).toMatchObject({ attempt: 2, seed: 3 });
    },
    BOUND_MS,
  );
});

test("configurations that are no grid, and one that is drawn twice", { timeout: BOUND_MS }, async () => {
  const folder = project("drawn", {
    "drawn.py": `
from ztxexp import ExperimentPipeline as P
pipeline = P("out").variants([{"a": 1, "o": {"x": 1}}, {"a": 2, "b": "$HOME"}]).random_search({"c": [1, 2]}, 4, seed=1)
print([config["c"] for config in pipeline.build()])
summary = pipeline.run(lambda ctx: {"sum": ctx.config["a"] + ctx.config["c"] + len(ctx.config.get("b", ""))})
print(summary.total, summary.succeeded)
`,
  });
  expect((await submit(folder, "drawn.py")).stdout).toBe("[1, 1, 2, 1, 2, 2, 2, 2]\n3 3\n");
  const runs = await fleet.done("drawn.1", BOUND_MS);
  expect(runs.map(({ metrics }) => metrics.sum)).toEqual([2, 3, 9]);
  expect(readJson(folder, "out", "drawn.1.1", "config.json")).toEqual({ a: 1, o: { x: 1 }, c: 1 });
  expect(readJson(folder, "out", "drawn.1.3", "config.json")).toEqual({ a: 2, b: "$HOME", c: 2 });
});

test("the example, twice", { timeout: BOUND_MS }, async () => {
  const folder = project("example", {
    "pipeline.py": readFileSync(resolve(import.meta.dirname, "../../../examples/ztxexp/pipeline.py"), "utf8"),
  });
  const first = await submit(folder, "pipeline.py");
  expect(first.stdout).toMatch(/^RunSummary\(total=4, succeeded=3, failed=0, skipped=1, .*\n(.* .* [\d.]+\n){3}$/);
  const second = await submit(folder, "pipeline.py");
  expect(second.stdout).toMatch(/^RunSummary\(total=1, succeeded=0, failed=0, skipped=1, /);
});

describe("what cannot be sent", () => {
  test.each([
    ['.grid({"f": [print]})', "parameter f: <built-in function print> cannot be sent to the fleet"],
    ['.grid({"f": [None, 1]})', "a parameter is None in some configurations only"],
    [".modify(lambda config: 5)", "Modifier must return dict or None"],
  ])("%s", async (step, message) => {
    const folder = project("refused", {
      "refused.py": `from ztxexp import ExperimentPipeline as P\nP("r", {"a": 1})${step}.run(lambda ctx: None)\n`,
    });
    const ended = await submit(folder, "refused.py");
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test("a mode that is none, and a pipeline that nothing is left of", async () => {
    const folder = project("modes", {
      "modes.py": `
from ztxexp import ExperimentPipeline as P
print(P("r").grid({"a": []}).run(print))
try: P("r").run(print, mode="warp")
except ValueError as error: print(error)
`,
    });
    expect((await submit(folder, "modes.py")).stdout).toBe(
      "RunSummary(total=0, succeeded=0, failed=0, skipped=0, duration_sec=0.0, failed_run_ids=[])\n" +
        "Invalid mode 'warp'. Choose from sequential/process_pool/joblib/dynamic.\n",
    );
  });
});
