/** Tables of runs over real HTTP, read by the reading thread from a real store. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { news } from "../../../coordinator/feed.ts";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import type { SweepId } from "../../../shared/kernel/ids.ts";
import type { ColumnsAnswer, RunTable } from "../../../shared/run/dashboard.ts";
import type { SeedRun } from "../../helpers/seed-store.ts";
import {
  bearer,
  collect,
  connect,
  createLog,
  createReadStore,
  failure,
  type ReadStore,
  startHttp,
  startRpc,
} from "../coordinator-read/fixture.ts";
import { act, ask } from "./http-client.ts";

let store: ReadStore;
let server: HttpServer;

beforeEach(async () => {
  store = createReadStore();
  store.seed.sweep({
    name: "cnn",
    objective: { metric: "acc", goal: "maximize" },
    runs: [
      { state: "succeeded", params: '{"lr":0.1,"opt":"sgd","seed":1}', metrics: { acc: 0.5, "val,loss": 3 } },
      { state: "succeeded", params: '{"lr":0.1,"opt":"sgd","seed":2}', metrics: { acc: 0.7, "val,loss": 1 } },
      { state: "failed", params: '{"lr":0.01,"opt":"adam","seed":1}', metrics: { acc: "nan" }, node: "gpu-02" },
      { state: "succeeded", params: '{"lr":0.01,"opt":"adam","seed":2}', metrics: { acc: 0.9 } },
    ],
  });
  store.seed.sweep({
    name: "bert",
    runs: [
      { state: "running", params: '{"lr":"auto","layers":[1,2.0],"__proto__":"x"}' },
      { state: "queued", params: '{"lr":1e-5,"big":12345678901234}' },
    ],
  });
  server = await startHttp(store);
});
afterEach(async () => {
  await server.stop(1_000);
  store.close();
});

async function table(query: { [key: string]: string }): Promise<RunTable> {
  const { status, json, text } = await ask(server.port, `/tables/runs?${new URLSearchParams(query)}`);
  expect([status, text.slice(0, status === 200 ? 0 : 300)]).toEqual([200, ""]);
  return json as RunTable;
}
const refs = async (query: { [key: string]: string }) => (await table(query)).refs.join(" ");

describe("rows", () => {
  test("the newest first; of one sweep by position; in pages", async () => {
    expect(await refs({})).toBe("bert.1.2 bert.1.1 cnn.1.4 cnn.1.3 cnn.1.2 cnn.1.1");
    expect(await refs({ offset: "1", limit: "2" })).toBe("bert.1.1 cnn.1.4");
    expect(await refs({ offset: "6" })).toBe("");
    expect(await refs({ sweep: "cnn" })).toBe("cnn.1.1 cnn.1.2 cnn.1.3 cnn.1.4");
    expect(await refs({ sweep: "cnn.1.2-3", offset: "1" })).toBe("cnn.1.3");
    expect(await table({ offset: "2", limit: "1" })).toMatchObject({ total: 6, offset: 2, states: ["succeeded"] });
  });

  test("columns with their kinds", async () => {
    const columns = "ref,state,node,param:lr,param:opt,metric:acc,metric:val\\,loss,gpus,exit_code,duration";
    const shown = await table({ sweep: "cnn", columns });
    expect(shown.columns.map(({ key, kind }) => `${key} ${kind}`)).toEqual([
      "ref text",
      "state state",
      "node text",
      "param:lr number",
      "param:opt text",
      "metric:acc number",
      "metric:val,loss number",
      "gpus number",
      "exit_code number",
      "duration duration",
    ]);
    expect(shown.cells.slice(1)).toEqual([
      ["succeeded", "succeeded", "failed", "succeeded"],
      ["gpu-01", "gpu-01", "gpu-02", "gpu-01"],
      [0.1, 0.1, 0.01, 0.01],
      ["sgd", "sgd", "adam", "adam"],
      [0.5, 0.7, "NaN", 0.9],
      [3, 1, null, null],
      [1, 1, 1, 1],
      [0, 0, 3, 0],
      [3000, 3000, 3000, 3000],
    ]);
    const other = await table({ sweep: "bert", columns: "param:lr,param:layers,param:big,param:__proto__" });
    expect(other.columns.map(({ kind }) => kind)).toEqual(["text", "text", "number", "text"]);
    expect(other.cells).toEqual([
      ["auto", 0.00001],
      ["[1,2.0]", null],
      [null, 12345678901234],
      ["x", null],
    ]);
  });

  test.each([
    ["param:lr", "bert.1.2 cnn.1.4 cnn.1.3 cnn.1.2 cnn.1.1 bert.1.1"],
    ["-param:lr", "bert.1.1 cnn.1.2 cnn.1.1 cnn.1.4 cnn.1.3 bert.1.2"],
    ["metric:acc", "cnn.1.1 cnn.1.2 cnn.1.4 bert.1.2 bert.1.1 cnn.1.3"],
    ["-metric:acc,ref", "cnn.1.4 cnn.1.2 cnn.1.1 bert.1.1 bert.1.2 cnn.1.3"],
    ["param:opt,-param:seed", "cnn.1.4 cnn.1.3 cnn.1.2 cnn.1.1 bert.1.2 bert.1.1"],
    ["ref", "bert.1.1 bert.1.2 cnn.1.1 cnn.1.2 cnn.1.3 cnn.1.4"],
    ["state,ref", "bert.1.2 bert.1.1 cnn.1.1 cnn.1.2 cnn.1.4 cnn.1.3"],
  ])("sorted by %s", async (sort, expected) => {
    expect(await refs({ sort })).toBe(expected);
  });

  test("handles are sorted by their numbers", async () => {
    store.seed.sweep({ name: "many", runs: Array.from({ length: 11 }, () => ({ state: "queued" as const })) });
    expect((await refs({ sweep: "many", sort: "ref" })).split(" ").at(-1)).toBe("many.1.11");
  });

  test("why a run waits is a column, and can be asked for", async () => {
    const shown = await table({ sweep: "bert", columns: "reason" });
    expect(shown.cells[0]?.[1]).toMatch(/no agent has joined/);
    expect(await refs({ where: "glob(reason, '*no agent*')" })).toBe("bert.1.2");
    expect((await refs({ sort: "-reason" })).split(" ")[0]).toBe("bert.1.2");
  });

  test.each([
    ["?sweep=nothing", 404, "ref.unknown"],
    ["?columns=colour", 400, "table.column"],
    ["?sort=colour", 400, "table.column"],
    ["?where=lr%20%3C", 400, "expression.syntax"],
    ["?where=layres%20%3C%201", 400, "expression.name"],
    ["?limit=1001", 400, "http.query"],
    ["?offset=-1", 400, "http.query"],
    ["?wher=1", 400, "http.query"],
  ])("%s: %i", async (query, status, id) => {
    const answer = await ask(server.port, `/tables/runs${query}`);
    expect([answer.status, answer.json.error.id]).toEqual([status, id]);
  });
});

describe("groups", () => {
  test("seeds are folded to mean, spread and count; the best run stands for them", async () => {
    const folded = await table({
      sweep: "cnn",
      group: "param:lr,param:opt",
      columns: "param:lr,param:opt,metric:acc,state",
      sort: "-metric:acc",
    });
    expect(folded).toMatchObject({ total: 2, refs: ["cnn.1.4", "cnn.1.2"], groups: { runs: [2, 2] } });
    expect(folded.cells).toEqual([
      [0.01, 0.1],
      ["adam", "sgd"],
      [0.9, 0.6],
      [null, "succeeded"],
    ]);
    const [lr, opt, acc, state] = folded.groups?.deviations ?? [];
    expect([lr, opt, state]).toEqual([[0, 0], null, null]);
    expect(acc?.[0]).toBeNull();
    expect(acc?.[1]).toBeCloseTo(Math.SQRT2 / 10);
  });

  test("in pages, and of what matches", async () => {
    const query = { sweep: "cnn", group: "param:seed", columns: "param:seed", sort: "-param:seed" };
    expect((await table(query)).cells).toEqual([[2, 1]]);
    expect(await table({ ...query, offset: "1" })).toMatchObject({ total: 2, cells: [[1]] });
    expect(await table({ ...query, where: "acc > 0.8" })).toMatchObject({
      total: 1,
      cells: [[2]],
      groups: { runs: [1] },
    });
  });
});

describe("what changes is shown", () => {
  test("states, metrics, notes, and sweeps that come", async () => {
    const query = { where: "state == 'running'", columns: "ref,metric:loss,note" };
    expect((await table(query)).cells).toEqual([["bert.1.1"], [null], [null]]);
    await act(server.port, "annotate", { ref: "bert.1.1", note: "look" });
    await act(server.port, "cancel", { refs: ["bert.1.2"] });
    expect(await table({ sort: "note", limit: "1", columns: "note" })).toMatchObject({ cells: [["look"]] });
    expect(await refs({ where: "state == 'cancelled'" })).toBe("bert.1.2");

    const made = store.seed.sweep({ name: "next", runs: [{ state: "running" }] });
    expect((await table(query)).refs).toEqual(["next.1.1", "bert.1.1"]);
    const [fence] = made.fences;
    if (fence === undefined) throw new Error("not seeded");
    store.db
      .prepare("INSERT INTO metric_lasts (fence, key, value, step, at, count) VALUES (?, 'loss', 0.25, 1, 1, 1)")
      .run(fence);
    store.feed.publish(news({ outputs: new Set([fence]) }));
    expect((await table(query)).cells[1]).toEqual([0.25, null]);
  });
});

test("tags of a sweep whose file was edited are the new ones", async () => {
  const made = store.seed.sweep({ name: "tagged", runs: [{ state: "queued" }] });
  const query = { sweep: made.ref, columns: "tag" };
  expect((await table(query)).cells).toEqual([[null]]);
  store.db.prepare("UPDATE sweeps SET tags_json = '[\"paper\"]' WHERE name = 'tagged'").run();
  const { sweep_id: id } = store.db.prepare("SELECT sweep_id FROM sweeps WHERE name = 'tagged'").get() as {
    sweep_id: SweepId;
  };
  store.feed.publish(news({ sweeps: new Set([id]) }));
  expect((await table(query)).cells).toEqual([["paper"]]);
});

test("what a table can show", async () => {
  const all = (await ask(server.port, "/tables/columns")).json as ColumnsAnswer;
  const by = Object.fromEntries(all.columns.map(({ key, ...rest }) => [key, rest]));
  expect(by["param:lr"]).toEqual({ kind: "text", runs: 6, distinct: 4 });
  expect(by["metric:acc"]).toEqual({ kind: "number", runs: 4, distinct: 4 });
  expect(by.state).toEqual({ kind: "state", runs: 6, distinct: 4 });
  expect(by.node).toMatchObject({ runs: 5, distinct: 2 });
  const cnn = (await ask(server.port, "/tables/columns?sweep=cnn")).json as ColumnsAnswer;
  const params = cnn.columns.filter(({ key }) => key.startsWith("param:"));
  expect(params).toEqual([
    { key: "param:lr", kind: "number", runs: 4, distinct: 2 },
    { key: "param:opt", kind: "text", runs: 4, distinct: 2 },
    { key: "param:seed", kind: "number", runs: 4, distinct: 2, replicate: true },
  ]);
});

test("an expression means what it means to `exp ls --where`", async () => {
  const rpc = await startRpc(store.deps(), createLog());
  const client = connect(rpc.port);
  try {
    const runs: SeedRun[] = Array.from({ length: 40 }, (_, i) => ({
      state: (["succeeded", "failed", "queued", "held"] as const)[i % 4] ?? "queued",
      params:
        [`{"lr":${i / 8},"depth":${i % 5}}`, `{"lr":"auto","on":true}`, `{"depth":${i}.0,"t":{"a":[1]}}`][i % 3] ??
        "{}",
      metrics: i % 3 === 0 ? {} : { acc: i % 7 === 0 ? "nan" : i / 40, "val/acc": i },
    }));
    store.seed.sweep({ name: "mixed", runs });
    const value = fc.constantFrom(
      "lr",
      "depth",
      "acc",
      'metrics["val/acc"]',
      "index",
      "attempt",
      "2",
      "0.5",
      "'auto'",
      "params.lr",
      "t.a[0]",
      "on",
    );
    const comparison = fc
      .tuple(value, fc.constantFrom("<", "<=", "==", "!=", ">", "in"), value)
      .map(([a, o, b]) => (o === "in" ? `${a} in [${b}, 1, 'auto']` : `${a} ${o} ${b}`));
    const word = fc.constantFrom(
      "state == 'failed'",
      "defined(lr)",
      "isnan(acc)",
      "node == 'gpu-01'",
      "reused",
      "age > 1d",
    );
    const term = fc.oneof(comparison, word);
    const expression = fc.tuple(term, fc.constantFrom("and", "or", "and not"), term).map((parts) => parts.join(" "));
    await fc.assert(
      fc.asyncProperty(fc.oneof(term, expression), async (where) => {
        const request = { refs: [], states: [], limit: 0, where };
        const listed = collect(client.listRuns(request, bearer()));
        const said = await listed.then(
          (messages) => messages.flatMap((message) => message.runs.map(({ ref }) => ref)).sort(),
          () => undefined,
        );
        const query = new URLSearchParams({ where, limit: "1000" });
        const { status, json } = await ask(server.port, `/tables/runs?${query}`);
        if (said) expect([status, json.refs?.toSorted()]).toEqual([200, said]);
        else expect(json.error).toMatchObject({ message: (await failure(listed)).message });
      }),
      { numRuns: 150 },
    );
  } finally {
    client.close();
    await rpc.stop(1_000);
  }
});
