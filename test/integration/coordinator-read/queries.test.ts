import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeRecord } from "../../../coordinator/store/queries/nodes.ts";
import { createQueries, type Queries } from "../../../coordinator/store/queries/queries.ts";
import type { Selection } from "../../../coordinator/store/queries/refs.ts";
import type { AppError } from "../../../shared/kernel/errors.ts";
import { deviceUuid, nodeName, runId } from "../../../shared/kernel/ids.ts";
import type { Device, DeviceHealth } from "../../../shared/run/devices.ts";
import { formatPicks } from "../../../shared/run/refs.ts";
import type { SeedRun } from "../../helpers/seed-store.ts";
import { SEED_TIME } from "../../helpers/seed-store.ts";
import { createReadStore, type ReadStore } from "./fixture.ts";

let store: ReadStore;
let queries: Queries;

beforeEach(() => {
  store = createReadStore();
  queries = createQueries(store.db);
});
afterEach(() => store.close());

const queued = (count: number): SeedRun[] => Array.from({ length: count }, () => ({ state: "queued" }));

function show(selection: Selection): string {
  return `${selection.ref}[${selection.picks === "all" ? "*" : formatPicks(selection.picks)}]`;
}

/** What the references resolve to in short, or the refusal. */
function resolve(...texts: string[]): string {
  try {
    return queries.refs.resolve(texts).map(show).join(" ");
  } catch (error) {
    const { code, message, hint } = error as AppError;
    return `${code}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
  }
}

describe("references", () => {
  beforeEach(() => {
    store.seed.sweep({ name: "digits", runs: queued(12) });
    store.seed.sweep({ name: "digits", runs: queued(4) });
    store.seed.sweep({ name: "resnet-lr", runs: queued(1) });
    store.seed.sweep({ name: "digits.1", runs: queued(3) });
  });

  test.each([
    ["digits", "digits.2[*]"],
    ["digits.2", "digits.2[*]"],
    ["digits.2.3", "digits.2[3]"],
    ["digits.2.2-3,1", "digits.2[1-3]"],
    ["digits.2.*", "digits.2[*]"],
    ["last", "digits.1.1[*]"],
    ["last~1", "resnet-lr.1[*]"],
    ["last~1.1", "resnet-lr.1[1]"],
    ["digits.1.2", "digits.1[2]"],
  ])("%s", (text, expected) => expect(resolve(text)).toBe(expected));

  test("several are merged by sweep, in order of submission", () => {
    expect(resolve("resnet-lr", "digits.2.1", "digits.1.5-6", "digits.2.2,4")).toBe(
      "digits.1[5-6] digits.2[1-2,4] resnet-lr.1[*]",
    );
    expect(resolve("digits.2.1", "digits.2")).toBe("digits.2[*]");
  });

  test("a run id and its unique start", () => {
    const { runIds } = store.seed.sweep({ name: "ids", runs: queued(2) });
    expect(resolve(runIds[1] ?? "")).toBe("ids.1[2]");
    expect(resolve((runIds[1] ?? "").toLowerCase())).toBe("ids.1[2]");
    expect(resolve((runIds[1] ?? "").slice(0, -1))).toMatch(/^invalid: .* is the start of several run ids|^not_found/);
    expect(resolve("run_01")).toContain("is the start of several run ids");
    expect(resolve("run_7")).toContain("not_found");
  });

  test.each([
    ["digits.2.5", "not_found: digits.2 has 4 runs; there is no run 5"],
    ["digits.2.3-9", "not_found: digits.2 has 4 runs; there is no run 5"],
    ["digist", 'not_found: no sweep or run is called "digist" (did you mean digits, digits.1, digits.2?)'],
    ["nothing-like-it-at-all", 'not_found: no sweep or run is called "nothing-like-it-at-all" (exp sweeps lists them)'],
    ["last~9", 'not_found: no sweep or run is called "last~9"'],
    ["../x", 'invalid: "../x" is no reference'],
  ])("%s is refused", (text, expected) => expect(resolve(text)).toContain(expected));

  test("what two sweeps fit is refused, not guessed", () => {
    expect(resolve("digits.1.1")).toContain("can mean the sweep digits.1.1 or run 1 of the sweep digits.1");
    expect(resolve("digits.1.1.*")).toBe("digits.1.1[*]");
    expect(resolve("digits.1")).toContain("can mean");
  });

  test("one run is wanted", () => {
    expect(queries.refs.resolveRun("resnet-lr").index).toBe(1);
    expect(() => queries.refs.resolveRun("digits.2")).toThrow(/names several runs/);
    expect(() => queries.refs.resolveRun("digits.2.1-2")).toThrow(/names several runs/);
  });
});

test("an empty store says what to do", () => {
  expect(resolve("last")).toContain("nothing was submitted yet");
});

describe("a run", () => {
  test("running: its attempt is its present", () => {
    const { runIds } = store.seed.sweep({
      name: "a",
      runs: [
        { state: "running", node: "gpu-02", devices: ["GPU-3"], params: '{"lr":1.0}', metrics: { acc: 0.1 + 0.2 } },
      ],
    });
    expect(queries.runs.get(runIds[0] ?? runId(""))).toMatchObject({
      ref: "a.1.1",
      sweep: "a.1",
      state: "running",
      paramsJson: '{"lr":1.0}',
      attempt: 1,
      node: "gpu-02",
      devices: ["GPU-3"],
      exitCode: undefined,
      startedAt: SEED_TIME + 2_000,
      finishedAt: undefined,
      metrics: { acc: 0.1 + 0.2 },
      sealed: false,
    });
  });

  test("waiting again after an attempt: nowhere", () => {
    const { runIds } = store.seed.sweep({ name: "a", runs: queued(1) });
    const id = runIds[0] ?? runId("");
    store.seed.attempt(id, 1, { state: "failed" });
    expect(queries.runs.get(id)).toMatchObject({ attempt: 1, node: undefined, devices: [], startedAt: undefined });
  });

  test("failed: exit code, and a reason even where none was written", () => {
    const { runIds } = store.seed.sweep({ name: "a", runs: [{ state: "failed" }] });
    expect(queries.runs.get(runIds[0] ?? runId(""))).toMatchObject({
      exitCode: 3,
      reason: "exit code 3",
      sealed: true,
    });
  });

  test("reused: stands with the metrics of the run it came from", () => {
    const first = store.seed.sweep({ name: "a", runs: [{ state: "succeeded", metrics: { acc: 0.5 } }] });
    const origin = first.runIds[0] ?? runId("");
    const { runIds } = store.seed.sweep({ name: "a", runs: [{ state: "succeeded", reusedFrom: origin }] });
    expect(queries.runs.get(runIds[0] ?? runId(""))).toMatchObject({
      ref: "a.2.1",
      reason: "reused from a.1.1",
      reusedFrom: "a.1.1",
      metrics: { acc: 0.5 },
      attempt: 0,
      sealed: true,
    });
    expect(queries.runs.outputRun(runIds[0] ?? runId(""))).toBe(origin);
  });

  test("numbers that SQLite cannot keep come back; other texts are no metrics", () => {
    const metrics = { a: "NaN", b: "Infinity", c: "-inf", d: "hello", __proto__x: 1 };
    const { runIds } = store.seed.sweep({ name: "a", runs: [{ state: "running", metrics }] });
    expect(queries.runs.get(runIds[0] ?? runId(""))?.metrics).toEqual({
      a: Number.NaN,
      b: Number.POSITIVE_INFINITY,
      c: Number.NEGATIVE_INFINITY,
      __proto__x: 1,
    });
  });
});

test("ids are filtered, bounded and ordered", () => {
  const runs = Array.from({ length: 10 }, (_, i): SeedRun => ({ state: i % 2 === 0 ? "succeeded" : "queued" }));
  store.seed.sweep({ name: "a", runs });
  const ids = (text: string, filter: Parameters<Queries["runs"]["ids"]>[1]) => {
    const [selection] = queries.refs.resolve([text]);
    return selection ? queries.runs.ids(selection, filter).map((id) => queries.runs.get(id)?.index) : [];
  };
  expect(ids("a", { states: [], order: "asc" })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(ids("a", { states: ["queued"], order: "desc", limit: 2 })).toEqual([10, 8]);
  expect(ids("a.1.2-4,8", { states: [], order: "desc" })).toEqual([8, 4, 3, 2]);
  expect(ids("a.1.2-4,8", { states: [], order: "asc", from: 3, to: 8, limit: 2 })).toEqual([3, 4]);
  expect(ids("a", { states: ["failed"], order: "asc" })).toEqual([]);
});

test("a sweep counts its runs by state", () => {
  const { id } = store.seed.sweep({
    name: "a",
    runs: [{ state: "succeeded" }, { state: "running" }, { state: "running" }],
    objective: { metric: "acc", goal: "maximize" },
  });
  expect(queries.sweeps.get(id)).toMatchObject({ ref: "a.1", state: "running", counts: { running: 2, succeeded: 1 } });
  expect(queries.sweeps.allCounts()).toEqual({ running: 2, succeeded: 1 });
});

test("progress knows whose output is still on its way", () => {
  const late: SeedRun = { state: "succeeded", sealed: false };
  store.seed.sweep({ name: "a", runs: [{ state: "running" }, late, { state: "failed" }, late] });
  const progress = (text: string) => queries.refs.resolve([text]).map(queries.sweeps.progress)[0];
  expect(progress("a")).toEqual({ total: 4, counts: { running: 1, succeeded: 2, failed: 1 }, catchingUp: 2 });
  expect(progress("a.1.2-3")).toEqual({ total: 2, counts: { succeeded: 1, failed: 1 }, catchingUp: 1 });
});

test("the leaderboard: succeeded runs, last values, shared ranks", () => {
  const run = (acc: number | string, state: SeedRun["state"] = "succeeded"): SeedRun => ({ state, metrics: { acc } });
  const first = store.seed.sweep({ name: "old", runs: [run(0.95)] });
  const reused: SeedRun = { state: "succeeded", reusedFrom: first.runIds[0] ?? runId("") };
  store.seed.sweep({ name: "a", runs: [run(0.5), run(0.9), run(0.99, "failed"), run("NaN"), run(0.9), reused] });
  const rank = (text: string, goal: "maximize" | "minimize", limit = 10) =>
    queries.refs.resolve([text]).flatMap((selection) =>
      queries.best.rank(selection, { metric: "acc", goal }, limit).map((row) => {
        return `${row.rank}:${queries.runs.get(row.runId)?.index}=${row.value}`;
      }),
    );
  expect(rank("a", "maximize")).toEqual(["1:6=0.95", "2:2=0.9", "2:5=0.9", "4:1=0.5"]);
  expect(rank("a", "minimize", 2)).toEqual(["1:1=0.5", "2:2=0.9"]);
  expect(rank("a.1.1-2,5", "maximize", 1)).toEqual(["1:2=0.9"]);
});

describe("nodes", () => {
  const device = (index: number, health: DeviceHealth = "clean"): Device => ({
    uuid: deviceUuid(`GPU-${index}`),
    index,
    kind: "gpu",
    model: "H100",
    memoryBytes: 80e9,
    health,
    reason: "",
    foreign: [],
  });
  interface Link {
    connected: boolean;
    silent: boolean;
    cordoned: boolean;
    draining: boolean;
    /** Monotonic time of the look; the node was heard at 0. */
    nowMs: number;
  }

  function states({ nowMs, ...link }: Link): string {
    const { cluster } = store.deps();
    const node = cluster.nodes.get(nodeName("gpu-01"));
    if (!node) throw new Error("the node was not seeded");
    Object.assign(node, link, { lastHeardMs: 0 });
    const record = nodeRecord(cluster, node, { wallMs: SEED_TIME, monotonicMs: nowMs });
    return `${record.state}: ${record.devices.map(({ state, runs }) => (runs.length > 0 ? `${state}(${runs})` : state)).join(" ")}`;
  }

  const ready: Link = { connected: true, silent: false, cordoned: false, draining: false, nowMs: 0 };
  const asReported = "busy(a.1.1) free foreign dirty unknown";
  const outOfSight = "busy(a.1.1) unknown unknown unknown unknown";

  test.each([
    ["ready", {}, asReported],
    ["cordoned", { cordoned: true }, asReported],
    ["draining", { draining: true, cordoned: true }, asReported],
    ["unknown", { silent: true, cordoned: true }, outOfSight],
    ["unknown", { connected: false, nowMs: 600_000 }, outOfSight],
    ["gone", { connected: false, nowMs: 600_001 }, outOfSight],
  ])("%s %j", (state, change, devices) => {
    store.seed.node("gpu-01", [device(0), device(1), device(2, "foreign"), device(3, "dirty"), device(4, "unknown")]);
    store.seed.sweep({ name: "a", runs: [{ state: "running", node: "gpu-01", devices: ["GPU-0"] }] });
    expect(states({ ...ready, ...change })).toBe(`${state}: ${devices}`);
  });
});
