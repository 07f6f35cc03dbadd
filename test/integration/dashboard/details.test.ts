/** Pages of runs, sweeps and nodes, the queue, events and usage, over real HTTP. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { news } from "../../../coordinator/feed.ts";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";
import type { NodeDetail, QueueAnswer, RunDetail, SweepDetail, UsageAnswer } from "../../../shared/run/dashboard.ts";
import { SEED_TIME, type SeededSweep } from "../../helpers/seed-store.ts";
import { createLog, createReadStore, type ReadStore, startHttp } from "../coordinator-read/fixture.ts";
import { ask } from "./http-client.ts";

let store: ReadStore;
let server: HttpServer;
let digits: SeededSweep;

beforeEach(async () => {
  store = createReadStore();
  digits = store.seed.sweep({
    name: "digits",
    objective: { metric: "acc", goal: "maximize" },
    runs: [
      { state: "succeeded", params: '{"lr":0.1,"model":"cnn"}', metrics: { acc: 0.5, loss: 1 }, devices: ["GPU-0"] },
      { state: "succeeded", params: '{"lr":0.2,"model":"cnn"}', metrics: { acc: 0.9 }, devices: ["GPU-0", "GPU-1"] },
      { state: "failed", params: '{"lr":0.3,"model":"cnn"}', metrics: { acc: 0.95 }, devices: ["n/cpu-0"] },
      { state: "running", params: '{"lr":0.4,"model":"cnn"}' },
      { state: "queued", params: '{"lr":0.5,"model":"cnn"}' },
      { state: "held", params: '{"lr":0.6,"model":"cnn"}', reason: "paused by the user" },
    ],
  });
  store.seed.sweep({ name: "later", runs: [{ state: "queued" }, { state: "queued" }] });
  const device = { uuid: deviceUuid("GPU-0"), index: 0, kind: "gpu", model: "H100", memoryBytes: 80e9 } as const;
  store.seed.node("gpu-01", [{ ...device, health: "clean", reason: "", foreign: [] }]);
  const event = store.db.prepare("INSERT INTO events (at, kind, run_id, node, text) VALUES (?, ?, ?, ?, ?)");
  event.run(SEED_TIME, "submitted", digits.runIds[0] ?? "", null, "submitted");
  event.run(SEED_TIME + 1, "assigned", digits.runIds[0] ?? "", "gpu-01", "assigned to gpu-01");
  event.run(SEED_TIME + 2, "joined", null, "gpu-01", "<b>joined</b>");
  server = await startHttp(store);
});
afterEach(async () => {
  await server.stop(1_000);
  store.close();
});

async function get<T>(path: string): Promise<T> {
  const { status, json, text } = await ask(server.port, path);
  expect([path, status, text.slice(0, status === 200 ? 0 : 300)]).toEqual([path, 200, ""]);
  return json as T;
}

describe("a run's page", () => {
  test("what it was given, where it ran, what happened", async () => {
    const detail = await get<RunDetail>("/runs/digits.1.1/detail");
    expect(detail).toMatchObject({
      run: { ref: "digits.1.1", state: "succeeded", params: { lr: 0.1, model: "cnn" } },
      cwd: "/w",
      differing: ["lr"],
      attempts: [{ number: 1, node: "gpu-01", devices: ["GPU-0"], state: "succeeded", finishedAt: SEED_TIME + 5_000 }],
      events: [{ text: "submitted" }, { text: "assigned to gpu-01", run: "digits.1.1", node: "gpu-01" }],
      metricKeys: ["acc", "loss"],
      reusedFrom: null,
      why: [],
      tags: [],
      note: "",
      favourite: false,
    });
    expect(String(detail.command)).toContain("python train.py");
  });

  test("metrics in the order in which they were first logged", async () => {
    const [fence] = digits.fences;
    if (fence === undefined) throw new Error("not seeded");
    store.store(fence, "client", '{"e":"m","t":1,"s":0,"v":{"loss":1}}\n{"e":"m","t":2,"s":1,"v":{"acc":1,"new":2}}\n');
    expect((await get<RunDetail>("/runs/digits.1.1/detail")).metricKeys).toEqual(["loss", "acc"]);
  });

  test("why it waits, as `exp why` says it", async () => {
    const { why } = await get<RunDetail>("/runs/later.1.2/detail");
    expect(why[0]).toMatch(/every node that fits is closed|busy|gpu-01/);
    expect(why[1]).toMatch(/^needs /);
    expect(why.some((line) => line.startsWith("gpu-01: "))).toBe(true);
  });
});

test("a sweep's page", async () => {
  const detail = await get<SweepDetail>("/sweeps/digits/detail");
  expect(detail).toMatchObject({
    ref: "digits.1",
    total: 6,
    counts: { succeeded: 2, failed: 1, running: 1, queued: 1, held: 1 },
    objective: { metric: "acc", goal: "maximize" },
    axes: [{ key: "lr", values: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] }],
    strip: "ssfrqh",
    medianMs: 3_000,
    bestOverTime: { value: [0.5, 0.9], ref: ["digits.1.1", "digits.1.2"] },
  });
  // One waits, and the one that runs is over its time: what waits takes the median.
  expect(detail.etaMs).toBe(3_000);
  expect((await ask(server.port, "/sweeps/digits.1.1/detail")).status).toBe(400);
});

test("the page follows what changes", async () => {
  expect((await get<SweepDetail>("/sweeps/digits/detail")).strip).toBe("ssfrqh");
  const [, , , , queued] = digits.runIds;
  if (!queued) throw new Error("not seeded");
  store.seed.setState(queued, "cancelled");
  store.feed.publish(news({ runs: new Set([queued]) }));
  expect((await get<SweepDetail>("/sweeps/digits/detail")).strip).toBe("ssfrch");
});

test("the queue in the order of placing, then what waits for people", async () => {
  const queue = await get<QueueAnswer>("/queue");
  expect(queue.total).toBe(4);
  expect(queue.rows.map(({ ref }) => ref)).toEqual(["digits.1.5", "later.1.1", "later.1.2", "digits.1.6"]);
  expect(queue.rows[0]).toMatchObject({ state: "queued", priority: 0, needs: expect.stringMatching(/./) });
  expect(queue.rows[3]?.reason).toContain("paused by the user");
  expect(queue.rows[0]?.waitingMs).toBeGreaterThan(1_000);
  const page = await get<QueueAnswer>("/queue?offset=2&limit=2");
  expect(page.rows.map(({ ref }) => ref)).toEqual(["later.1.2", "digits.1.6"]);
  expect((await get<QueueAnswer>("/queue?offset=9")).rows).toEqual([]);
});

test("events, the newest first, by what they are about", async () => {
  const seqs = async (query: string) =>
    (await get<{ events: { seq: number }[] }>(`/events${query}`)).events.map(({ seq }) => seq);
  expect(await seqs("")).toEqual([3, 2, 1]);
  expect(await seqs("?limit=1")).toEqual([3]);
  expect(await seqs("?before=3&limit=1")).toEqual([2]);
  expect(await seqs("?run=digits.1.1")).toEqual([2, 1]);
  expect(await seqs("?run=digits.1")).toEqual([2, 1]);
  expect(await seqs("?run=later.1")).toEqual([]);
  expect(await seqs("?node=gpu-01")).toEqual([3, 2]);
  expect(await seqs("?kind=joined,submitted")).toEqual([3, 1]);
  expect((await ask(server.port, "/events?run=nobody")).status).toBe(404);
});

test("device time by day and sweep", async () => {
  // An hour of yesterday for each attempt that ended.
  const at = Date.now() - 86_400_000;
  store.db.prepare("UPDATE attempts SET started_at = ?, finished_at = ? WHERE phase = 'ended'").run(at, at + 3_600_000);
  store.db.prepare("UPDATE attempts SET started_at = NULL WHERE phase <> 'ended'").run();
  const usage = await get<UsageAnswer>("/usage?days=3");
  expect(usage.kind).toBe("gpu");
  expect(usage.days).toHaveLength(3);
  expect(usage.rows.map(({ sweep }) => sweep)).toEqual(["digits.1"]);
  expect(usage.rows[0]?.hours.reduce((sum, hours) => sum + hours, 0)).toBeCloseTo(3);
  expect((await get<UsageAnswer>("/usage?days=3&kind=cpu")).rows[0]?.hours.reduce((a, b) => a + b)).toBeCloseTo(1);
  for (const query of ["?days=0", "?days=367", "?kind=tpu"]) {
    expect((await ask(server.port, `/usage${query}`)).status).toBe(400);
  }
});

test("a node's page", async () => {
  const node = await get<NodeDetail>("/nodes/gpu-01");
  expect(node).toMatchObject({
    node: { name: "gpu-01" },
    platform: "Linux 6 x64",
    cpuCount: 16,
    current: [{ ref: "digits.1.4", state: "running" }],
    recent: [{ ref: "digits.1.3" }, { ref: "digits.1.2" }, { ref: "digits.1.1" }],
    events: [{ text: "<b>joined</b>" }, { text: "assigned to gpu-01" }],
  });
  const missing = await ask(server.port, "/nodes/gpu-1");
  expect([missing.status, missing.json.error.hint]).toEqual([404, "did you mean gpu-01?"]);
});

test("channels: kind and name, what waits, what is wrong", async () => {
  expect((await ask(server.port, "/channels")).json).toEqual([]);
  const channels = () => [
    { name: "slack:lab:2", waiting: 0, problem: "" },
    { name: "mlflow:lab", waiting: 3, problem: "HTTP 503" },
  ];
  const other = await startHttp(store, createLog(), { ...store.deps(), channels });
  try {
    expect((await ask(other.port, "/channels")).json).toEqual([
      { kind: "slack", name: "lab:2", waiting: 0, problem: "" },
      { kind: "mlflow", name: "lab", waiting: 3, problem: "HTTP 503" },
    ]);
  } finally {
    await other.stop(1_000);
  }
});
