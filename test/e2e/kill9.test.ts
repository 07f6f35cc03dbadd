/**
 * kill -9 of every part at random moments while a sweep runs: nothing lost, nothing doubled, no live run touched, every
 * byte stored. EXP_KILLS sets how often each part is killed.
 */
import { expect, test } from "vitest";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { attemptFiles } from "../helpers/results.ts";
import { createWitness, overlaps, startsByRun } from "../helpers/witness.ts";

const KILLS = Number(process.env.EXP_KILLS ?? 20);
const RUNS = 160;

type Part = "coordinator" | "agent" | "nats";

test(`coordinator, agents and nats-server killed ${KILLS} times each`, async () => {
  await using fleet = await startFleet({ agents: 2, gpus: "fake:4x80GB" });
  const witness = createWitness(fleet.dir);
  const seeds = Array.from({ length: RUNS }, (_, i) => i);
  await fleet.submit(`
    name = "chaos"
    seeds = ${JSON.stringify(seeds)}
    run.command = ${JSON.stringify(witness.argv(40, "1.5"))}
    resources.gpus = 1
  `);
  // Runs that outlive many kills: their one process must see them all.
  await fleet.submit(
    `
    name = "long"
    seeds = [1, 2]
    run.command = ${JSON.stringify(witness.argv(40, 60))}
    resources.gpus = 1
    # What is stored is held to what the program wrote, byte for byte: nothing of the agent's own in between.
    capture.system = false
  `,
    "--priority",
    "10",
  );

  const random = mulberry32(Number(process.env.EXP_SEED ?? Date.now() % 100_000));
  for (const part of shuffled(parts(), random)) await killAndRestart(fleet, part, random);

  const runs = [...(await fleet.done("chaos.1", 240_000)), ...(await fleet.done("long.1", 240_000))];
  expect(runs.length).toBe(RUNS + 2);
  expect(runs.filter(({ state }) => state !== "succeeded")).toEqual([]);

  const sightings = witness.sightings();
  const starts = startsByRun(sightings);
  expect([...starts.keys()].sort()).toEqual(runs.map(({ id }) => id).sort());
  expect([...starts.values()].filter((count) => count !== 1)).toEqual([]);
  expect(overlaps(sightings)).toEqual([]);
  for (const run of runs) {
    const stored = attemptFiles(fleet.resultsDir, run);
    expect(stored.output.equals(witness.bytes(run.fence ?? 0, "output")), `output of ${run.ref}`).toBe(true);
    expect(stored.client.equals(witness.bytes(run.fence ?? 0, "client")), `metrics of ${run.ref}`).toBe(true);
    expect(run.metrics).toEqual({ loss: 960 });
  }
}, 900_000);

function parts(): Part[] {
  return (["coordinator", "agent", "nats"] as const).flatMap((part) => Array.from({ length: KILLS }, () => part));
}

async function killAndRestart(fleet: Fleet, part: Part, random: () => number): Promise<void> {
  // The moment is the point of the test: anywhere within what the parts do in half a second.
  await new Promise((resolve) => setTimeout(resolve, random() * 500));
  switch (part) {
    case "coordinator":
      await fleet.coordinator.kill9();
      return await fleet.coordinator.start();
    case "nats":
      return await fleet.nats.restart();
    case "agent": {
      const agent = fleet.agents[Math.floor(random() * fleet.agents.length)];
      await agent?.kill9();
      return agent?.start();
    }
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

/** Small seeded generator (Tommy Ettinger's mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
