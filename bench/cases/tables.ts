/**
 * What the dashboard asks of a store with 100,000 runs in 200 sweeps, and of a run with 1,000,000 points, over real HTTP; and
 * for how long the main thread was held up meanwhile, which is what heartbeats feel. Held against the targets.
 */
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { SeedRun } from "../../test/helpers/seed-store.ts";
import { createReadStore, startHttp } from "../../test/integration/coordinator-read/fixture.ts";
import { ask } from "../../test/integration/dashboard/http-client.ts";
import { fixed, median, type Row } from "./stats.ts";

const SWEEPS = 200;
const RUNS_PER_SWEEP = 500;
const POINTS = 1_000_000;
const ROUNDS = 5;

export async function tables(): Promise<Row[]> {
  const store = createReadStore();
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const runs = Array.from({ length: RUNS_PER_SWEEP }, (_, i) => aRun(sweep * RUNS_PER_SWEEP + i));
    store.seed.sweep({ name: `sweep-${sweep % 40}`, runs, objective: { metric: "val/acc", goal: "maximize" } });
  }
  const [fence] = store.seed.sweep({ name: "long", runs: [{ state: "running" }] }).fences;
  if (fence === undefined) throw new Error("assertion failed: a running run has an attempt");
  const text = Array.from(
    { length: POINTS },
    (_, i) => `{"e":"m","t":${i},"s":${i},"v":{"loss":${Math.sin(i / 500)}}}\n`,
  );
  writeFileSync(store.pathOf(fence, "client"), text.join(""));
  store.seed.commit(fence, "client", Buffer.byteLength(text.join("")));
  const server = await startHttp(store);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  try {
    const columns = "columns=ref,state,node,param:lr,param:model,metric:val/acc,duration&limit=200";
    const rows: Row[] = [];
    const time = async (what: string, path: string, targetMs: number, rounds = ROUNDS) => {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const started = performance.now();
        // A different question each time: nothing is answered from what was kept of the one before.
        const { status, text } = await ask(server.port, path.replaceAll("ROUND", String(round)));
        if (status !== 200) throw new Error(text);
        times.push(performance.now() - started);
      }
      rows.push({ what, value: `${fixed(median(times), 0)} ms`, against: `target ${targetMs} ms` });
    };
    await time("first page of all runs, the thread not started", `/tables/runs?${columns}`, 1_000, 1);
    await time("what the table can show, runs not read yet", "/tables/columns", 3_000, 1);
    await time("what the table can show", "/tables/columns", 300);
    await time(
      "sort by a metric",
      `/tables/runs?${columns}&sort=-metric:val/acc,param:seed&offset=ROUND&where=index>ROUND`,
      300,
    );
    await time("sort by a parameter", `/tables/runs?${columns}&sort=param:lr,ref&offset=ROUND&where=index>ROUND`, 300);
    await time(
      "filter",
      `/tables/runs?${columns}&where=lr < 0.01ROUND and state == 'succeeded'`.replaceAll(" ", "%20"),
      300,
    );
    await time("group, seeds folded", `/tables/runs?${columns}&group=param:lr,param:model&where=index>ROUND`, 300);
    await time("next page of the same", `/tables/runs?${columns}&sort=-metric:val/acc&offset=1000`, 300);
    await time("curve of 1,000,000 points, first time", "/runs/long.1.1/series?keys=loss", 10_000, 1);
    await time("curve of 1,000,000 points", "/runs/long.1.1/series?keys=loss&width=80ROUND", 500);
    rows.push({
      what: "main thread held up, at most, all the while",
      value: `${fixed(delay.max / 1e6, 0)} ms`,
      against: "a heartbeat comes every 2 s",
    });
    return rows;
  } finally {
    await server.stop(1_000);
    store.close();
  }
}

function aRun(i: number): SeedRun {
  const state = i % 10 === 0 ? "failed" : i % 17 === 0 ? "queued" : "succeeded";
  const params = { lr: (i % 50) / 1000 + 0.001, "optim.name": i % 2 ? "adam" : "sgd", seed: i % 5, model: `m${i % 4}` };
  return {
    state,
    params: JSON.stringify(params),
    metrics: { "val/acc": Math.sin(i), loss: Math.cos(i), epoch: i % 90 },
  };
}
