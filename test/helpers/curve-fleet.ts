/** A small fleet with work that makes pictures: a finished sweep with curves and failures, one that runs and one that waits. */
import { program } from "./attempts.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { waitUntil } from "./wait-until.ts";

/** Runs of the sweep curves.1; a quarter of them fail. */
export const CURVE_RUNS = 32;

export function curveSpec(lrs: readonly number[]): string {
  return `
    # What the page shows as the file of the sweep.
    name = "curves"
    seeds = [0, 1]
    [grid]
    lr = ${JSON.stringify(lrs)}
    width = [32, 128]
    optim = ["adam", "sgd"]
    [run]
    command = [${JSON.stringify(program("curve"))}, "\${lr}", "\${width}", "\${optim}", "\${seed}"]
    [objective]
    metric = "loss"
    goal = "minimize"
  `.replaceAll(/^ {4}/gm, "");
}

/** curves.1 is done; of long.1 four runs are at work and four wait. */
export async function startCurveFleet(): Promise<Fleet> {
  const fleet = await startFleet({ agents: 1, cpuSlots: 4 });
  try {
    await fill(fleet);
    return fleet;
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
}

async function fill(fleet: Fleet): Promise<void> {
  await fleet.submit(curveSpec([0.001, 0.01, 0.1, 1]));
  await fleet.done("curves.1", 90_000);
  await fleet.submit(`
    name = "long"
    seeds = [0, 1, 2, 3, 4, 5, 6, 7]
    run.command = ["sleep", "600"]
    limits.stop_grace = "1s"
  `);
  await waitUntil("four runs at work", async () => (await fleet.sweep("long.1")).counts.running === 4, {
    boundMs: 30_000,
  });
}
