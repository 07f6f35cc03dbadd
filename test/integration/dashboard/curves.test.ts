/** Curves over real HTTP, read by the reading thread from a real store. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import type { RunTable, SeriesAnswer } from "../../../shared/run/dashboard.ts";
import { createReadStore, type ReadStore, startHttp } from "../coordinator-read/fixture.ts";
import { ask } from "./http-client.ts";

let store: ReadStore;
let server: HttpServer;

beforeEach(async () => {
  store = createReadStore();
  store.seed.sweep({ name: "bert", runs: [{ state: "running" }, { state: "queued" }] });
  server = await startHttp(store);
});
afterEach(async () => {
  await server.stop(1_000);
  store.close();
});

const line = (step: number, values: object) =>
  `${JSON.stringify({ e: "m", t: 1_700_000_002 + step, s: step, v: values })}\n`;

async function series(ref: string, query: { [key: string]: string } = {}): Promise<SeriesAnswer> {
  const { status, json } = await ask(server.port, `/runs/${ref}/series?${new URLSearchParams(query)}`);
  expect(status).toBe(200);
  return json as SeriesAnswer;
}

function seed(text: string, name = "curve"): { ref: string; grow(more: string): void } {
  const { fences, ref } = store.seed.sweep({ name, runs: [{ state: "running" }] });
  const [fence] = fences;
  if (fence === undefined) throw new Error("not seeded");
  let all = text;
  store.store(fence, "client", all);
  return {
    ref: `${ref}.1`,
    grow(more) {
      all += more;
      store.store(fence, "client", all);
    },
  };
}

test("a point that says no time has no place on an axis of time", async () => {
  const { ref } = seed(`${JSON.stringify({ e: "m", s: 0, v: { loss: 9 } })}\n${line(1, { loss: 8 })}`, "timeless");
  expect((await series(ref, { keys: "loss" })).series[0]?.xs).toEqual([0, 1]);
  expect((await series(ref, { keys: "loss", x: "time" })).series[0]).toMatchObject({ xs: [1000], ys: [8] });
  expect((await series(ref, { keys: "loss", x: "wall" })).series[0]).toMatchObject({ xs: [1_700_000_003_000] });
});

test("all points where they are few; by step, by time, by another metric; in a range", async () => {
  const { ref } = seed(
    [0, 1, 2, 3]
      .map((i) => line(i, { loss: i === 2 ? Number.NaN : 4 - i, epoch: i / 2 }))
      .join("")
      .replace("null", "NaN"),
  );
  expect(await series(ref, { keys: "loss" })).toEqual({
    x: "step",
    series: [{ key: "loss", points: 4, exact: true, xs: [0, 1, 2, 3], ys: [4, 3, null, 1] }],
  });
  expect((await series(ref)).series.map(({ key }) => key)).toEqual(["loss", "epoch"]);
  expect((await series(ref, { keys: "loss", x: "time" })).series[0]?.xs).toEqual([0, 1000, 2000, 3000]);
  expect((await series(ref, { keys: "loss", x: "wall" })).series[0]?.xs).toEqual(
    [2, 3, 4, 5].map((second) => 1_700_000_000_000 + second * 1_000),
  );
  expect((await series(ref, { keys: "loss", x: "epoch" })).series[0]?.xs).toEqual([0, 0.5, 1, 1.5]);
  expect((await series(ref, { keys: "loss", from: "1", to: "2" })).series[0]).toMatchObject({
    points: 2,
    xs: [1, 2],
  });
  expect((await series(ref, { keys: "none" })).series[0]).toEqual({
    key: "none",
    points: 0,
    exact: true,
    xs: [],
    ys: [],
  });
  expect((await ask(server.port, `/runs/${ref}/series?attempt=2`)).status).toBe(404);
  expect((await ask(server.port, `/runs/${ref}/series?width=1`)).status).toBe(400);
  expect((await series("bert.1.2", { keys: "a" })).series[0]?.points).toBe(0);
});

test("where the output was at a point", async () => {
  const { ref } = seed([0, 1, 2, 3].map((i) => line(i * 10, { loss: 4 - i, epoch: i / 2 })).join(""));
  const place = async (query: { [key: string]: string }) =>
    (await ask(server.port, `/runs/${ref}/place?${new URLSearchParams(query)}`)).json;
  expect(await place({ value: "5000" })).toEqual({ ms: 5_000, offset: null });
  const { fence } = store.db.prepare("SELECT max(fence) AS fence FROM attempts").get() as { fence: number };
  const note = store.db.prepare("INSERT INTO output_times (fence, at, bytes) VALUES (?, ?, ?)");
  note.run(fence, 1_700_000_002_000, 100);
  note.run(fence, 1_700_000_020_000, 7_000);
  expect(await place({ value: "17999" })).toEqual({ ms: 17_999, offset: 100 });
  expect(await place({ key: "loss", x: "step", value: "19" })).toEqual({ ms: 20_000, offset: 7_000 });
  expect(await place({ key: "loss", x: "time", value: "9000" })).toEqual({ ms: 10_000, offset: 100 });
  expect(await place({ key: "loss", x: "epoch", value: "-3" })).toEqual({ ms: 0, offset: 100 });
  expect(await place({ key: "none", x: "step", value: "1" })).toEqual({ ms: null, offset: null });
  expect((await ask(server.port, `/runs/${ref}/place?value=x`)).status).toBe(400);
  expect((await ask(server.port, `/runs/${ref}/place`)).status).toBe(400);
  expect((await ask(server.port, "/runs/bert.1.2/place?value=1")).json).toEqual({ ms: null, offset: null });
});

test("what is added is read on, whole lines only", async () => {
  const run = seed(line(0, { loss: 1 }));
  expect((await series(run.ref)).series[0]?.ys).toEqual([1]);
  run.grow(`${line(1, { loss: 2 })}{"e":"m","s":2,`);
  expect((await series(run.ref)).series[0]?.ys).toEqual([1, 2]);
  run.grow(`"v":{"loss":3}}\nno line of ours\n`);
  expect((await series(run.ref)).series[0]?.ys).toEqual([1, 2, 3]);
  run.grow(`{"x":"${"y".repeat(3_000_000)}"}\n${line(3, { loss: 4 })}`);
  expect((await series(run.ref)).series[0]?.ys).toEqual([1, 2, 3, 4]);
});

test("a million points: at most two for each bucket, no peak lost", async () => {
  const { fences, ref } = store.seed.sweep({ name: "long", runs: [{ state: "running" }] });
  const [fence] = fences;
  if (fence === undefined) throw new Error("not seeded");
  const points = 1_000_000;
  const parts: string[] = [];
  for (let i = 0; i < points; i++) {
    const loss = i === 543_210 ? -50 : i === 777_777 ? 99 : Math.sin(i / 1000);
    parts.push(`{"e":"m","t":${1_700_000_002 + i},"s":${i},"v":{"loss":${loss}}}\n`);
  }
  const text = parts.join("");
  writeFileSync(store.pathOf(fence, "client"), text);
  store.seed.commit(fence, "client", Buffer.byteLength(text));
  const query = { keys: "loss", width: "800" };
  // While it is read for the first time, other questions are answered.
  const first = series(`${ref}.1`, query);
  const { json } = await ask(server.port, "/tables/runs?sweep=bert");
  expect((json as RunTable).refs).toContain("bert.1.1");
  const [all] = (await first).series;
  expect(all).toMatchObject({ points, exact: false });
  expect(all?.xs.length).toBeLessThanOrEqual(1_600);
  const ys = (all?.ys ?? []) as number[];
  expect([Math.min(...ys), Math.max(...ys)]).toEqual([-50, 99]);
  const started = performance.now();
  await series(`${ref}.1`, query);
  expect(performance.now() - started).toBeLessThan(2_000);
  const zoom = (await series(`${ref}.1`, { ...query, from: "543200", to: "543219" })).series[0];
  expect(zoom).toMatchObject({ points: 20, exact: true });
  expect(zoom?.ys[10]).toBe(-50);
}, 60_000);
