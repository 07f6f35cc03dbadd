/** The live feed over real HTTP: topics, coming back, slow readers, and memory that stays flat. */
import { type IncomingMessage, request } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { news } from "../../../coordinator/feed.ts";
import { createLiveFeed } from "../../../coordinator/http/live.ts";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import type { Fence, RunId } from "../../../shared/kernel/ids.ts";
import type { LiveNews } from "../../../shared/run/dashboard.ts";
import { createReadStore, type ReadStore, startHttp, TOKEN, waitUntil } from "../coordinator-read/fixture.ts";
import { ask } from "./http-client.ts";

let store: ReadStore;
let server: HttpServer;
let runs: readonly RunId[];
let fences: readonly (Fence | undefined)[];
const open: IncomingMessage[] = [];

beforeEach(async () => {
  store = createReadStore();
  const made = store.seed.sweep({
    name: "a",
    runs: [{ state: "running" }, { state: "succeeded" }, { state: "queued" }],
  });
  runs = made.runIds;
  fences = made.fences;
  server = await startHttp(store);
});
afterEach(async () => {
  for (const response of open.splice(0)) response.destroy();
  await server.stop(1_000);
  store.close();
});

interface Reader {
  readonly status: number;
  readonly events: { readonly id: string; readonly data: LiveNews }[];
  close(): void;
}

/** `reads`: false for a reader who takes nothing from its socket. */
function follow(query = "", lastEventId?: string, reads = true): Promise<Reader> {
  const headers = { authorization: `Bearer ${TOKEN}`, ...(lastEventId && { "last-event-id": lastEventId }) };
  return new Promise((resolve, reject) => {
    const path = `/api/v1/stream${query}`;
    const sent = request({ host: "127.0.0.1", port: server.port, path, headers, agent: false }, (response) => {
      open.push(response);
      const events: Reader["events"] = [];
      let text = "";
      response.setEncoding("utf8");
      if (reads) {
        response.on("data", (part: string) => {
          const blocks = (text + part).split("\n\n");
          text = blocks.pop() ?? "";
          for (const block of blocks) {
            const match = /^event: fleet\nid: (.*)\ndata: (.*)$/.exec(block);
            if (match) events.push({ id: match[1] ?? "", data: JSON.parse(match[2] ?? "") });
          }
        });
      }
      response.on("error", () => {});
      resolve({ status: response.statusCode ?? 0, events, close: () => response.destroy() });
    });
    sent.on("error", reject);
    sent.end();
  });
}

const shown = (reader: Reader) => () => JSON.stringify(reader.events);
const until = (reader: Reader, count: number) => waitUntil(() => reader.events.length >= count, shown(reader));
const topicsOf = (reader: Reader) => reader.events.map(({ data }) => data.topics.join(" "));
const changed = (id: RunId | undefined) => news({ runs: new Set(id ? [id] : []) });

describe("topics", () => {
  test("only what was asked for: all at first, then what changed", async () => {
    const reader = await follow("?topics=run:a.1.1,run:a.1.2");
    await until(reader, 1);
    store.feed.publish(changed(runs[1]));
    await until(reader, 2);
    store.feed.publish(news({ nodes: true }));
    store.feed.publish(changed(runs[2]));
    store.feed.publish(news({ outputs: new Set([fences[0] as Fence]) }));
    await until(reader, 3);
    expect(topicsOf(reader)).toEqual(["run:a.1.1 run:a.1.2", "run:a.1.2", "run:a.1.1"]);
    expect(reader.events[0]?.data).toMatchObject({ nodes: false, runs: false, counts: { running: 1, queued: 1 } });
  });

  test("output of a run that is over is news of it", async () => {
    const reader = await follow("?topics=run:a.1.2");
    await until(reader, 1);
    store.feed.publish(news({ outputs: new Set([fences[1] as Fence]) }));
    await until(reader, 2);
    expect(topicsOf(reader)[1]).toBe("run:a.1.2");
  });

  test.each([
    ["?topics=colours", 400],
    ["?topics=run:b.1.1", 404],
    ["?topics=run:a", 400],
    ["?topic=nodes", 400],
    ["?topics=", 400],
  ])("%s: %i", async (query, status) => {
    expect((await ask(server.port, `/stream${query}`)).status).toBe(status);
  });
});

describe("who comes back", () => {
  test("is told what changed since, while others kept listening", async () => {
    const other = await follow();
    const reader = await follow();
    await Promise.all([until(reader, 1), until(other, 1)]);
    store.feed.publish(news({ nodes: true }));
    await Promise.all([until(reader, 2), until(other, 2)]);
    const seen = reader.events.at(-1)?.id;
    reader.close();
    store.feed.publish(changed(runs[0]));
    await until(other, 3);
    const again = await follow("", seen);
    await until(again, 1);
    expect(topicsOf(again)).toEqual(["runs"]);
    const upToDate = await follow("", again.events[0]?.id);
    await until(upToDate, 1);
    expect(topicsOf(upToDate)).toEqual([""]);
  });

  test.each(["0.5", "9.1", "1.99999", "nonsense", "1"])("with the id %j of another time: everything", async (id) => {
    const reader = await follow("", id);
    await until(reader, 1);
    expect(topicsOf(reader)).toEqual(["nodes runs"]);
  });

  test("when nobody listened for a moment: what changed since", async () => {
    const reader = await follow();
    await until(reader, 1);
    const seen = reader.events[0]?.id;
    reader.close();
    store.feed.publish(changed(runs[0]));
    const again = await follow("?topics=nodes,run:a.1.1,run:a.1.2", seen);
    await waitUntil(() => topicsOf(again).join(" ").trim() !== "", shown(again));
    expect(topicsOf(again).join(" ").trim()).toBe("run:a.1.1");
  });

  test("when nobody listened for long: everything", async () => {
    const before = store.feed.listenerCount;
    const live = createLiveFeed(store.deps(), 10);
    const topics = { nodes: true, runs: true, each: new Map() };
    const first = async (id?: string) => {
      const events = live.events(topics, id, new AbortController().signal);
      await events.next();
      const text = Buffer.from((await events.next()).value ?? []).toString();
      await events.return(undefined);
      const [, next = "", data = "{}"] = /id: (.*)\ndata: (.*)/.exec(text) ?? [];
      return { next, topics: (JSON.parse(data) as LiveNews).topics };
    };
    const { next } = await first();
    expect((await first(next)).topics).toEqual([]);
    await waitUntil(
      () => store.feed.listenerCount === before,
      () => String(store.feed.listenerCount),
    );
    expect((await first(next)).topics).toEqual(["nodes", "runs"]);
  });
});

test("ten readers, one of them asleep, and very many changes: four events a second, and memory stays flat", async () => {
  const readers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => follow("?topics=nodes,runs,run:a.1.1", undefined, i > 0)),
  );
  await Promise.all(readers.slice(1).map((reader) => until(reader, 1)));
  async function storm(ms: number): Promise<number> {
    const started = performance.now();
    let published = 0;
    while (performance.now() - started < ms) {
      for (let i = 0; i < 200; i++) {
        const id = `run_${String(published++).padStart(26, "0")}` as RunId;
        store.feed.publish(
          news({ runs: new Set([id, runs[0] as RunId]), nodes: true, outputs: new Set([published as Fence]) }),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return published;
  }
  const collect = garbageCollector();
  await storm(1_000);
  for (const reader of readers) reader.events.length = 0;
  collect();
  const before = process.memoryUsage().heapUsed;
  const published = await storm(3_000);
  collect();
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6;
  expect(published).toBeGreaterThan(20_000);
  for (const reader of readers.slice(1)) {
    expect(reader.events.length).toBeGreaterThan(4);
    expect(reader.events.length).toBeLessThanOrEqual(13);
  }
  expect(grownMb).toBeLessThan(10);
}, 30_000);

test("a token has so many feeds and no more; logs are read beside them", async () => {
  const readers = await Promise.all(Array.from({ length: 128 }, () => follow()));
  expect(new Set(readers.map(({ status }) => status))).toEqual(new Set([200]));
  const more = await ask(server.port, "/stream");
  expect([more.status, more.json.error.id]).toEqual([429, "http.feeds"]);
  expect((await ask(server.port, "/runs/a.1.1/logs")).status).toBe(200);
  readers[0]?.close();
  const end = performance.now() + 5_000;
  let status = 0;
  while (status !== 200 && performance.now() < end) {
    const next = await follow();
    status = next.status;
    if (status !== 200) next.close();
  }
  expect(status).toBe(200);
});

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
