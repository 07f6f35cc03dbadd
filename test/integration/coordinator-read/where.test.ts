/** `where` of ListRuns, on real SQLite and gRPC. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RpcServer } from "../../../coordinator/rpc/server.ts";
import type { ControlServiceClient } from "../../../proto/gen/runner/v1/control.ts";
import type { SeedRun } from "../../helpers/seed-store.ts";
import { bearer, collect, connect, createReadStore, failure, type ReadStore, startRpc } from "./fixture.ts";

let store: ReadStore;
let server: RpcServer;
let client: ControlServiceClient;

beforeEach(async () => {
  store = createReadStore();
  store.seed.sweep({
    name: "cnn",
    runs: [
      {
        state: "succeeded",
        params: '{"lr":0.1,"optim.name":"sgd","layers":2,"weight-decay":0.5}',
        metrics: { acc: 0.5, "val/acc": 0.4 },
      },
      {
        state: "succeeded",
        params: '{"lr":0.01,"optim.name":"adam","layers":4}',
        metrics: { acc: 0.9, "val/acc": "nan" },
      },
      { state: "failed", params: '{"lr":0.001,"optim.name":"adam","layers":8}', node: "gpu-02" },
      { state: "queued", params: '{"lr":1e-4,"optim.name":"adam","layers":8,"__proto__":1}' },
    ],
  });
  store.seed.sweep({
    name: "bert",
    runs: [
      { state: "running", params: '{"lr":"auto","model":"tiny"}', devices: ["GPU-0", "GPU-1"] },
      { state: "succeeded", params: '{"lr":0.1,"model":"large"}', metrics: { loss: 2 } },
    ],
  });
  server = await startRpc(store.deps());
  client = connect(server.port);
});
afterEach(async () => {
  client.close();
  await server.stop(1_000);
  store.close();
});

async function list(where: string, request: { refs?: string[]; states?: never[]; limit?: number } = {}) {
  const messages = await collect(client.listRuns({ refs: [], states: [], limit: 0, where, ...request }, bearer()));
  return messages.flatMap(({ runs }) => runs.map(({ ref }) => ref)).join(" ");
}

describe("matching runs", () => {
  test.each([
    ["layers >= 4", "cnn.1.2 cnn.1.3 cnn.1.4"],
    ["optim.name == 'adam' and lr < 0.01", "cnn.1.3 cnn.1.4"],
    ["params['weight-decay'] > 0", "cnn.1.1"],
    // A text under the same name elsewhere is no match, and no mistake.
    ["lr < 0.05", "cnn.1.2 cnn.1.3 cnn.1.4"],
    ["lr == 'auto'", "bert.1.1"],
    ["acc > 0.4", "cnn.1.1 cnn.1.2"],
    ['metrics["val/acc"] < 1', "cnn.1.1"],
    ['isnan(metrics["val/acc"])', "cnn.1.2"],
    ["loss > 1 or layers == 2", "bert.1.2"],
    ["defined(loss) or layers == 2", "cnn.1.1 bert.1.2"],
    ["not defined(model)", "cnn.1.1 cnn.1.2 cnn.1.3 cnn.1.4"],
    ["not defined(misspelt) and index == 1", "cnn.1.1 bert.1.1"],
    ["state == 'failed' or state in ['running']", "cnn.1.3 bert.1.1"],
    ["node == 'gpu-02'", "cnn.1.3"],
    ["sweep.name == 'bert' and index > 1 and attempt == 1", "bert.1.2"],
    ["glob(ref, 'b*.2')", "bert.1.2"],
    ["gpus == 2 and seconds > 30m", "bert.1.1"],
    ["exit_code == 3", "cnn.1.3"],
    ["run.index == 1 and params.lr == 0.1", "cnn.1.1"],
    ["len(params) == 2", "bert.1.1 bert.1.2"],
    ["len(reason) > 0 and state == 'queued'", "cnn.1.4"],
    ["age > 1d and priority == 0 and not reused", "cnn.1.1 cnn.1.2 cnn.1.3 cnn.1.4 bert.1.1 bert.1.2"],
    ["False", ""],
  ])("%s", async (where, refs) => {
    expect(await list(where)).toBe(refs);
  });

  test("within references, states and the newest", async () => {
    expect(await list("layers >= 4", { refs: ["cnn.1.1-3"] })).toBe("cnn.1.2 cnn.1.3");
    expect(await list("lr < 1", { limit: 2 })).toBe("cnn.1.4 bert.1.2");
    expect(await list("layers < 8 or acc > 2", { limit: 1 })).toBe("cnn.1.2");
    expect(await list("True", { refs: ["bert"] })).toBe("bert.1.1 bert.1.2");
  });
});

describe("mistakes", () => {
  test.each<[string, object]>([
    ["lr <", { id: "expression.syntax", message: "the expression ends where a value is missing" }],
    [
      "layres > 2",
      {
        id: "expression.name",
        message: 'nothing is called "layres"',
        hint: expect.stringMatching(/^did you mean layers\?/),
        place: { file: "where", line: 1, column: 1, text: "layres > 2", length: 6 },
      },
    ],
    // Also where it would not have mattered.
    ["lr < 1 or layres > 2", { id: "expression.name", place: { column: 11 } }],
    ["val_acc > 0.5", { id: "expression.name", hint: expect.stringMatching(/^did you mean metrics\["val\/acc"\]\?/) }],
    ['metrics["val/ac"] > 0.5', { hint: expect.stringMatching(/^did you mean metrics\["val\/acc"\]\?/) }],
    ["params.layer > 1", { hint: expect.stringMatching(/^did you mean layers\?/) }],
    ["model == tiny", { message: 'nothing is called "tiny"' }],
    ["layers < 'a'", { id: "expression.type", message: '"<" cannot compare an int with a string' }],
    ["lr.__proto__ == 1", { id: "expression.type", message: '"lr" is a float and has no "__proto__"' }],
    ["constructor == 1", { message: 'nothing is called "constructor"' }],
  ])("%s", async (where, said) => {
    expect(await failure(list(where))).toMatchObject({ code: "invalid", ...said });
  });

  test("a name of a hostile parameter is a name", async () => {
    expect(await list("params['__proto__'] == 1")).toBe("cnn.1.4");
  });

  test("where there are no runs, there is no mistake", async () => {
    expect(await list("layres > 2", { refs: ["cnn.1"], states: [5] as never })).toBe("");
  });
});

test("100,000 runs are looked through while others are answered", async () => {
  const run = (i: number): SeedRun => ({ state: "queued", params: `{"lr":0.${i % 10},"layers":${i},"name":"x"}` });
  for (let i = 0; i < 10; i++) {
    store.seed.sweep({ name: "big", runs: Array.from({ length: 10_000 }, (_, j) => run(i * 10_000 + j)) });
  }
  let done = false;
  const search = list("layers % 20000 == 77 and lr > 0.5").finally(() => {
    done = true;
  });
  let answered = 0;
  while (!done) {
    await list("True", { refs: ["bert.1.1"] });
    answered += 1;
  }
  expect(await search).toBe("big.1.78 big.3.78 big.5.78 big.7.78 big.9.78");
  expect(answered).toBeGreaterThan(10);
}, 60_000);
