import { request } from "node:http";
import { createConnection } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { news } from "../../../coordinator/feed.ts";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import { LOGIN_FAILURES_MAX } from "../../../coordinator/rpc/limits.ts";
import { deviceUuid } from "../../../shared/kernel/ids.ts";
import type { RunView } from "../../../shared/run/views.ts";
import type { SeedRun } from "../../helpers/seed-store.ts";
import { createLog, createReadStore, type ReadStore, startHttp, TOKEN, waitUntil } from "./fixture.ts";

let store: ReadStore;
let log: ReturnType<typeof createLog>;
let server: HttpServer;

beforeEach(async () => {
  store = createReadStore();
  const acc = (value: number): SeedRun => ({ state: "succeeded", metrics: { acc: value } });
  store.seed.sweep({
    name: "a",
    runs: [acc(0.5), acc(0.9), { state: "failed", metrics: { acc: "NaN" } }],
    objective: { metric: "acc", goal: "maximize" },
  });
  store.seed.sweep({ name: "b", runs: [{ state: "running", params: '{"lr":1.0}' }, { state: "queued" }] });
  const device = { uuid: deviceUuid("GPU-0"), index: 0, kind: "gpu", model: "H100", memoryBytes: 80e9 } as const;
  store.seed.node("gpu-01", [{ ...device, health: "clean", reason: "", foreign: [] }]);
  log = createLog();
  server = await startHttp(store, log);
});
afterEach(async () => {
  await server.stop(1_000);
  store.close();
});

interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly text: string;
}

/** A request with full control of its headers, which fetch does not give. */
function ask(path: string, headers: { [name: string]: string } = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: server.port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

const authorization = `Bearer ${TOKEN}`;
const get = (path: string) => ask(path, { authorization });
const json = async (path: string) => JSON.parse((await get(path)).text);
const refsOf = (runs: RunView[]) => runs.map(({ ref }) => ref);

describe("who may ask", () => {
  test.each(["/api/v1/runs", "/api/v1/stream", "/api/v1/nothing", "/metrics"])("%s needs the token", async (path) => {
    for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: TOKEN }]) {
      const { status, text } = await ask(path, headers);
      expect(status).toBe(401);
      expect(JSON.parse(text).error).toMatchObject({ code: "unauthorized", message: expect.any(String) });
    }
    expect(log.lines.join()).not.toMatch(/wrong|correct-horse/);
  });

  test("after ten failures the answer is 429", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < LOGIN_FAILURES_MAX + 2; i++) statuses.push((await ask("/metrics")).status);
    expect(statuses.slice(LOGIN_FAILURES_MAX - 1)).toEqual([401, 429, 429]);
    expect((await get("/metrics")).status).toBe(200);
  });

  test("health is open and says nothing private", async () => {
    const { status, text } = await ask("/healthz");
    expect([status, JSON.parse(text)]).toEqual([200, { status: "ok", bus: "connected" }]);
  });
});

describe("Host and Origin", () => {
  test.each([
    ["127.0.0.1:7717", 200],
    ["localhost", 200],
    ["LOCALHOST:1", 200],
    ["[::1]:7717", 200],
    ["fleet.lab", 200],
    ["evil.test", 421],
    ["127.0.0.1.evil.test", 421],
    ["localhost.evil.test:80", 421],
    ["fleet.lab.", 421],
  ])("Host %j: %i", async (host, expected) => {
    for (const path of ["/healthz", "/", "/api/v1/runs"]) {
      const { status } = await ask(path, { host, authorization });
      expect(status).toBe(expected);
    }
  });

  test.each([
    ["two", "Host: localhost\r\nHost: evil.test\r\n"],
    ["two equal", "Host: localhost\r\nHost: localhost\r\n"],
    ["an empty", "Host: \r\n"],
    ["no", ""],
    ["a malformed", "Host: local host\r\n"],
  ])("%s Host header is refused", async (_, lines) => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = createConnection(server.port, "127.0.0.1").on("error", reject);
      socket.write(`GET /healthz HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`);
      let text = "";
      socket.on("data", (part) => {
        text += part;
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 4(?:00|21)/);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s: foreign pages 403, others 405", async (method) => {
    const host = `127.0.0.1:${server.port}`;
    for (const origin of ["http://evil.test", "null", "http://127.0.0.1:1"]) {
      const answer = await ask("/api/v1/runs", { host, origin, authorization }, method);
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
    const own = await ask("/api/v1/runs", { host, origin: `http://${host}`, authorization }, method);
    expect([own.status, own.headers.allow]).toEqual([405, "GET"]);
  });

  test("the live feed is not for other sites either", async () => {
    expect((await ask("/api/v1/stream", { origin: "http://evil.test", authorization })).status).toBe(403);
    expect((await ask("/api/v1/stream", { "sec-fetch-site": "cross-site", authorization })).status).toBe(403);
  });

  test("a large body is refused", async () => {
    expect((await ask("/api/v1/runs", { "content-length": "2000000", authorization }, "POST")).status).toBe(413);
  });
});

describe("runs", () => {
  test("newest first, in pages", async () => {
    const first = await get("/api/v1/runs?limit=3");
    expect(refsOf(JSON.parse(first.text))).toEqual(["b.1.2", "b.1.1", "a.1.3"]);
    const next = /<(.*)>; rel="next"/.exec(String(first.headers.link))?.[1] ?? "";
    const second = await get(next);
    expect(refsOf(JSON.parse(second.text))).toEqual(["a.1.2", "a.1.1"]);
    expect(second.headers.link).toBeUndefined();
  });

  test("by state; an empty list is a list", async () => {
    expect(refsOf(await json("/api/v1/runs?state=succeeded,queued"))).toEqual(["b.1.2", "a.1.2", "a.1.1"]);
    expect(await json("/api/v1/runs?state=held")).toEqual([]);
  });

  test("one, with the keys of the contract", async () => {
    const run: RunView = await json("/api/v1/runs/a.1.3");
    expect(Object.keys(run).join()).toBe(
      "id,ref,sweep,index,state,reason,params,priority,attempt,fence,node,devices,exitCode,createdAt,startedAt,finishedAt,metrics,prunedAt",
    );
    expect(run).toMatchObject({ state: "failed", exitCode: 3, metrics: { acc: "NaN" } });
    expect((await json(`/api/v1/runs/${run.id}`)).ref).toBe("a.1.3");
    expect((await json("/api/v1/runs/b.1.1")).params).toEqual({ lr: 1 });
  });

  test.each([
    ["/api/v1/runs/c.1.1", 404, "not_found"],
    ["/api/v1/runs/a.1.9", 404, "not_found"],
    ["/api/v1/runs/a.1", 400, "invalid"],
    ["/api/v1/runs/%2e%2e%2f", 400, "invalid"],
    ["/api/v1/runs?limit=0", 400, "invalid"],
    ["/api/v1/runs?limit=1001", 400, "invalid"],
    ["/api/v1/runs?state=done", 400, "invalid"],
    ["/api/v1/runs?stat=queued", 400, "invalid"],
    ["/api/v1/runs?limit=1&limit=2", 400, "invalid"],
    ["/api/v1/sweeps/a.1.1", 400, "invalid"],
    ["/api/v1/sweeps/b/best", 400, "invalid"],
    ["/api/v1/nothing", 404, "not_found"],
    ["/nothing", 404, "not_found"],
    ["/../package.json", 404, "not_found"],
  ])("%s: %i", async (path, status, code) => {
    const answer = await get(path);
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    expect(answer.headers["content-type"]).toContain("application/json");
  });

  test("logs are its bytes, metrics its points", async () => {
    const { fences } = store.seed.sweep({ name: "c", runs: [{ state: "running" }] });
    const [attempt] = fences;
    if (attempt === undefined) throw new Error("not seeded");
    expect((await get("/api/v1/runs/c.1.1/logs")).text).toBe("");
    expect(await json("/api/v1/runs/c.1.1/metrics")).toEqual([]);
    store.store(attempt, "output", "one\n<script>\n");
    store.store(
      attempt,
      "client",
      '{"e":"m","t":1,"s":0,"v":{"acc":NaN}}\n{"e":"m","t":2,"s":1,"v":{"acc":1,"b":2}}\n',
    );
    const logs = await get("/api/v1/runs/c.1.1/logs?tail=1");
    expect([logs.text, logs.headers["content-type"]]).toEqual(["<script>\n", "text/plain; charset=utf-8"]);
    expect(logs.headers["x-content-type-options"]).toBe("nosniff");
    expect(await json("/api/v1/runs/c.1.1/metrics?keys=acc")).toEqual([
      { key: "acc", value: "NaN", step: 0, at: 1 },
      { key: "acc", value: 1, step: 1, at: 2 },
    ]);
    expect((await get("/api/v1/runs/c.1.1/logs?attempt=9")).status).toBe(404);
  });
});

describe("sweeps, nodes, devices", () => {
  test("sweeps", async () => {
    const sweeps = await json("/api/v1/sweeps");
    expect(Object.keys(sweeps[0]).join()).toBe("ref,name,state,total,counts,reused,createdAt");
    expect(sweeps.map(({ ref }: { ref: string }) => ref)).toEqual(["b.1", "a.1"]);
    expect(await json("/api/v1/sweeps?after=b.1")).toMatchObject([{ ref: "a.1" }]);
    expect(await json("/api/v1/sweeps/a")).toMatchObject({ state: "failed", counts: { succeeded: 2, failed: 1 } });
  });

  test("runs of a sweep by position, in pages", async () => {
    const first = await get("/api/v1/sweeps/a.1/runs?limit=2");
    expect(refsOf(JSON.parse(first.text))).toEqual(["a.1.1", "a.1.2"]);
    const next = /<(.*)>/.exec(String(first.headers.link))?.[1] ?? "";
    expect(refsOf(await json(next))).toEqual(["a.1.3"]);
    expect(refsOf(await json("/api/v1/sweeps/a/runs?after=a.1.2&state=failed"))).toEqual(["a.1.3"]);
  });

  test("the leaderboard", async () => {
    expect(await json("/api/v1/sweeps/a/best")).toMatchObject({
      metric: "acc",
      goal: "maximize",
      rows: [
        { rank: 1, value: 0.9, run: { ref: "a.1.2" } },
        { rank: 2, value: 0.5, run: { ref: "a.1.1" } },
      ],
    });
    const { rows } = await json("/api/v1/sweeps/a/best?fold=1");
    expect(rows[0].params).not.toHaveProperty("seed");
    expect(rows.flatMap((row: { refs: string[] }) => row.refs).sort()).toEqual(["a.1.1", "a.1.2"]);
  });

  test("nodes and devices", async () => {
    const [node] = await json("/api/v1/nodes");
    expect(Object.keys(node).join()).toBe("name,state,labels,devices,seenAt,containerEngine");
    expect(Object.keys(node.devices[0]).join()).toBe("uuid,index,model,memoryBytes,state,run,foreign,runs,share,use");
    expect(node.devices[0].use).toMatchObject({ gpu: 0, utilizationPercent: null });
    expect(await json("/api/v1/devices")).toMatchObject([{ node: "gpu-01", uuid: "GPU-0", run: "b.1.1" }]);
  });
});

test("Prometheus' page", async () => {
  const { text, headers } = await get("/metrics");
  expect(headers["content-type"]).toContain("version=0.0.4");
  for (const line of [
    'expfleet_runs{state="succeeded"} 2',
    'expfleet_runs{state="held"} 0',
    'expfleet_nodes{state="unknown"} 1',
    'expfleet_devices{state="busy"} 1',
    "expfleet_bus_connected 1",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("the page and its files come with a strict policy, without the token", async () => {
  for (const [path, type] of [
    ["/", "text/html"],
    ["/runs/mnist.1.4", "text/html"],
    ["/app.js", "text/javascript"],
    ["/app.css", "text/css"],
  ]) {
    const { status, headers, text } = await ask(path ?? "");
    expect([status, headers["content-type"]]).toEqual([200, `${type}; charset=utf-8`]);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text.length).toBeGreaterThan(100);
    if (type === "text/html") expect(text).not.toMatch(/\son[a-z]+=|style=|https?:/);
  }
  for (const path of ["/old.js", "/wp-login.php", "/run/x"]) expect((await ask(path)).status).toBe(404);
});

test("the live feed: all at first, then what changed, at most four times a second, until the server stops", async () => {
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/stream`, {
    headers: { authorization },
    signal: abort.signal,
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events: { id: string; data: { nodes: boolean; runs: boolean; counts: object } }[] = [];
  let ended = false;
  const reading = (async () => {
    let text = "";
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      events.splice(0);
      for (const match of text.matchAll(/id: (.*)\ndata: (.*)\n\n/g)) {
        events.push({ id: match[1] ?? "", data: JSON.parse(match[2] ?? "") });
      }
    }
    ended = true;
  })();
  const show = () => JSON.stringify(events);
  await waitUntil(() => events.length === 1, show);
  expect(events[0]?.data).toMatchObject({ nodes: true, runs: true, counts: { queued: 1, running: 1 } });

  const started = performance.now();
  while (performance.now() - started < 1_000) {
    store.feed.publish(news({ nodes: true }));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await waitUntil(() => events.length >= 4, show);
  expect(events.length).toBeLessThanOrEqual(6);
  expect(events[1]?.data).toMatchObject({ nodes: true, runs: false });
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);

  await server.stop(1_000);
  await reading;
  expect(ended).toBe(true);
});

test("idle connections do not keep others out", async () => {
  const sockets = Array.from({ length: 500 }, () => createConnection(server.port, "127.0.0.1"));
  try {
    for (const socket of sockets) socket.on("error", () => {}).write("GET / HTTP/1.1\r\nHost: localhost\r\nX-");
    expect((await ask("/healthz")).status).toBe(200);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test("a taken port is one clear line", async () => {
  await expect(startHttp(store, log, store.deps(), server.port)).rejects.toMatchObject({
    code: "conflict",
    id: "net.port-taken",
  });
});
