/** Work of EXP and ztxexp, written by the programs themselves, is taken over: listed, and not done again. EXP's files run. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { SeriesAnswer } from "../../shared/run/dashboard.ts";
import type { RunView } from "../../shared/run/views.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";

const ROOT = join(import.meta.dirname, "../..");
const SAVE_ROWS = join(ROOT, "test/compat/save_rows.py");
const LEAVE_RESULTS = join(ROOT, "test/compat/leave_results.py");

let python = "";
beforeAll(() => {
  python = execFileSync("sh", [join(ROOT, "scripts/compat-venv.sh")], { encoding: "utf8" }).trim();
});

function leaveResults(fleet: Fleet, tool: "exp" | "ztxexp", path: string): void {
  execFileSync(python, [LEAVE_RESULTS, tool, path], { cwd: fleet.dir, stdio: ["ignore", "ignore", "pipe"] });
}

async function json<T>(fleet: Fleet, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await fleet.exp(...args, "--json");
  if (code !== 0) throw new Error(`exp ${args.join(" ")}: ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}

interface Imported {
  readonly sweep: string | null;
  readonly added: number;
  readonly known: number;
  readonly damaged: number;
  readonly notCompleted: { readonly [status: string]: number };
}

test("the examples of EXP's own files run as they are", async () => {
  await using fleet = await startFleet({ agents: 1, gpus: "fake:2x8GB" });
  const examples = join(fleet.dir, "examples");
  cpSync(join(ROOT, "examples/exp"), examples, { recursive: true });
  const config = join(examples, "config.toml");
  writeFileSync(config, readFileSync(config, "utf8").replaceAll("python simple", "python3 simple"));

  for (const [file, names] of [
    ["config.toml", ["cnn_small", "cnn_small", "cnn_alt_lr"]],
    ["repeat.toml", ["cnn_alt_lr", "cnn_repeat", "cnn_repeat", "cnn_small"]],
  ] as const) {
    const made = await json<{ sweep: string; total: number }>(fleet, "submit", join(examples, file));
    expect(made).toMatchObject({ sweep: `${file.replace(".toml", "")}.1`, total: names.length });
    const runs = await fleet.done(made.sweep, 60_000);
    expect(runs.map(({ state, params }) => [state, params.name])).toEqual(names.map((name) => ["succeeded", name]));
    expect(runs.every(({ metrics }) => Number(metrics.accuracy) > 0.4)).toBe(true);
  }
  const again = await json<{ new: number; reused: number }>(fleet, "submit", config);
  expect(again).toMatchObject({ new: 0, reused: 3 });
});

test("EXP's results: what finished is not run again, what failed is", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  const file = join(fleet.dir, "lab.toml");
  writeFileSync(
    file,
    `[scheduler]
    base_experiment_dir = ${JSON.stringify(join(fleet.dir, "experiments"))}
    check_interval = 0.1
    linger_when_idle = false
    [[experiments]]
    name = "good/nested"
    command = "echo done"
    tags = ["a"]
    description = "a run of before"
    repeats = 2
    environment = { LEVEL = 1 }
    [[experiments]]
    name = "bad"
    command = "test -e ${join(fleet.dir, "mended")}"
    [[experiments]]
    name = "rows"
    command = "${python} ${SAVE_ROWS} experiment_manager.core.experiment"
    `,
  );
  leaveResults(fleet, "exp", file);
  const root = join(fleet.dir, "experiments");

  // The two repeats end up in one directory when they start in the same second: EXP's own doing.
  const directories = readdirSync(join(root, "good")).length;
  const imported = await json<Imported>(fleet, "import", "exp", root);
  expect(imported).toEqual({
    sweep: "experiments.1",
    ...{ added: directories + 1, known: 0, damaged: 0, notCompleted: { error: 1 } },
  });
  const runs = await json<RunView[]>(fleet, "ls", "experiments.1");
  expect(runs).toHaveLength(directories + 1);
  const [rows, plain] = ["rows", "good/nested"].map((name) => runs.find(({ params }) => params.name === name));
  expect(plain).toMatchObject({ state: "succeeded", params: { description: "a run of before" } });
  // Its curves came along, and its table is the same, byte for byte.
  expect(rows?.metrics).toMatchObject({ acc: "NaN", loss: 1e-5, step: 3 });
  const { series } = await fleet.api<SeriesAnswer>(`/runs/${rows?.ref}/series?keys=loss,step`);
  expect(series.map(({ key, xs, ys }) => [key, xs, ys])).toEqual([
    ["loss", [1], [1e-5]],
    ["step", [1, 2, 3], [1, 2, 3]],
  ]);
  const pulled = join(fleet.dir, "pulled");
  await json(fleet, "export", rows?.ref ?? "", "--format", "exp", "--out", pulled);
  const tables = (of: string) =>
    readdirSync(of, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith("run_0001.csv"))
      .map((name) => readFileSync(join(of, name), "utf8"));
  expect(tables(pulled)).toEqual(tables(root));

  expect(await json<Imported>(fleet, "import", "exp", root)).toMatchObject({ added: 0, known: directories + 1 });

  writeFileSync(join(fleet.dir, "mended"), "");
  const made = await json<{ sweep: string }>(fleet, "submit", file);
  expect(made).toMatchObject({ sweep: "lab.1", total: 4, new: 3 - directories, reused: directories + 1 });
  const states = (await fleet.done("lab.1", 30_000)).map(({ state }) => state);
  expect(states).toEqual(["succeeded", "succeeded", "succeeded", "succeeded"]);
});

test("a results root of ztxexp: the same grid here runs what is missing", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  const root = join(fleet.dir, "results_root");
  leaveResults(fleet, "ztxexp", root);
  mkdirSync(join(root, "broken"));
  writeFileSync(join(root, "broken/run.json"), '{"schema_version": 2, "status": "succ');
  mkdirSync(join(root, "no-config"));
  writeFileSync(join(root, "no-config/run.json"), '{"schema_version": 2, "status": "succeeded"}');
  mkdirSync(join(root, "foreign"));

  const { code, stdout, stderr } = await fleet.exp("import", "ztxexp", root, "--name", "before");
  expect(code).toBe(0);
  expect(stdout).toBe("before.1: 2 runs imported; left out: 1 failed, 1 skipped, 2 damaged\n");
  expect(stderr.split("\n").slice(0, 2)).toEqual([
    "warning: broken is left out: run.json is not valid JSON: the text ends within a string",
    "warning: no-config is left out: config.json is missing",
  ]);
  expect(await json<Imported>(fleet, "import", "ztxexp", root)).toMatchObject({
    sweep: "before.1",
    added: 0,
    known: 2,
  });

  const runs = await json<RunView[]>(fleet, "ls", "before.1");
  expect(runs.map(({ params }) => params)).toEqual(
    expect.arrayContaining([
      { epochs: 2, amp: true, "optim.name": "adam", "optim.betas": [0.9, 0.999], lr: 0.1 },
      { epochs: 2, amp: true, "optim.name": "adam", "optim.betas": [0.9, 0.999], lr: 0.01 },
    ]),
  );
  const lr = Number(runs[0]?.params.lr);
  const { series } = await fleet.api<SeriesAnswer>(`/runs/${runs[0]?.ref}/series?keys=loss`);
  expect(series.map(({ xs, ys }) => [xs, ys])).toEqual([
    [
      [1, 2],
      [2 * lr, lr],
    ],
  ]);
  expect(runs[0]?.metrics).toEqual({ loss: lr, acc: 1 - lr });
  const best = await fleet.exp("best", "before.1", "--metric", "acc", "--goal", "maximize", "--json");
  expect(JSON.parse(best.stdout)).toMatchObject([{ value: 0.99 }, { value: 0.9 }]);
  const { resultsDir } = await json<{ resultsDir: string }>(fleet, "show", "before.1.1");
  expect(resultsDir.startsWith(`${root}/`)).toBe(true);
  expect(existsSync(join(resultsDir, "config.json"))).toBe(true);

  const sweep = (identity: string) => `
    name = "after"
    run.command = "echo $EXP_RUN_NAME"
    ${identity}
    [base]
    amp = 1
    epochs = 2
    num_workers = 4
    [base.optim]
    betas = [0.9, 0.999]
    [grid]
    "optim.name" = ["adam", "sgd"]
    lr = [0.1, 0.01]
  `;
  // As in any sweep, the command counts unless the file says that it does not, which the plan suggests.
  const ours = sweep("").replace("num_workers = 4", "");
  writeFileSync(join(fleet.dir, "ours.toml"), ours);
  const planned = await fleet.exp("plan", join(fleet.dir, "ours.toml"));
  expect(planned.stderr).toContain(
    "warning: 2 new runs have the parameters of imported work; identity.include = [] lets parameters alone decide\n",
  );
  expect(await fleet.submit(sweep(""))).toMatchObject({ total: 4, reused: 0 });
  await fleet.done("after.1", 30_000);
  expect(await fleet.submit(sweep("identity.include = []"), "--priority", "1")).toMatchObject({ total: 4, reused: 0 });
  await fleet.done("after.2", 30_000);
  const made = await fleet.submit(sweep('identity = { include = [], ignore = ["num_workers"] }'));
  expect(made).toMatchObject({ sweep: "after.3", total: 4, new: 2, reused: 2 });
  const after = await fleet.done("after.3", 30_000);
  const sources = await Promise.all(
    after.map(async ({ ref }) => (await json<{ reusedFrom: string }>(fleet, "show", ref)).reusedFrom),
  );
  expect(sources.map((source) => source.replace(/\d+$/, ""))).toEqual(["before.1.", "before.1.", "", ""]);
  expect(after[0]?.metrics).toMatchObject({ acc: 0.9, loss: 0.1 });
});
