import { fileURLToPath } from "node:url";
import { type Client, type ClientDuplexStream, credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON, loadSync } from "@grpc/proto-loader";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOGIN_FAILURES_MAX } from "../../../coordinator/rpc/limits.ts";
import { createRpcServer, type RpcServer } from "../../../coordinator/rpc/server.ts";
import type { AgentServiceServer } from "../../../proto/gen/runner/v1/agent.ts";
import {
  BestRequest,
  type BestResponse,
  type ControlServiceClient,
  type ControlServiceServer,
  type GetRunResponse,
  type GetServerResponse,
  type ListNodesResponse,
  type ListRunsResponse,
  type ListSweepsResponse,
  type WhyResponse,
} from "../../../proto/gen/runner/v1/control.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";
import { OPEN_VERIFIER } from "../../helpers/open-verifier.ts";
import type { SeedRun } from "../../helpers/seed-store.ts";
import {
  bearer,
  call,
  collect,
  connect,
  createLog,
  createReadStore,
  failure,
  type ReadStore,
  startRpc,
  TOKEN,
} from "./fixture.ts";

let store: ReadStore;
let log: ReturnType<typeof createLog>;
let server: RpcServer;
let client: ControlServiceClient;

/** Starts the server on what was seeded. */
async function start(): Promise<void> {
  log = createLog();
  server = await startRpc(store.deps(), log);
  client = connect(server.port);
}

beforeEach(() => {
  store = createReadStore();
});
afterEach(async () => {
  client?.close();
  await server?.stop(1_000);
  store.close();
});

const queued = (count: number): SeedRun[] => Array.from({ length: count }, () => ({ state: "queued" }));
const refs = (messages: ListRunsResponse[]) => messages.flatMap(({ runs }) => runs.map(({ ref }) => ref));
const listRuns = (request: { refs?: string[]; states?: never[]; limit?: number; where?: string } = {}) =>
  collect(client.listRuns({ refs: [], states: [], limit: 0, where: "", ...request }, bearer()));

describe("who may call", () => {
  test("a call without the token, or with another, is refused; the log never shows a token", async () => {
    await start();
    const none = await failure(call((done) => client.getServer({}, done)));
    expect(none).toMatchObject({ code: "unauthorized", message: expect.stringContaining("none was sent") });
    const wrong = await failure(call((done) => client.getServer({}, bearer("wrong-secret"), done)));
    expect(wrong).toMatchObject({ code: "unauthorized", id: "auth.token" });
    expect(await failure(collect(client.listRuns({ refs: [], states: [], limit: 0, where: "" })))).toMatchObject({
      code: "unauthorized",
    });
    expect(log.lines.length).toBe(3);
    expect(log.lines.join()).not.toMatch(/wrong-secret|correct-horse/);
  });

  test("after ten failures the address must wait, and the right token still passes", async () => {
    await start();
    const codes: string[] = [];
    for (let i = 0; i < LOGIN_FAILURES_MAX + 5; i++) {
      codes.push((await failure(call((done) => client.getServer({}, bearer("bad"), done)))).code);
    }
    expect(codes.slice(0, LOGIN_FAILURES_MAX)).toEqual(Array(LOGIN_FAILURES_MAX).fill("unauthorized"));
    expect(codes.slice(LOGIN_FAILURES_MAX)).toEqual(Array(5).fill("exhausted"));
    expect(log.lines.length).toBe(LOGIN_FAILURES_MAX + 1);
    await call<GetServerResponse>((done) => client.getServer({}, bearer(), done));
  });

  test("metadata that is too large is refused", async () => {
    await start();
    const metadata = bearer();
    for (let i = 0; i < 5; i++) metadata.set(`x-${i}`, "y".repeat(4_000));
    const error = await failure(call((done) => client.getServer({}, metadata, done)));
    expect(error.code).toBe("exhausted");
  });
});

describe("the services that every tool knows", () => {
  test("health is open", async () => {
    await start();
    const health = healthClient(server.port);
    const check = (service: string) =>
      call<{ status: string }>((done) => (health as unknown as HealthCalls).Check({ service }, done));
    expect(await check("")).toEqual({ status: "SERVING" });
    expect(await check("runner.v1.ControlService")).toEqual({ status: "SERVING" });
    expect(await failure(check("nothing"))).toMatchObject({ code: "not_found" });
    health.close();
  });

  test("reflection lists the services and hands out their descriptors, with the token", async () => {
    await start();
    const answers = await reflect(server.port, true, { listServices: "" }, { fileContainingSymbol: "runner.v1.Run" });
    const services = answers[0]?.listServicesResponse?.service.map(({ name }) => name);
    expect(services).toEqual(
      expect.arrayContaining(["runner.v1.ControlService", "runner.v1.AgentService", "grpc.health.v1.Health"]),
    );
    expect(answers[1]?.fileDescriptorResponse?.fileDescriptorProto.join()).toContain("ControlService");
    expect((await failure(reflect(server.port, false, { listServices: "" }))).code).toBe("unauthorized");
  });
});

test("a taken port is one clear line", async () => {
  await start();
  const services = { control: {} as ControlServiceServer, agent: {} as AgentServiceServer };
  const second = createRpcServer({ host: "127.0.0.1", port: server.port, verifier: OPEN_VERIFIER, ...services });
  await expect(second).rejects.toMatchObject({
    code: "conflict",
    id: "net.port-taken",
    message: `127.0.0.1:${server.port} is in use by another program`,
  });
});

test("an unexpected failure tells the caller nothing and the log everything", async () => {
  store.seed.sweep({ name: "a", runs: queued(1) });
  await start();
  store.db.exec("ALTER TABLE run_states RENAME TO elsewhere");
  const error = await failure(
    call((done) => client.listSweeps({ refs: [], limit: 0, progress: false }, bearer(), done)),
  );
  expect(error).toMatchObject({ code: "internal", message: expect.not.stringContaining("run_states") });
  expect(log.lines).toEqual([expect.stringContaining("call failed")]);
});

describe("runs and sweeps", () => {
  beforeEach(async () => {
    store.seed.sweep({ name: "a", runs: queued(3) });
    store.seed.sweep({ name: "b", runs: [{ state: "failed" }, { state: "running" }, { state: "succeeded" }] });
    await start();
  });

  test("in order of submission and position; a limit keeps the newest", async () => {
    expect(refs(await listRuns())).toEqual(["a.1.1", "a.1.2", "a.1.3", "b.1.1", "b.1.2", "b.1.3"]);
    expect(refs(await listRuns({ limit: 4 }))).toEqual(["a.1.3", "b.1.1", "b.1.2", "b.1.3"]);
    expect(refs(await listRuns({ refs: ["b.1.1-2", "a.1.2"] }))).toEqual(["a.1.2", "b.1.1", "b.1.2"]);
  });

  test("by state", async () => {
    const found = await collect(client.listRuns({ refs: [], states: [1, 4], limit: 3, where: "" }, bearer()));
    expect(refs(found)).toEqual(["a.1.2", "a.1.3", "b.1.2"]);
  });

  test("a reference that fails says so, with the nearest names", async () => {
    const error = await failure(listRuns({ refs: ["c.1.1"] }));
    expect(error).toMatchObject({ code: "not_found", id: "ref.unknown", hint: expect.stringContaining("a.1") });
  });

  test("sweeps", async () => {
    const list = (request: { refs: string[]; limit: number }) =>
      call<ListSweepsResponse>((done) => client.listSweeps({ ...request, progress: false }, bearer(), done));
    const all = await list({ refs: [], limit: 0 });
    expect(all.sweeps.map(({ ref, state, counts }) => [ref, state, counts])).toEqual([
      ["a.1", "queued", { queued: 3 }],
      ["b.1", "running", { failed: 1, running: 1, succeeded: 1 }],
    ]);
    expect((await list({ refs: [], limit: 1 })).sweeps.map(({ ref }) => ref)).toEqual(["b.1"]);
  });

  test("one run, whole", async () => {
    const found = await call<GetRunResponse>((done) => client.getRun({ ref: "b.1.1" }, bearer(), done));
    expect(found.run).toMatchObject({ ref: "b.1.1", exitCode: 3, node: "gpu-01", sealed: true });
    expect(found.run?.resultsDir).toMatch(/\/1$/);
    expect(found.attempts).toMatchObject([{ number: 1, state: "exit code 3", sealed: true, outcome: { exitCode: 3 } }]);
    expect(JSON.parse(found.templateJson)).toMatchObject({ command: ["python", "train.py"] });
  });

  test("why: from memory for a live run, from the store for an ended one", async () => {
    const why = (ref: string) => call<WhyResponse>((done) => client.why({ ref }, bearer(), done));
    expect((await why("a.1.1")).reason).toContain("no agent has joined yet");
    expect((await why("b.1.1")).reason).toBe("failed on gpu-01: exit code 3");
  });

  test("the server says who it is", async () => {
    const found = await call<GetServerResponse>((done) => client.getServer({}, bearer(), done));
    expect(found).toMatchObject({ bus: "connected", busVersion: "2.10.27", liveRuns: 4, nodesReady: 0, term: 1 });
  });
});

test("nodes come with their devices", async () => {
  const device = { uuid: deviceUuid("GPU-0"), index: 0, kind: "gpu", model: "H100", memoryBytes: 80e9 } as const;
  store.seed.node("gpu-01", [{ ...device, health: "clean", reason: "", foreign: [] }], { zone: "a" });
  await start();
  const found = await call<ListNodesResponse>((done) => client.listNodes({}, bearer(), done));
  expect(found.nodes).toMatchObject([
    { name: "gpu-01", state: "unknown", labels: { zone: "a" }, devices: [{ state: "unknown", runs: [] }] },
  ]);
});

describe("best", () => {
  beforeEach(async () => {
    const run = (acc: number): SeedRun => ({ state: "succeeded", metrics: { "val/acc": acc, loss: -acc } });
    store.seed.sweep({
      name: "a",
      runs: [run(0.5), run(0.9), { state: "running" }],
      objective: { metric: "val/acc", goal: "maximize" },
    });
    store.seed.sweep({ name: "plain", runs: [run(0.5)] });
    await start();
  });
  const best = (request: Partial<BestRequest>) =>
    call<BestResponse>((done) => client.best(BestRequest.fromPartial({ ref: "a", ...request }), bearer(), done));

  test("by the sweep's objective, and by flags", async () => {
    const { metric, goal, rows } = await best({ byRun: true });
    expect([metric, goal, ...rows.map(({ run, rank }) => `${rank} ${run?.ref}`)]).toEqual([
      "val/acc",
      "maximize",
      "1 a.1.2",
      "2 a.1.1",
    ]);
    expect((await best({ metric: "loss", goal: "minimize", limit: 1, byRun: true })).rows).toMatchObject([
      { value: -0.9, groupParamsJson: '{"lr":0.1,"seed":1}' },
    ]);
  });

  test("runs that differ only in their seed are one row: mean, deviation, confidence; what is missing is said", async () => {
    const run = (params: string, acc: number | string, state: SeedRun["state"] = "succeeded"): SeedRun => ({
      ...{ params, state, metrics: { acc } },
    });
    store.seed.sweep({
      name: "seeds",
      runs: [
        run('{"lr":1,"seed":0}', 0.5),
        run('{"lr":1,"seed":1}', 0.7),
        run('{"lr":1,"seed":2}', "NaN"),
        run('{"lr":1,"seed":3}', 0.99, "failed"),
        run('{"lr":1,"seed":4}', 0.99, "running"),
        // A float is another parameter than an integer.
        run('{"lr":1.0,"seed":0}', 0.6),
        run('{"lr":2,"seed":0}', 0.1),
      ],
    });
    const { rows, withoutValue, lastOnly, more } = await best({
      ...{ ref: "seeds", metric: "acc", goal: "maximize", limit: 2 },
    });
    expect([withoutValue, lastOnly, more]).toEqual([1, 4, 1]);
    // 12.7062 is the quantile of Student's t with one degree of freedom.
    expect(rows).toMatchObject([
      {
        ...{ rank: 1, value: 0.6, groupParamsJson: '{"lr":1}', withoutValue: 1, notSucceeded: 1, live: 1 },
        refs: ["seeds.1.2", "seeds.1.1"],
        deviation: expect.closeTo(Math.SQRT1_2 / 5),
        halfWidth: expect.closeTo((12.706204736 * Math.SQRT1_2) / 5 / Math.SQRT2, 8),
      },
      { rank: 1, value: 0.6, groupParamsJson: '{"lr":1.0}', refs: ["seeds.1.6"], deviation: undefined },
    ]);
  });

  test("what counts of a run's values: its best, its last, the lowest or the highest", async () => {
    const { fences } = store.seed.sweep({
      name: "curves",
      runs: [
        { state: "succeeded", metrics: { acc: 0.5 } },
        { state: "succeeded", metrics: { acc: 0.6 } },
      ],
      objective: { metric: "acc", goal: "maximize" },
    });
    store.db.prepare("UPDATE metric_lasts SET min = 0.1, max = 0.9 WHERE fence = ?").run(fences[0] ?? 0);
    store.db.prepare("UPDATE metric_lasts SET min = 0.2, max = 0.8 WHERE fence = ?").run(fences[1] ?? 0);
    const first = async (reduce: string, goal = "") => {
      const { rows } = await best({ ref: "curves", metric: "acc", byRun: true, limit: 1, reduce, goal });
      return `${rows[0]?.run?.ref} ${rows[0]?.value}`;
    };
    expect(await Promise.all(["", "last", "min", "max"].map((reduce) => first(reduce)))).toEqual([
      ...["curves.1.1 0.9", "curves.1.2 0.6", "curves.1.2 0.2", "curves.1.1 0.9"],
    ]);
    expect(await first("best", "minimize")).toBe("curves.1.1 0.1");
  });

  test.each([
    [{ ref: "plain" }, "invalid", "best.no-metric"],
    [{ metric: "loss" }, "invalid", "best.goal"],
    [{ goal: "up" }, "invalid", "best.goal"],
    [{ reduce: "mean" }, "invalid", "best.reduce"],
    [{ metric: "val/ac", goal: "maximize" }, "not_found", "best.unknown-metric"],
  ])("%j is refused", async (request, code, id) => {
    expect(await failure(best(request))).toMatchObject({ code, id });
  });
});

test("a sweep of 10,000 runs among 100,000 is listed whole", async () => {
  const run = (i: number): SeedRun => ({
    state: i % 3 === 0 ? "queued" : "succeeded",
    metrics: { acc: i / 10_000, loss: 1 },
  });
  for (let i = 0; i < 10; i++) {
    store.seed.sweep({ name: "big", runs: Array.from({ length: 10_000 }, (_, j) => run(j)) });
  }
  await start();
  const messages = await collect(client.listRuns({ refs: ["big.5"], states: [], limit: 0, where: "" }, bearer()));
  expect(refs(messages)).toEqual(Array.from({ length: 10_000 }, (_, i) => `big.5.${i + 1}`));
}, 60_000);

interface HealthCalls {
  Check(request: object, done: (error: never, response: { status: string }) => void): void;
}

function healthClient(port: number): Client {
  const nested = {
    Request: { fields: { service: { type: "string", id: 1 } } },
    Response: {
      fields: { status: { type: "Status", id: 1 } },
      nested: { Status: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2 } } },
    },
    Health: { methods: { Check: { requestType: "Request", responseType: "Response" } } },
  };
  const json = { nested: { grpc: { nested: { health: { nested: { v1: { nested } } } } } } };
  const made = loadPackageDefinition(fromJSON(json as never, { enums: String })) as unknown as {
    grpc: { health: { v1: { Health: typeof Client } } };
  };
  return new made.grpc.health.v1.Health(`127.0.0.1:${port}`, credentials.createInsecure());
}

interface Reflected {
  readonly listServicesResponse?: { readonly service: { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: Buffer[] };
}

/** Asks as grpcurl does, over the published protocol of server reflection. */
async function reflect(port: number, withToken: boolean, ...questions: object[]): Promise<Reflected[]> {
  const path = "../../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto";
  const file = fileURLToPath(new URL(path, import.meta.url));
  const made = loadPackageDefinition(loadSync(file)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: typeof Client } } };
  };
  const client = new made.grpc.reflection.v1.ServerReflection(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    const open = client as unknown as {
      ServerReflectionInfo(metadata: object): ClientDuplexStream<object, Reflected>;
    };
    const stream = open.ServerReflectionInfo(withToken ? bearer(TOKEN) : {});
    for (const question of questions) stream.write(question);
    stream.end();
    return await collect(stream as never);
  } finally {
    client.close();
  }
}
