/** Many runs on several agents: each exactly once, never two on a device, every byte stored. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFleet } from "../helpers/fleet.ts";
import { attemptFiles } from "../helpers/results.ts";
import { createWitness, overlaps, startsByRun } from "../helpers/witness.ts";

const RUNS = 200;

test("200 runs on three agents with eight devices each", async () => {
  await using fleet = await startFleet({ agents: 3, gpus: "fake:8x80GB" });
  const witness = createWitness(fleet.dir);
  const seeds = Array.from({ length: RUNS }, (_, i) => i);
  const made = await fleet.submit(`
    name = "many"
    seeds = ${JSON.stringify(seeds)}
    run.command = ${JSON.stringify(witness.argv(5, "0.05"))}
    resources.gpus = 1
  `);
  expect(made).toEqual({ sweep: "many.1", total: RUNS, new: RUNS, reused: 0 });

  const runs = await fleet.done("many.1", 120_000);
  expect(runs.map(({ state }) => state)).toEqual(runs.map(() => "succeeded"));

  const sightings = witness.sightings();
  const starts = startsByRun(sightings);
  expect([...starts.keys()].sort()).toEqual(runs.map(({ id }) => id).sort());
  expect([...starts.values()].every((count) => count === 1)).toBe(true);
  expect(overlaps(sightings)).toEqual([]);
  expect(new Set(runs.map(({ node }) => node)).size).toBe(3);

  for (const run of runs) {
    expect(run.metrics).toEqual({ loss: 995 });
    const stored = attemptFiles(fleet.resultsDir, run);
    expect(stored.output).toEqual(witness.bytes(run.fence ?? 0, "output"));
    expect(stored.client).toEqual(witness.bytes(run.fence ?? 0, "client"));
    expect(JSON.parse(readFileSync(join(stored.dir, "run.json"), "utf8"))).toMatchObject({ status: "succeeded" });
  }

  const [first] = runs;
  const { stdout } = await fleet.exp("logs", first?.ref ?? "");
  expect(stdout).toBe(witness.bytes(first?.fence ?? 0, "output").toString());

  const again = await fleet.exp("submit", join(fleet.dir, "again.toml"));
  expect(again.code).toBe(2);
});

test("short runs are handed out ahead, and what a long one keeps waiting goes back", async () => {
  await using fleet = await startFleet({
    agents: 1,
    gpus: "fake:1x80GB",
    // On a slow machine, too, the runs count as short.
    coordinatorFlags: ["--short-run", "30s"],
  });
  const witness = createWitness(fleet.dir);
  const [program, dir] = witness.argv(0, 0);
  await fleet.submit(`
    name = "ahead"
    run.command = ["${program}", "${dir}", "1", "\${pause}"]
    resources.gpus = 1
    # The fourth keeps its device far longer than a host waits for it.
    grid.pause = [0.01, 0.011, 0.012, 6, 0.013, 0.014, 0.015, 0.016]
  `);
  const runs = await fleet.done("ahead.1", 60_000);
  expect(runs.map(({ state }) => state)).toEqual(runs.map(() => "succeeded"));
  const sightings = witness.sightings();
  expect([...startsByRun(sightings).values()]).toEqual(runs.map(() => 1));
  expect(overlaps(sightings)).toEqual([]);
  // The fifth was with the host already, and came back.
  expect(runs.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 2, 1, 1, 1]);
  const { stdout } = await fleet.exp("show", "ahead.1.5");
  expect(stdout).toContain("waited: fence 4 goes on");
});

test("a finished sweep submitted again starts nothing; --force runs it again", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  const witness = createWitness(fleet.dir);
  const toml = `
    name = "twice"
    run.command = ${JSON.stringify(witness.argv(1, 0))}
    [grid]
    lr = [0.1, 0.01]
  `;
  expect(await fleet.submit(toml)).toMatchObject({ new: 2, reused: 0 });
  await fleet.done("twice.1", 30_000);
  expect(await fleet.submit(toml)).toEqual({ sweep: "twice.2", total: 2, new: 0, reused: 2 });
  expect((await fleet.runs("twice.2")).map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  expect(startsByRun(witness.sightings()).size).toBe(2);
  expect(await fleet.submit(toml, "--force")).toMatchObject({ new: 2, reused: 0 });
  await fleet.done("twice.3", 30_000);
  expect(startsByRun(witness.sightings()).size).toBe(4);
});

test("each way to end has its state, exit code and complete record", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 4 });
  const witness = createWitness(fleet.dir);
  const [program, dir] = witness.argv(0, 0);
  await fleet.submit(`
    name = "ends"
    run.command = ["${program}", "${dir}", "2", "0", "\${code}"]
    grid.code = [0, 3, 77]
  `);
  const runs = await fleet.done("ends.1", 30_000);
  expect(runs.map(({ state, exitCode }) => [state, exitCode])).toEqual([
    ["succeeded", 0],
    ["failed", 3],
    ["skipped", 77],
  ]);
  await fleet.submit(`
    name = "long"
    run.command = ["sleep", "600"]
    limits.stop_grace = "1s"
  `);
  await expect.poll(async () => (await fleet.runs("long.1"))[0]?.state, { timeout: 20_000 }).toBe("running");
  expect((await fleet.exp("cancel", "long.1", "--yes")).code).toBe(0);
  const [cancelled] = await fleet.done("long.1", 30_000);
  expect(cancelled).toMatchObject({ state: "cancelled" });
  await fleet.submit(`
    name = "limited"
    run.command = ["sleep", "600"]
    limits.time = "300ms"
    limits.stop_grace = "1s"
  `);
  const [limited] = await fleet.done("limited.1", 30_000);
  expect(limited).toMatchObject({ state: "failed", reason: "stopped at its time limit" });
  for (const [run, status] of [
    [runs[1], "failed"],
    [runs[2], "skipped"],
    [cancelled, "failed"],
  ] as const) {
    if (!run) throw new Error("a run is missing");
    const { dir } = attemptFiles(fleet.resultsDir, run);
    expect(JSON.parse(readFileSync(join(dir, "run.json"), "utf8"))).toMatchObject({ status });
  }
});
