import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { news } from "../../../coordinator/feed.ts";
import type { RpcServer } from "../../../coordinator/rpc/server.ts";
import type {
  ControlServiceClient,
  LogsResponse,
  MetricsResponse,
  WatchResponse,
} from "../../../proto/gen/runner/v1/control.ts";
import { type Fence, fence } from "../../../shared/kernel/ids.ts";
import type { SeedRun } from "../../helpers/seed-store.ts";
import { bearer, collect, connect, createReadStore, failure, type ReadStore, startRpc, waitUntil } from "./fixture.ts";

let store: ReadStore;
let server: RpcServer;
let client: ControlServiceClient;

/** Starts the server on what was seeded. */
async function start(): Promise<void> {
  server = await startRpc(store.deps());
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

describe("logs", () => {
  const read = (request: Partial<Parameters<ControlServiceClient["logs"]>[0]>) =>
    client.logs({ ref: "a.1.1", follow: false, attempt: 0, rank: 0, offset: 0, tailLines: 0, ...request }, bearer());
  const text = (messages: LogsResponse[]) => Buffer.concat(messages.map(({ data }) => data)).toString("latin1");

  function seedRun(run: SeedRun): Fence {
    return store.seed.sweep({ name: "a", runs: [run] }).fences[0] ?? fence(0);
  }

  test("byte for byte, whatever the bytes are", async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256));
    const attempt = seedRun({ state: "succeeded", stored: { output: bytes.length } });
    store.store(attempt, "output", bytes);
    await start();
    const messages = await collect(read({}));
    expect(Buffer.concat(messages.map(({ data }) => data)).equals(bytes)).toBe(true);
    expect(messages.map(({ incomplete }) => incomplete).join("")).toBe("");
    const rest = await collect(read({ offset: 299_990 }));
    expect(Buffer.concat(rest.map(({ data }) => data)).equals(bytes.subarray(299_990))).toBe(true);
  });

  test.each([
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\n\n\n", 2, "\n\n"],
    ["a\nb\n", 9, "a\nb\n"],
    ["", 3, ""],
    [`${"x".repeat(70_000)}\n${"y".repeat(70_000)}\nz\n`, 2, `${"y".repeat(70_000)}\nz\n`],
  ])("the last lines (case %#)", async (content, lines, expected) => {
    const attempt = seedRun({ state: "succeeded", stored: { output: content.length } });
    store.store(attempt, "output", content);
    await start();
    expect(text(await collect(read({ tailLines: lines })))).toBe(expected);
    expect(text(await collect(read({ offset: -lines })))).toBe(expected);
  });

  test("only what is vouched for is shown, and what is missing is said", async () => {
    const attempt = seedRun({ state: "succeeded", sealed: false, stored: { output: 10 } });
    store.store(attempt, "output", "0123456789");
    store.seed.commit(attempt, "output", 4);
    await start();
    const messages = await collect(read({}));
    expect(text(messages)).toBe("0123");
    expect(messages.at(-1)?.incomplete).toBe("6 of 10 bytes are still on their way");
  });

  test("following: a queued run, its growing output, a retry, the end", async () => {
    const { runIds } = store.seed.sweep({ name: "a", runs: queued(1) });
    const [id] = runIds;
    if (!id) throw new Error("not seeded");
    await start();
    const messages: LogsResponse[] = [];
    const ended = read({ follow: true }).on("data", (message: LogsResponse) => messages.push(message));
    const closed = new Promise((resolve, reject) => ended.on("end", resolve).on("error", reject));
    const seen = () => text(messages);
    const tell = (attempt?: Fence) =>
      store.feed.publish(news({ runs: new Set([id]), outputs: new Set(attempt ? [attempt] : []) }));

    const first = store.seed.attempt(id, 1, { state: "running" });
    store.seed.setState(id, "running");
    tell();
    store.store(first, "output", "one\n");
    tell(first);
    await waitUntil(() => seen() === "one\n", seen);
    store.store(first, "output", "one\ntwo\n");
    tell(first);
    await waitUntil(() => seen() === "one\ntwo\n", seen);
    store.seed.endAttempt(first, { kind: "failed", exitCode: 1 }, { output: 8 }, true);
    store.seed.setState(id, "queued");
    tell(first);

    const second = store.seed.attempt(id, 2, { state: "running" });
    store.seed.setState(id, "running");
    store.store(second, "output", "again\n");
    tell(second);
    await waitUntil(() => seen() === "one\ntwo\nagain\n", seen);
    store.seed.endAttempt(second, { kind: "succeeded" }, { output: 11 }, false);
    store.seed.setState(id, "succeeded");
    tell(second);
    store.store(second, "output", "again\nlast\n");
    store.seed.endAttempt(second, { kind: "succeeded" }, { output: 11 }, true);
    tell(second);
    await closed;
    expect(seen()).toBe("one\ntwo\nagain\nlast\n");
    expect(messages.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 2]);
  });

  test("a follower that leaves is forgotten", async () => {
    const attempt = seedRun({ state: "running" });
    await start();
    let listeners = 0;
    const subscribe = store.feed.subscribe.bind(store.feed);
    store.feed.subscribe = (listener) => {
      listeners += 1;
      const unsubscribe = subscribe(listener);
      return () => {
        listeners -= 1;
        return unsubscribe();
      };
    };
    const stream = read({ follow: true }).on("error", () => {});
    store.store(attempt, "output", "x");
    await waitUntil(
      () => listeners === 1,
      () => `${listeners} listeners`,
    );
    stream.cancel();
    await waitUntil(
      () => listeners === 0,
      () => `${listeners} listeners`,
    );
  });

  test("a reader that does not read holds nothing in memory", async () => {
    const size = 64 * 1024 * 1024;
    const attempt = seedRun({ state: "succeeded", stored: { output: size } });
    store.store(attempt, "output", Buffer.alloc(size, "x"));
    await start();
    const before = bytesReadByProcess();
    const stream = read({});
    // It must have begun: before the first read the client library takes in what comes.
    let received = await new Promise<number>((resolve) => {
      stream.once("data", ({ data }: LogsResponse) => {
        stream.pause();
        resolve(data.length);
      });
    });
    // What is not taken is not read from the disk either; memory itself is the garbage collector's to say.
    let taken = 0;
    let still = 0;
    await waitUntil(
      () => {
        const now = bytesReadByProcess() - before;
        still = now - taken < 64 * 1024 && now > 64 * 1024 ? still + 1 : 0;
        taken = now;
        return still >= 10;
      },
      () => `${taken} bytes read, still for ${still} looks`,
    );
    expect(taken).toBeLessThan(size / 2);
    for await (const { data } of stream as AsyncIterable<LogsResponse>) received += data.length;
    expect(received).toBe(size);
  });

  test("an attempt that is not there is refused; a run without output ends", async () => {
    seedRun({ state: "cancelled" });
    store.seed.sweep({ name: "q", runs: queued(1) });
    await start();
    expect(await failure(collect(read({ attempt: 7 })))).toMatchObject({ code: "not_found", id: "run.no-attempt" });
    expect(await collect(read({ ref: "q" }))).toEqual([]);
  });

  test("a reused run shows the output of the run it stands for", async () => {
    const { runIds, fences } = store.seed.sweep({ name: "o", runs: [{ state: "succeeded", stored: { output: 3 } }] });
    if (runIds[0] && fences[0]) {
      store.store(fences[0], "output", "old");
      store.seed.sweep({ name: "a", runs: [{ state: "succeeded", reusedFrom: runIds[0] }] });
    }
    await start();
    expect(text(await collect(read({})))).toBe("old");
  });
});

test("metrics: every point, in order, with what JSON cannot say", async () => {
  const lines = [
    '{"e":"m","t":1.5,"s":0,"v":{"loss":1,"acc":0.1}}',
    "not json",
    `{"e":"m","v":{"big":1},"pad":"${"x".repeat(100_000)}"}`,
    '{"e":"m","t":2.5,"s":1,"v":{"loss":NaN,"name":"text"}}',
    '{"e":"m","v":{"loss":0.5}}',
    '{"e":"u","v":{"loss":9}}',
  ];
  const content = `${lines.join("\n")}\n{"e":"m","v":{"loss":7}}`;
  const { fences } = store.seed.sweep({ name: "a", runs: [{ state: "running" }] });
  if (fences[0]) store.store(fences[0], "client", content);
  await start();
  const read = async (keys: string[]) =>
    (await collect<MetricsResponse>(client.metrics({ ref: "a", keys }, bearer()))).flatMap(({ points }) => points);
  expect(await read([])).toEqual([
    { key: "loss", value: 1, step: 0, at: 1.5 },
    { key: "acc", value: 0.1, step: 0, at: 1.5 },
    { key: "loss", value: Number.NaN, step: 1, at: 2.5 },
    { key: "loss", value: 0.5, step: 2, at: 0 },
  ]);
  expect(await read(["acc"])).toHaveLength(1);
});

test("watch: at once, at each change, and done when all output is stored", async () => {
  const { id, runIds, fences } = store.seed.sweep({
    name: "a",
    runs: [{ state: "running", metrics: { acc: 0.7 } }, { state: "failed" }],
    objective: { metric: "acc", goal: "maximize" },
  });
  const [run] = runIds;
  const [attempt] = fences;
  if (!run || !attempt) throw new Error("not seeded");
  await start();
  const seen: WatchResponse[] = [];
  const stream = client.watch({ refs: ["a"] }, bearer()).on("data", (message: WatchResponse) => seen.push(message));
  const closed = new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  const last = () => JSON.stringify(seen.at(-1));
  await waitUntil(() => seen.length === 1, last);
  expect(seen[0]).toMatchObject({ total: 2, counts: { running: 1, failed: 1 }, done: false, bestRef: "" });

  store.seed.setState(run, "succeeded");
  store.seed.endAttempt(attempt, { kind: "succeeded" }, { output: 1 }, false);
  store.feed.publish(news({ sweeps: new Set([id]) }));
  await waitUntil(() => seen.length === 2, last);
  expect(seen[1]).toMatchObject({ catchingUp: 1, done: false, bestRef: "a.1.1", bestValue: 0.7, bestMetric: "acc" });

  store.seed.endAttempt(attempt, { kind: "succeeded" }, { output: 1 }, true);
  store.feed.publish(news({ sweeps: new Set([id]) }));
  await closed;
  expect(seen.at(-1)).toMatchObject({ counts: { succeeded: 1, failed: 1 }, catchingUp: 0, done: true });
});

/** All that this process has read so far by system calls, from files and sockets. */
function bytesReadByProcess(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}
