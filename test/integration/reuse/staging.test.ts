/** Large submissions: written in slices, whole or not at all, with the coordinator answering meanwhile. */
import { expect, test } from "vitest";
import { SLICE_POINTS } from "../../../coordinator/rpc/expand/messages.ts";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { createStaging, dropStaged } from "../../../coordinator/store/staging.ts";
import { runId, sweepId } from "../../../shared/kernel/ids.ts";
import { type ControlRig, startControlRig } from "../../helpers/control-rig.ts";
import { compareClusters } from "../../sim/same-cluster.ts";

const axis = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
const big = (a: number, b: number, more = "") =>
  `name = "big"\n${more}\nrun.command = "true \${args}"\n[grid]\na = ${axis(a)}\nb = ${axis(b)}\n`;
const twin = (a: number, b: number) => `name = "twin"\nrun.command = "true \${args}"\n[base]\na = ${a}\nb = ${b}\n`;

function agree(rig: ControlRig): void {
  expect(compareClusters(loadCluster(rig.db, rig.cluster.term, 0), rig.cluster)).toBeUndefined();
}

function count(rig: ControlRig, table: string): number {
  return (rig.db.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number }).rows;
}

test("every point is there once, in order, and memory says what the store says", async () => {
  await using rig = await startControlRig();
  const total = 3 * SLICE_POINTS + 7;
  const file = `name = "big"\nseeds = ${axis(total)}\nrun.command = "true \${seed}"\n`;
  expect(await rig.submit(file)).toEqual({ sweep: "big.1", total, fresh: total, reused: 0 });
  agree(rig);
  const rows = rig.db.prepare("SELECT idx, params_json FROM runs ORDER BY idx").all();
  expect(rows).toEqual(Array.from({ length: total }, (_, i) => ({ idx: i + 1, params_json: `{"seed":${i}}` })));
  expect(count(rig, "staged_sweeps")).toBe(0);
});

test("the coordinator answers while a large sweep is written", async () => {
  await using rig = await startControlRig();
  let over = false;
  const submitted = rig.submit(big(200, 200)).finally(() => {
    over = true;
  });
  let answers = 0;
  const seen = new Set<string>();
  while (!over) {
    const sweeps = (await rig.client.listSweeps([], 0)).length;
    const { liveRuns } = await rig.client.getServer();
    answers += 1;
    seen.add(`${sweeps} sweeps, ${liveRuns} runs`);
  }
  expect((await submitted).fresh).toBe(40_000);
  expect(answers).toBeGreaterThan(10);
  // Nothing counts before the last step, which may come between the two questions, or before its own answer.
  expect(seen).toContain("0 sweeps, 0 runs");
  expect([...seen].filter((text) => !/^([01] sweeps, 40000 runs|0 sweeps, 0 runs)$/.test(text))).toEqual([]);
  agree(rig);
});

test("what ends or begins while it is written counts", async () => {
  await using rig = await startControlRig();
  await rig.join(3);
  await rig.submit(twin(0, 0));
  await rig.submit(twin(0, 1));
  await rig.submit(twin(0, 2));
  const submitted = rig.submit(big(100, 100, "hold = true"));
  // The first slices are written by then; they found all three at work.
  while (count(rig, "runs") < 2 * SLICE_POINTS) await rig.client.getServer();
  await rig.finish({ kind: "succeeded" }, "twin.1.1");
  await rig.finish({ kind: "failed", exitCode: 1 }, "twin.2.1");
  expect(await submitted).toMatchObject({ fresh: 9_999, reused: 1 });
  expect(await rig.states("big.1.1-4")).toEqual({ 1: "succeeded from twin.1.1", 2: "held", 3: "held", 4: "held" });
  agree(rig);
  await rig.client.resume(["big.1.1-4"]);
  const why = await rig.client.why("big.1.3");
  expect(why.reason).toBe("waits for twin.3.1, which does the same work");
  agree(rig);
});

test("what a killed coordinator had written of a sweep counts for nothing, and goes at the next start", async () => {
  await using rig = await startControlRig();
  await rig.submit(big(2, 2));
  const staging = createStaging(rig.db);
  const sweep = { id: sweepId("swp_left"), createdAt: 1, priority: 0, hold: false };
  staging.begin(sweep.id);
  const rows = Array.from({ length: 50 }, (_, i) => ({
    id: runId(`run_0${i + 10}`),
    index: i + 1,
    shape: 0,
    priority: undefined,
    fingerprint: `v2:${i}`,
    paramsJson: "{}",
    reusedFrom: undefined,
    waitsFor: undefined,
  }));
  staging.add(sweep, rows);
  expect(count(rig, "runs")).toBe(54);
  expect(loadCluster(rig.db, 1, 0).runs.size).toBe(4);
  await expect(rig.client.getRun("run_010")).rejects.toMatchObject({ code: "not_found" });
  expect((await rig.client.getServer()).liveRuns).toBe(4);
  dropStaged(rig.db);
  expect([count(rig, "runs"), count(rig, "run_states"), count(rig, "staged_sweeps")]).toEqual([4, 4, 0]);
});

test("a file that is wrong leaves nothing behind, and the next one is taken", async () => {
  await using rig = await startControlRig();
  await expect(rig.submit("name = 1")).rejects.toMatchObject({ code: "invalid" });
  await expect(rig.submit(big(1000, 1001))).rejects.toMatchObject({ code: "invalid" });
  expect(await rig.submit(big(2, 2))).toMatchObject({ total: 4 });
  const files = [big(60, 60), big(61, 61, 'name2 = "x"'), big(62, 62)];
  const answers = await Promise.allSettled(files.map((file) => rig.submit(file)));
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  agree(rig);
});
