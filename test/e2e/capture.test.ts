/** Programs that know nothing of us, on a real fleet: what they print and write is there as metrics, each value once. */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClientEvent, parseClientLine } from "../../shared/run/client-event.ts";
import type { RunView } from "../../shared/run/views.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { attemptFiles } from "../helpers/results.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PROGRAM = resolve(import.meta.dirname, "../fixtures/programs/train-like.py");
const LOSSES = Array.from({ length: 5 }, (_, step) => 1 / (step + 1));

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({ agents: 1, gpus: "fake:2x80GB", cpuSlots: 4 });
}, 60_000);
afterAll(() => fleet?.[Symbol.asyncDispose](), 60_000);

interface Point {
  readonly key: string;
  readonly step: number;
  readonly value: number | string;
}

async function points(ref: string, ...keys: string[]): Promise<Point[]> {
  const { code, stdout, stderr } = await fleet.exp("metrics", ref, ...keys, "--series", "--json");
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as Point[]).map(({ key, step, value }) => ({ key, step, value }));
}

const curve = async (run: RunView, key: string) => (await points(run.ref, key)).map(({ step, value }) => [step, value]);

async function submit(name: string, words: readonly (string | number)[], rest: string): Promise<void> {
  const command = JSON.stringify(["python3", PROGRAM, ...words.map(String)]);
  // The same program with another capture is the same work.
  await fleet.submit(`name = "${name}"\nrerun = "all"\n[run]\ncommand = ${command}\n${rest}`);
}

async function finished(name: string): Promise<RunView> {
  const [run] = await fleet.done(`${name}.1`, 60_000);
  if (!run) throw new Error("no run");
  expect(run).toMatchObject({ state: "succeeded" });
  return run;
}

async function runOf(name: string, words: readonly (string | number)[], rest = ""): Promise<RunView> {
  await submit(name, words, rest);
  return finished(name);
}

function events(run: RunView): ClientEvent[] {
  const lines = attemptFiles(fleet.resultsDir, run).client.toString().split("\n");
  return lines.flatMap((line) => parseClientLine(line) ?? []);
}

test("dicts as the Trainer prints them, over their epochs", async () => {
  const run = await runOf("hf", ["hf"]);
  expect(await curve(run, "loss")).toEqual(LOSSES.map((value, i) => [i / 2, value]));
  const { stdout } = await fleet.exp("show", run.ref);
  expect(stdout).toMatch(/metrics .*loss=0\.2\b/);
});

test("JSON lines, with nested names", async () => {
  const run = await runOf("json", ["json"]);
  expect(await curve(run, "loss")).toEqual(LOSSES.map((value, i) => [i, value]));
  expect(await curve(run, "nested/acc")).toEqual(LOSSES.map((value, i) => [i, 1 - value]));
});

test("what the program logs itself is not taken from its output too", async () => {
  const run = await runOf("both", ["both"]);
  expect(await curve(run, "loss")).toEqual(LOSSES.map((value, i) => [i, value]));
  expect(await curve(run, "printed_only")).toEqual(LOSSES.map((_, i) => [i, 2]));
});

test("patterns of one's own; names and values only where they are asked for", async () => {
  const pattern = String.raw`[capture]
    stdout = []
    patterns = ['it (?P<step>\step) of .* loss is (?P<loss>\value)']`;
  const run = await runOf("pattern", ["pattern"], pattern);
  expect(await curve(run, "loss")).toEqual(LOSSES.map((value, i) => [i, Number(value.toFixed(4))]));
  expect((await runOf("quiet", ["keyvalue"])).metrics).toEqual({});
  const asked = await runOf("keyvalue", ["keyvalue"], '[capture]\nstdout = ["keyvalue"]');
  expect(await curve(asked, "loss")).toEqual(LOSSES.map((value, i) => [i, Number(value.toFixed(4))]));
});

test("a bar is progress, not a metric", async () => {
  const run = await runOf("bar", ["bar"]);
  const progress = events(run).filter(({ kind }) => kind === "progress");
  expect(progress.at(-1)).toMatchObject({ done: 4, total: 5, rate: 12.5, etaSeconds: 2 });
  expect(run.metrics).toEqual({});
});

test("event files and CSV logs in the working directory, where several runs share it", async () => {
  const names = ["tb-a", "tb-b"];
  for (const name of names) await submit(name, ["tensorboard", 5, 0.3], "[resources]\ncpus = 1\ngpus = 0");
  for (const run of await Promise.all(names.map(finished))) {
    const steps = (await curve(run, "train/loss")).map(([step, value]) => [step, Number(value).toFixed(6)]);
    expect(steps).toEqual(LOSSES.map((value, i) => [i, value.toFixed(6)]));
  }
  const table = await runOf("csv", ["csv"]);
  expect(await curve(table, "train_loss")).toEqual(LOSSES.map((value, i) => [i, value]));
  expect(await curve(table, "val_acc")).toEqual(LOSSES.slice(2).map((value, i) => [i + 2, 1 - value]));
  const off = await runOf("off", ["tensorboard"], "[capture]\ntensorboard = false");
  expect(off.metrics).toEqual({});
});

test("what the host sees, beside the program's metrics and not among them", async () => {
  const rest = '[resources]\ngpus = 2\n[capture]\nsystem_every = "1s"';
  // Long enough for two samples of a second, also where the host stalls for some.
  const run = await runOf("system", ["json", 80, 0.1], rest);
  expect(Object.keys(run.metrics).filter((key) => key.startsWith("sys/"))).toEqual([]);
  const power = await curve(run, "sys/gpu1/power_watts");
  expect(power.length).toBeGreaterThan(1);
  expect(power[0]?.[1]).toBe(101);
  const memory = await curve(run, "sys/memory_bytes");
  expect(Number(memory.at(-1)?.[1])).toBeGreaterThan(4_000_000);
  expect(Number(memory.at(-1)?.[0])).toBeGreaterThanOrEqual(1);
  const { stdout } = await fleet.exp("show", run.ref);
  expect(stdout).toMatch(/host .*sys\/cpu_percent=/);
  expect(stdout).not.toMatch(/metrics .*sys\//);
  expect((await points(run.ref)).some(({ key }) => key.startsWith("sys/"))).toBe(false);
});

test("a run knows the address of its page", async () => {
  const program = "import expfleet as exp, os; print(exp.run.url, os.environ['EXP_URL'])";
  await fleet.submit(`name = "url"\nrun.command = ${JSON.stringify(["python3", "-c", program])}`);
  const run = await finished("url");
  const url = `http://${fleet.http}/runs/${run.ref}`;
  expect(attemptFiles(fleet.resultsDir, run).output.toString()).toBe(`${url} ${url}\n`);
  const { stdout } = await fleet.exp("open", run.ref, "--no-browser");
  expect(stdout.trim()).toBe(url);
});

test("the hook: what a program died of is with the run, though its stderr went elsewhere", async () => {
  const program = "import os; os.close(2); os.open(os.devnull, os.O_WRONLY); {}['no such key']";
  const submitted = (name: string, rest: string) =>
    fleet.submit(`name = "${name}"\n[run]\ncommand = ${JSON.stringify(["python3", "-c", program])}\n${rest}`);
  await submitted("unhooked", "");
  await submitted("hooked", "[capture]\nhook = true");
  const [silent] = await fleet.done("unhooked.1", 60_000);
  const [run] = await fleet.done("hooked.1", 60_000);
  if (!run || !silent) throw new Error("no run");
  expect([silent.state, run.state]).toEqual(["failed", "failed"]);
  expect(events(silent)).toEqual([]);
  expect(events(run)).toMatchObject([
    {
      kind: "other",
      letter: "w",
      body: { kind: "KeyError", traceback: expect.stringContaining("KeyError: 'no such") },
    },
  ]);
  const shown = await fleet.exp("show", run.ref);
  expect(shown.stdout).toContain("warnings  1, the last one: error: KeyError: 'no such key'");
  const { dir } = attemptFiles(fleet.resultsDir, run);
  expect(readFileSync(join(dir, "error.log"), "utf8")).toMatch(/\nTraceback [\s\S]*\nKeyError: 'no such key'\n/);
}, 90_000);

test("an agent that is killed in the middle goes on where it was: nothing is lost, nothing is there twice", async () => {
  const steps = 120;
  const kinds = ["hf", "tensorboard", "csv"] as const;
  const [agent] = fleet.agents;
  if (!agent) throw new Error("no agent");
  const captured = () => {
    const files = globSync("runs/*/client.jsonl", { cwd: agent.workdir }).map((file) => join(agent.workdir, file));
    return files.flatMap((file) => readFileSync(file, "utf8").match(/^\{"src":"cap\/(?:out|f)/gm) ?? []).length;
  };
  const before = captured();
  for (const kind of kinds) {
    // Nothing in a CSV log tells whose it is, where runs share a folder.
    const own = kind === "csv" ? 'cwd = "${run.dir}"\n' : "";
    await submit(`kill-${kind}`, [kind, steps, 0.1], `${own}[resources]\ncpus = 1\ngpus = 0`);
  }
  for (let kill = 1; kill <= 3; kill++) {
    await waitUntil("some more was captured", () => captured() > before + kill * 60, {
      boundMs: 30_000,
      seen: captured,
    });
    await agent.kill9();
    agent.start();
  }
  const expected = Array.from({ length: steps }, (_, step) => (1 / (step + 1)).toFixed(6));
  for (const [kind, key] of [
    ["hf", "loss"],
    ["tensorboard", "train/loss"],
    ["csv", "train_loss"],
  ] as const) {
    const found = await curve(await finished(`kill-${kind}`), key);
    expect(found.map(([, value]) => Number(value).toFixed(6))).toEqual(expected);
  }
}, 120_000);
