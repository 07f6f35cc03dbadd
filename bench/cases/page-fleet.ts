/**
 * What the page is measured on: a real coordinator whose store was filled with 100,000 runs of 200 sweeps and 50 nodes of
 * eight GPUs, and an agent with a few CPU slots, by which real runs come and go.
 */
import { join } from "node:path";
import { openDatabase } from "../../coordinator/store/database.ts";
import { deviceUuid } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import { type Fleet, startFleet } from "../../test/helpers/fleet.ts";
import { createSeeder, type SeedRun } from "../../test/helpers/seed-store.ts";
import { waitUntil } from "../../test/helpers/wait-until.ts";

export const SWEEPS = 200;
export const RUNS_PER_SWEEP = 500;
const NODES = 50;
const GPUS = 8;

export async function startPageFleet(): Promise<Fleet> {
  const fleet = await startFleet({ agents: 1, cpuSlots: 4 });
  await fleet.coordinator.kill9();
  const db = openDatabase(join(fleet.dir, "coordinator", "store.db"));
  const seed = createSeeder(db);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const runs = Array.from({ length: RUNS_PER_SWEEP }, (_, i) => aRun(sweep * RUNS_PER_SWEEP + i));
    seed.sweep({ name: `sweep-${sweep % 40}`, runs, objective: { metric: "val/acc", goal: "maximize" } });
  }
  for (let node = 1; node <= NODES; node++) seed.node(`gpu-${String(node).padStart(2, "0")}`, devicesOf(node));
  db.exec(`UPDATE nodes SET seen_at = ${Date.now()} WHERE name LIKE 'gpu-%'`);
  db.close();
  await fleet.coordinator.start();
  await waitUntil(
    "the agent is back",
    async () =>
      (await fleet.api<{ name: string; state: string }[]>("/nodes")).some(
        ({ name, state }) => name === "node-1" && state === "ready",
      ),
    { boundMs: 60_000 },
  );
  return fleet;
}

function devicesOf(node: number): Device[] {
  return Array.from({ length: GPUS }, (_, index) => ({
    uuid: deviceUuid(`GPU-${node}-${index}`),
    index,
    kind: "gpu",
    model: "NVIDIA H100 80GB HBM3",
    memoryBytes: 80 * 1024 ** 3,
    health: "clean",
    reason: "",
    foreign: [],
  }));
}

function aRun(i: number): SeedRun {
  const params = { lr: (i % 50) / 1000 + 0.001, "optim.name": i % 2 ? "adam" : "sgd", seed: i % 5, model: `m${i % 4}` };
  return {
    state: i % 10 === 0 ? "failed" : "succeeded",
    params: JSON.stringify(params),
    metrics: { "val/acc": Math.sin(i), loss: Math.cos(i), epoch: i % 90 },
  };
}
