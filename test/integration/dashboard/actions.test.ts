/** Actions over real HTTP, on a real store and engine: what they do, and what is refused before anything is done. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import type { ApplyAnswer, PlanAnswer, SubmitAnswer } from "../../../shared/run/action-answers.ts";
import type { RunDetail } from "../../../shared/run/dashboard.ts";
import { createReadStore, type ReadStore, startHttp, TOKEN } from "../coordinator-read/fixture.ts";
import { act, ask } from "./http-client.ts";

let store: ReadStore;
let server: HttpServer;

beforeEach(async () => {
  store = createReadStore();
  store.seed.sweep({
    name: "a",
    runs: [{ state: "queued" }, { state: "queued" }, { state: "failed" }, { state: "held", reason: "paused" }],
  });
  store.seed.node("gpu-01", []);
  server = await startHttp(store);
});
afterEach(async () => {
  await server.stop(1_000);
  store.close();
});

const send = (name: string, body: unknown, headers = {}) => act(server.port, name, body, headers);
const stateOf = async (ref: string) => (await ask(server.port, `/runs/${ref}`)).json.state as string;
const detailOf = async (ref: string) => (await ask(server.port, `/runs/${ref}/detail`)).json as RunDetail;
const FILE = 'name = "new"\nrun.command = "python t.py ${args}"\n[grid]\nlr = [0.1, 0.2, 0.3]\n';
const source = { text: FILE, directory: "/data/work" };

describe("runs", () => {
  test("cancel, retry", async () => {
    expect((await send("cancel", { refs: ["a.1.1"] })).json).toEqual({ message: "1 run cancelled" });
    expect(await stateOf("a.1.1")).toBe("cancelled");
    const both = await send("retry", { refs: ["a.1.1", "a.1.3"] });
    expect(both.json).toEqual({ message: "2 runs back in the queue" });
    expect([await stateOf("a.1.1"), await stateOf("a.1.3")]).toEqual(["queued", "queued"]);
    expect((await send("cancel", { refs: ["a.1.1-2", "a.1.3"] })).json.message).toBe("3 runs cancelled");
    expect((await send("cancel", { refs: ["a.1.1"] })).json.message).toBe("1 run over before");
  });

  test("pause, resume, priority", async () => {
    expect((await send("pause", { refs: ["a.1.1"] })).json.message).toBe("1 run held");
    expect(await stateOf("a.1.1")).toBe("held");
    expect((await send("resume", { refs: ["a.1.1", "a.1.4"] })).json.message).toBe("2 runs back in the queue");
    expect((await send("priority", { refs: ["a.1.2"], priority: 7 })).json.message).toBe("1 run at priority 7");
    expect((await ask(server.port, "/queue")).json.rows[0]).toMatchObject({ ref: "a.1.2", priority: 7 });
  });

  test("tags, note and mark: what is given is replaced, the rest stays", async () => {
    expect((await send("annotate", { ref: "a.1.1", tags: ["good", "good", "论文"], note: "<b>look</b>" })).status).toBe(
      200,
    );
    await send("annotate", { ref: "a.1.1", favourite: true });
    const annotated = { tags: ["good", "论文"], ownTags: ["good", "论文"], note: "<b>look</b>", favourite: true };
    expect(await detailOf("a.1.1")).toMatchObject(annotated);
    await send("annotate", { ref: "a.1.1", tags: [] });
    expect(await detailOf("a.1.1")).toMatchObject({ ...annotated, tags: [], ownTags: [] });
    const table = await ask(server.port, "/tables/runs?columns=ref,note,tag&sort=note&limit=1");
    expect(table.json.cells).toEqual([["a.1.1"], ["<b>look</b>"], [null]]);
  });
});

test("nodes", async () => {
  expect((await send("node", { name: "gpu-01", action: "cordon" })).json.message).toBe("gpu-01 takes no new runs");
  expect(store.db.prepare("SELECT cordoned FROM nodes").get()).toEqual({ cordoned: 1 });
  await send("node", { name: "gpu-01", action: "uncordon" });
  expect(store.db.prepare("SELECT cordoned FROM nodes").get()).toEqual({ cordoned: 0 });
  expect((await send("node", { name: "gpu-1", action: "drain" })).status).toBe(404);
});

describe("sweep files", () => {
  test("plan says what submit does", async () => {
    const plan = (await send("plan", { source, show: 2 })).json as PlanAnswer;
    expect(plan).toMatchObject({
      message: "new: 3 runs, 3 new, 0 reused",
      total: 3,
      new: 3,
      reused: 0,
      axes: [{ key: "lr", size: 3 }],
      warnings: [],
    });
    expect(plan).toMatchObject({ steps: ["grid"], order: "listed", shuffleSeed: 0 });
    expect(plan.points).toHaveLength(2);
    expect(plan.points[0]).toMatchObject({ index: 1, params: { lr: 0.1 }, reusedFrom: null });
    expect(plan.points[0]?.command.join(" ")).toContain("python t.py --lr 0.1");
    expect((await ask(server.port, "/sweeps/new")).status).toBe(404);

    const made = (await send("submit", { source, priority: 3 })).json as SubmitAnswer;
    expect(made).toMatchObject({ sweep: "new.1", total: 3, new: 3, message: "new.1: 3 runs, 3 new, 0 reused" });
    expect((await ask(server.port, "/runs/new.1.1")).json).toMatchObject({ state: "queued", priority: 3 });
    expect(await detailOf("new.1.1")).toMatchObject({ cwd: "/data/work", differing: ["lr"] });
  });

  test("apply says what is different, and does it", async () => {
    await send("submit", { source });
    const edited = { ...source, text: FILE.replace("0.3", "0.4") };
    const before = (await send("apply", { source: edited, dryRun: true })).json as ApplyAnswer;
    expect(before).toMatchObject({ sweep: "new.1", added: 1, withdrawn: 1, unchanged: 2, addedParams: [{ lr: 0.4 }] });
    expect(before.message).toContain("nothing is changed yet");
    expect((await ask(server.port, "/sweeps/new/detail")).json.strip).toBe("qqq");
    await send("apply", { source: edited, sweep: "new.1" });
    const shown = await ask(server.port, "/tables/runs?sweep=new&columns=state,param:lr");
    expect(shown.json.cells).toEqual([
      ["queued", "queued", "cancelled", "queued"],
      [0.1, 0.2, 0.3, 0.4],
    ]);
    expect((await ask(server.port, "/sweeps/new/detail")).json.axes[0].values).toEqual([0.1, 0.2, 0.3, 0.4]);
  });

  test("a mistake is said with its place", async () => {
    const { status, json } = await send("submit", { source: { ...source, text: `${FILE}nmae = 1\n` } });
    expect([status, json.error.code]).toEqual([400, "invalid"]);
    expect(json.error.message).toContain("nmae");
    expect(json.error.place).toMatchObject({ file: "sweep.toml", line: 5 });
  });

  test("a file may have eight megabytes, and no more", async () => {
    const padded = (bytes: number) => ({ ...source, text: `${FILE}#${" ".repeat(bytes - FILE.length - 1)}` });
    const limit = 8 * 1024 * 1024;
    expect((await send("plan", { source: padded(limit), show: 0 })).status).toBe(200);
    expect((await send("plan", { source: padded(limit + 1), show: 0 })).status).toBe(400);
    expect((await send("plan", { source: padded(limit + 1024 * 1024), show: 0 })).status).toBe(413);
  });
});

describe("the same request again", () => {
  test("an Idempotency-Key makes it once, also where both are on their way", async () => {
    const key = { "idempotency-key": "4b1f9a52-7d0e-4b8e-9a5b-0c8a3d1e2f40" };
    const [one, two] = await Promise.all([send("submit", { source }, key), send("submit", { source }, key)]);
    expect(one.json).toEqual(two.json);
    expect((await send("submit", { source }, key)).json).toEqual(one.json);
    expect((await send("submit", { source })).json.sweep).toBe("new.2");
    const other = await send("submit", { source, force: true }, key);
    expect([other.status, other.json.error.id]).toEqual([409, "http.key"]);
  });

  test("what was refused may be tried again", async () => {
    const key = { "idempotency-key": "k" };
    expect((await send("cancel", { refs: ["b.1"] }, key)).status).toBe(404);
    store.seed.sweep({ name: "b", runs: [{ state: "queued" }] });
    expect((await send("cancel", { refs: ["b.1"] }, key)).status).toBe(200);
  });

  test.each(["a b", "x".repeat(201), "ü"])("%j is no key", async (key) => {
    const headers = { "idempotency-key": Buffer.from(key).toString("latin1") };
    expect((await send("cancel", { refs: ["a.1.1"] }, headers)).status).toBe(400);
    expect(await stateOf("a.1.1")).toBe("queued");
  });
});

describe("what is no action of ours is refused, and nothing is done", () => {
  test.each<[string, unknown, string]>([
    ["no JSON", "{", "the body is not JSON"],
    ["nothing", "", "the body is not JSON"],
    ["a list", [], "expected object"],
    ["no reference", { refs: [] }, "refs"],
    ["a number", { refs: [1] }, "refs.0"],
    ["a further field", { refs: ["a.1.1"], force: true }, "force"],
    ["a long reference", { refs: ["x".repeat(301)] }, "refs.0"],
    ["too many", { refs: Array.from({ length: 10_001 }, () => "a") }, "refs"],
    ["a hostile name", '{"refs":["a.1.1"],"__proto__":{"x":1}}', "__proto__"],
  ])("%s", async (_, body, said) => {
    const { status, json } = await send("cancel", body);
    expect([status, json.error.id]).toEqual([400, "http.body"]);
    expect(json.error.message).toContain(said);
    expect(await stateOf("a.1.1")).toBe("queued");
  });

  test.each<[string, unknown]>([
    ["priority", { refs: ["a.1.1"], priority: 1.5 }],
    ["priority", { refs: ["a.1.1"], priority: 1_000_001 }],
    ["annotate", { ref: "a.1.1" }],
    ["annotate", { ref: "a.1", tags: [] }],
    ["annotate", { ref: "a.1.1", tags: ["a b"] }],
    ["annotate", { ref: "a.1.1", note: "x".repeat(20_001) }],
    ["node", { name: "gpu-01", action: "explode" }],
    ["plan", { source: { text: FILE, directory: "relative" } }],
    ["submit", { source: { text: FILE } }],
  ])("%s %j", async (name, body) => {
    expect((await send(name, body)).status).toBe(400);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])(
    "Content-Type %j",
    async (type) => {
      const headers = type === "" ? {} : { "content-type": type };
      const body = { refs: ["a.1.1"] };
      expect((await ask(server.port, "/actions/cancel", { method: "POST", headers, body })).status).toBe(415);
      expect(await stateOf("a.1.1")).toBe("queued");
    },
  );

  test("Host, Origin, other sites, no token", async () => {
    const body = { refs: ["a.1.1"] };
    for (const [headers, status] of [
      [{ host: "evil.test" }, 421],
      [{ origin: "http://evil.test" }, 403],
      [{ origin: "null" }, 403],
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ authorization: "Bearer wrong" }, 401],
    ] as const) {
      expect([headers, (await send("cancel", body, headers)).status]).toEqual([headers, status]);
    }
    expect(await stateOf("a.1.1")).toBe("queued");
    const host = `127.0.0.1:${server.port}`;
    expect(
      (await send("cancel", body, { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" })).status,
    ).toBe(200);
  });

  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])("%s is not how it is done", async (method) => {
    const { status, headers } = await ask(server.port, "/actions/cancel", { method });
    expect([status, headers.allow]).toEqual([405, "POST"]);
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test("an action that there is not", async () => {
    expect((await send("explode", {})).status).toBe(404);
  });

  test("a body without a length is cut off at its limit", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1").on("error", reject);
      socket.setEncoding("utf8").once("data", (text: string) => {
        resolve(text);
        socket.destroy();
      });
      const head = `POST /api/v1/actions/cancel HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;
      socket.write(`${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const part = "x".repeat(64 * 1024);
      for (let i = 0; i < 32; i++) socket.write(`10000\r\n${part}\r\n`);
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });
});
