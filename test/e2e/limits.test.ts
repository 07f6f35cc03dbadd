/** What a sweep file asks of hosts and says of failures, and what users hold: with the real programs. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NodeView } from "../../shared/run/views.ts";
import { startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

test("failures: idle limits, causes that are tried again or never, and the sweep that is stopped by them", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 6 });
  await fleet.submit(`
    name = "silent"
    run.command = "echo once; sleep 60"
    limits.idle = "1500ms"
    limits.stop_grace = "1s"
  `);
  await fleet.submit(`
    name = "tried"
    run.command = "echo 'torch.OutOfMemoryError: CUDA out of memory.'; exit 1"
    retry = { max = 1, on = ["cuda-oom", "log:nothing*like it"], backoff = "10ms" }
  `);
  await fleet.submit(`
    name = "final"
    run.command = "echo 'ModuleNotFoundError: No module named torch'; exit 1"
    retry = { max = 3, never = ["import-error"] }
  `);
  await fleet.submit(`
    name = "stopped"
    run.command = "echo \${n}; exit 1"
    grid.n = [1, 2, 3, 4, 5]
    limits = { parallel = 1, failures = 2 }
  `);
  const [silent] = await fleet.done("silent.1", 30_000);
  expect(silent).toMatchObject({
    state: "failed",
    reason: "stopped: no output and no metric for as long as its idle limit",
  });
  const [tried] = await fleet.done("tried.1", 30_000);
  expect(tried).toMatchObject({ state: "failed", attempt: 2, exitCode: 1, reason: "exit code 1, cuda-oom" });
  const [final] = await fleet.done("final.1", 30_000);
  expect(final).toMatchObject({ state: "failed", attempt: 1 });
  expect(final?.reason).toBe('exit code 1, import-error (not tried again: [retry] never has "import-error")');
  const stopped = await fleet.done("stopped.1", 30_000);
  expect(stopped.map(({ state }) => state)).toEqual(["failed", "failed", "cancelled", "cancelled", "cancelled"]);
  expect(stopped[4]?.reason).toBe("its sweep was stopped: 2 of its runs failed ([limits] failures = 2)");
});

test("a remedy changes parameters before the next attempt, as often as it is needed", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  await fleet.submit(`
    name = "smaller"
    run.command = "echo b=\${b} half=\${half}; [ \${b} -le 2 ] || { echo 'torch.OutOfMemoryError: CUDA out of memory.'; exit 1; }"
    grid.b = [8]
    base.lr = 0.1
    derive.half = "b / 2"
    retry = { max = 5, on = ["lost"], backoff = "10ms", remedy = [{ when = "cuda-oom", set = { b = "max(1, b // 2)" } }] }
  `);
  const [run] = await fleet.done("smaller.1", 60_000);
  expect(run).toMatchObject({ state: "succeeded", attempt: 3, params: { b: 8, half: 4, lr: 0.1 } });
  const [name = ""] = readdirSync(join(fleet.resultsDir, "smaller.1"));
  const file = (path: string) => readFileSync(join(fleet.resultsDir, "smaller.1", name, path), "utf8");
  // What ran is in the results; what was asked for is what the run is known by.
  expect(JSON.parse(file("config.json"))).toEqual({ b: 2, half: 1, lr: 0.1 });
  expect(JSON.parse(file("meta.json")).extras.remedied).toEqual(["b", "half"]);
  expect((await fleet.exp("logs", "smaller.1.1")).stdout).toContain("b=2 half=1.0");
});

test("a sweep stops at its target and at its deadline, and says which", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  await fleet.submit(`
    name = "aim"
    run.command = "echo loss=\${n}; sleep \${0 if n > 0.35 else 20}"
    grid.n = [0.9, 0.4, 0.3, 0.2]
    limits.parallel = 1
    capture.stdout = ["keyvalue"]
    objective = { metric = "loss", goal = "minimize", target = 0.5 }
  `);
  // The third may start before the output of the one that reached it is stored; it is left alone.
  const aimed = await waitUntil(
    "the last run is not started any more",
    async () => {
      const runs = await fleet.runs("aim.1");
      return runs[3]?.state === "queued" ? undefined : runs;
    },
    { boundMs: 60_000 },
  );
  expect([aimed[0]?.state, aimed[1]?.state]).toEqual(["succeeded", "succeeded"]);
  expect(aimed[3]).toMatchObject({
    state: "cancelled",
    reason: "its sweep was stopped: aim.1.2 has loss = 0.4, the target is 0.5 ([objective] target)",
  });
  await fleet.exp("cancel", "aim.1");
  const soon = new Date(Date.now() + 15_000).toISOString();
  await fleet.submit(`
    name = "late"
    deadline = ${soon}
    run.command = "sleep 20"
    grid.n = [1, 2, 3]
    limits.parallel = 1
  `);
  await waitUntil("the first one runs", async () => (await fleet.runs("late.1"))[0]?.state === "running");
  const late = await fleet.done("late.1", 60_000);
  expect(late.map(({ state }) => state)).toEqual(["succeeded", "cancelled", "cancelled"]);
  expect(late[1]?.reason).toBe(`its sweep was stopped: its deadline has passed (deadline = ${soon})`);
  const past = await fleet.submit('name = "past"\ndeadline = 2020-01-01\nrun.command = "true"').catch(String);
  expect(past).toContain("the deadline of the sweep, 2020-01-02T00:00:00.000Z, has passed");
});

test("hold, resume, pause, edit, after", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  await fleet.submit(`
    name = "first"
    hold = true
    seeds = [0, 1]
    run.command = ["true"]
  `);
  await fleet.submit(`
    name = "second"
    after = ["first"]
    run.command = ["true"]
  `);
  const why = async (ref: string) => (await fleet.exp("why", ref)).stdout;
  expect(await why("first.1.1")).toContain("held: by the user; `exp resume` lets it go");
  expect(await why("second.1.1")).toContain("waits until first.1 (2 runs left) is over");
  expect(await fleet.exp("resume", "first.1.2")).toMatchObject({ code: 0, stdout: "1 run let go\n" });
  await waitUntil("one has run", async () => (await fleet.runs("first.1"))[1]?.state === "succeeded", {
    boundMs: 20_000,
  });
  expect((await fleet.runs("first.1"))[0]).toMatchObject({ state: "held" });
  expect(await fleet.exp("edit", "second", "--priority", "9")).toMatchObject({ code: 0, stdout: "1 run changed\n" });
  expect((await fleet.runs("second.1"))[0]).toMatchObject({ state: "queued", priority: 9 });
  expect(await fleet.exp("pause", "second.1")).toMatchObject({ code: 0, stdout: "1 held\n" });
  await fleet.exp("resume", "first.1", "second.1");
  const [second] = await fleet.done("second.1", 20_000);
  expect(second).toMatchObject({ state: "succeeded" });
  expect((await fleet.runs("first.1")).map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
});

test("a run goes where it asked for, or says what no node has", async () => {
  await using fleet = await startFleet({ agents: 2, gpus: "fake:2x24GB" });
  await waitUntil("both have joined", async () => (await fleet.api<unknown[]>("/nodes")).length === 2, {
    boundMs: 20_000,
  });
  await fleet.submit(`
    name = "placed"
    seeds = [0, 1, 2]
    run.command = ["true"]
    [resources]
    gpus = 1
    gpu_memory = "20GB"
    where = "node.name == 'node-2'"
  `);
  expect((await fleet.done("placed.1", 30_000)).map(({ node }) => node)).toEqual(["node-2", "node-2", "node-2"]);
  await fleet.submit(`
    name = "large"
    run.command = ["true"]
    resources.gpu = "24GB..:1"
    resources.memory = "100TB"
  `);
  const { stdout } = await fleet.exp("why", "large");
  expect(stdout).toMatch(/no node has 1 GPU \(24GB\), 100TB memory: node-1, node-2: \S+ memory, needs 100TB/);
});

test("runs share a GPU in parts, through a restart of the coordinator; a whole one waits for all of it", async () => {
  await using fleet = await startFleet({ agents: 1, gpus: "fake:1x24GB" });
  const go = join(fleet.dir, "go");
  await fleet.submit(`
    name = "half"
    seeds = [0, 1, 2]
    run.command = """echo "$EXP_GPU_SHARE $CUDA_VISIBLE_DEVICES"; while [ ! -e ${go} ]; do sleep 0.05; done"""
    resources = { gpus = 1, gpu_share = { expr = "0.4 + 0.1" } }
  `);
  await waitUntil("two at work", async () => (await fleet.sweep("half.1")).counts.running === 2, { boundMs: 30_000 });
  await fleet.submit(`
    name = "whole"
    priority = 5
    run.command = 'echo "[$EXP_GPU_SHARE]"'
    resources.gpus = 1
  `);
  await fleet.coordinator.kill9();
  await fleet.coordinator.start();
  const [node] = await waitUntil("the node is back", async () => {
    const nodes = await fleet.api<NodeView[]>("/nodes");
    return nodes[0]?.state === "ready" ? nodes : undefined;
  });
  expect(node?.devices).toMatchObject([{ state: "busy", run: "half.1.1", runs: ["half.1.1", "half.1.2"], share: 1 }]);
  expect((await fleet.exp("gpus")).stdout).toContain("half.1.1, half.1.2");
  expect((await fleet.exp("why", "whole")).stdout).toContain("0 of 1 GPU free");
  expect((await fleet.exp("why", "half.1.3")).stdout).toContain("0 of 1 GPU with 0.5 free");
  expect((await fleet.sweep("half.1")).counts).toEqual({ running: 2, queued: 1 });
  writeFileSync(go, "");
  const [whole] = await fleet.done("whole.1", 30_000);
  const halves = await fleet.done("half.1", 30_000);
  const first = halves.slice(0, 2).map(({ finishedAt }) => finishedAt ?? "");
  expect(whole?.startedAt ?? "").toSatisfy((startedAt: string) => first.every((ended) => ended <= startedAt));
  const seen = await Promise.all(halves.map(async ({ ref }) => (await fleet.exp("logs", ref)).stdout));
  expect(new Set(seen)).toEqual(new Set([`0.5 ${node?.devices[0]?.uuid}\n`]));
  expect((await fleet.exp("logs", "whole.1.1")).stdout).toBe("[]\n");
});
