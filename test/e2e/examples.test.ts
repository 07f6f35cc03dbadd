/** The smallest example runs as it is, with the program beside it. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFleet } from "../helpers/fleet.ts";

test("examples/sweeps/mnist-lr.toml: six runs, each with its loss", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  const sweeps = join(fleet.dir, "sweeps");
  cpSync(join(import.meta.dirname, "../../examples/sweeps"), sweeps, { recursive: true });
  const file = join(sweeps, "mnist-lr.toml");
  // Not every host has a "python".
  writeFileSync(file, readFileSync(file, "utf8").replace("python train.py", "python3 train.py"));
  const { code, stderr } = await fleet.exp("submit", file);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const runs = await fleet.done("mnist-lr.1", 60_000);
  expect(runs.map(({ state, params }) => [state, params.lr, params.batch_size])).toEqual(
    [0.1, 0.01, 0.001].flatMap((lr) => [32, 64].map((batch) => ["succeeded", lr, batch])),
  );
  const losses = runs.map(({ metrics }) => Number(metrics.loss));
  // The larger steps have learnt something by then.
  expect(losses[0]).toBeLessThan(0.5);
  expect(losses.every((loss) => loss > 0 && loss < 0.7)).toBe(true);
});
