/** Removing results: what goes, what must stay, and a coordinator that is killed in the middle. */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { finishPruning } from "../../../coordinator/rpc/control/prune.ts";
import { createAnnotations } from "../../../coordinator/store/annotations.ts";
import { type ResultsRig, startResultsRig } from "../../helpers/results-rig.ts";
import type { SeededSweep, SeedRun } from "../../helpers/seed-store.ts";

let rig: ResultsRig;
let sweep: SeededSweep;

const run = (state: SeedRun["state"], acc = 0): SeedRun => ({ state, metrics: { acc } });
/** Numbers of the runs whose directories are there. */
const there = () => sweep.runIds.flatMap((id, i) => (existsSync(join(rig.directoryOf(id), "run.json")) ? [i + 1] : []));

beforeEach(async () => {
  rig = await startResultsRig();
  sweep = await rig.sweep({
    name: "a",
    objective: { metric: "acc", goal: "maximize" },
    runs: [
      run("succeeded", 0.1),
      run("succeeded", 0.9),
      run("succeeded", 0.5),
      run("failed"),
      run("cancelled"),
      run("running"),
      { ...run("failed"), sealed: false },
      run("failed"),
    ],
  });
  const [first, , , , , , , favourite] = sweep.runIds;
  if (first === undefined || favourite === undefined) throw new Error("the sweep has eight runs");
  createAnnotations(rig.db).set(favourite, { favourite: true });
  await rig.sweep({ name: "b", runs: [{ state: "succeeded", reusedFrom: first }] });
});
afterEach(() => rig[Symbol.asyncDispose]());

test("shows first and changes nothing; then removes failed and cancelled runs, and nothing that must stay", async () => {
  const all = there();
  const dry = await rig.exp("prune", "--json");
  expect(JSON.parse(dry.stdout)).toMatchObject([
    { ref: "a.1.4", state: "failed", removed: false },
    { ref: "a.1.5", state: "cancelled", removed: false },
  ]);
  expect(dry.stderr).toContain("2 runs, ");
  expect(dry.stderr).toContain("nothing was removed: --yes does it");
  expect(dry.stderr).toContain("left alone: 1 run: output still on its way");
  expect(dry.stderr).toContain("left alone: 1 run: marked as favourite");
  expect(there()).toEqual(all);

  const done = await rig.json<{ bytes: number; removed: boolean }[]>("prune", "--yes");
  expect(done.every(({ bytes, removed }) => bytes > 500 && removed)).toBe(true);
  expect(there()).toEqual([1, 2, 3, 6, 7, 8]);
  expect(readdirSync(join(rig.resultsRoot, ".removed"))).toEqual([]);
  const listed = await rig.json<{ prunedAt: string | null; metrics: object }[]>("ls", "a.1.4");
  expect(listed).toMatchObject([{ prunedAt: expect.stringMatching(/Z$/), metrics: { acc: 0 } }]);
  expect((await rig.exp("ls", "a.1.4")).stdout).toContain("results pruned");
  expect(await rig.json("prune", "--yes")).toEqual([]);
});

test("all but the best; what others stand on stays whatever is asked", async () => {
  const { stderr } = await rig.exp("prune", "a.1", "--keep-best", "1", "--yes");
  expect(there()).toEqual([1, 2, 6, 7, 8]);
  expect(stderr).toContain("left alone: 1 run: among the best");
  expect(stderr).toContain("left alone: 1 run: other runs stand on its results");
});

test("by state, condition and age", async () => {
  await rig.exp("prune", "--state", "succeeded", "--where", "acc > 0.4", "--older-than", "10000000h", "--yes");
  expect(there()).toHaveLength(8);
  await rig.exp("prune", "--state", "succeeded", "--where", "acc > 0.6", "--older-than", "30d", "--yes");
  expect(there()).toEqual([1, 3, 4, 5, 6, 7, 8]);
});

test.each([
  [["--state", "running"], "a run that is running keeps its results"],
  [["--where", "nothing_like_it > 1"], "nothing_like_it"],
])("%j is refused, and nothing goes", async (args, message) => {
  const { code, stderr } = await rig.exp("prune", "--yes", ...args);
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
  expect(there()).toHaveLength(8);
});

test.each(["noted", "moved aside", "half removed"])(
  "a kill when it was %s: the next start finishes it",
  async (moment) => {
    const id = sweep.runIds[3];
    if (id === undefined) throw new Error("the sweep has eight runs");
    expect(rig.deps.pruned.begin(id, 1_763_690_000_000, 1000)).toBeUndefined();
    const aside = join(rig.resultsRoot, ".removed", id);
    if (moment !== "noted") {
      mkdirSync(join(rig.resultsRoot, ".removed"));
      renameSync(rig.directoryOf(id), aside);
    }
    if (moment === "half removed") writeFileSync(join(aside, "run.json"), "");
    await finishPruning(rig.deps);
    expect([there().includes(4), existsSync(aside), rig.deps.pruned.unfinished()]).toEqual([false, false, []]);
    expect(rig.deps.queries.runs.get(id)?.prunedAt).toBe(1_763_690_000_000);
  },
);

test("a run that is tried again after it was pruned is no pruned run, and its new results stay", async () => {
  await rig.exp("prune", "a.1.4", "--yes");
  const id = sweep.runIds[3];
  if (id === undefined) throw new Error("the sweep has eight runs");
  rig.seed.attempt(id, 2, { state: "failed" });
  await rig.deps.project(id);
  await finishPruning(rig.deps);
  expect(there()).toContain(4);
  expect(rig.deps.queries.runs.get(id)?.prunedAt).toBeUndefined();
});
