/** The reading thread: started again when it died, ended at stop, never with an endless line of questions. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Feed, news } from "../../../coordinator/feed.ts";
import { createReader, type Reader } from "../../../coordinator/reader/reader.ts";
import { openDatabase } from "../../../coordinator/store/database.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { createSeeder } from "../../helpers/seed-store.ts";
import { createLog } from "../coordinator-read/fixture.ts";

let directory: string;
let feed: Feed;
let reader: Reader;
let log: ReturnType<typeof createLog>;
const columns = { sweep: undefined, nowMs: 0 };
const plain = {
  sweep: undefined,
  where: "",
  sort: [],
  columns: ["state"],
  group: [],
  offset: 0,
  limit: 100,
  nowMs: 0,
  reasons: undefined,
};
const sorted = { ...plain, sort: [{ column: "ref", descending: false }] };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "exp-reader-"));
  feed = new Feed();
  log = createLog();
  reader = createReader({ path: join(directory, "store.db"), feed, logger: log });
});
afterEach(async () => {
  await reader.close();
  rmSync(directory, { recursive: true });
});

test("a thread that dies takes its questions along; the next one starts another", async () => {
  // There is no store yet, so it cannot even begin.
  const dead = [reader.ask("columns", columns), reader.ask("table", plain)];
  for (const answer of dead) await expect(answer).rejects.toMatchObject({ code: "unavailable", id: "reader.died" });
  expect(log.lines.join()).toContain("the reading thread failed");
  const db = openDatabase(join(directory, "store.db"));
  createSeeder(db).sweep({ name: "a", runs: [{ state: "queued" }] });
  expect((await reader.ask("table", plain)).table.refs).toEqual(["a.1.1"]);
  db.close();
});

test("so many questions wait and no more; the end rejects what waits", async () => {
  const db = openDatabase(join(directory, "store.db"));
  const answers = Array.from({ length: 64 }, () => reader.ask("columns", columns));
  await expect(reader.ask("columns", columns)).rejects.toMatchObject({ code: "unavailable", id: "reader.busy" });
  expect(await Promise.all(answers)).toHaveLength(64);
  const last = reader.ask("columns", columns);
  const closed = reader.close();
  await expect(last).rejects.toMatchObject({ id: "server.stopping" });
  await closed;
  await expect(reader.ask("columns", columns)).rejects.toMatchObject({ id: "server.stopping" });
  expect(feed.listenerCount).toBe(0);
  db.close();
});

test("what changed is read again: by the run, and as a whole where that is too much", async () => {
  const db = openDatabase(join(directory, "store.db"));
  const seed = createSeeder(db);
  const { runIds } = seed.sweep({ name: "a", runs: [{ state: "queued" }, { state: "queued" }] });
  const states = async () => (await reader.ask("table", sorted)).table.cells[0];
  expect(await states()).toEqual(["queued", "queued"]);
  seed.setState(runIds[0] as RunId, "succeeded");
  feed.publish(news({ runs: new Set([runIds[0] as RunId]) }));
  expect(await states()).toEqual(["succeeded", "queued"]);
  seed.setState(runIds[1] as RunId, "failed");
  for (let i = 0; i < 30_000; i++) feed.publish(news({ runs: new Set([`run_${i}` as RunId]) }));
  expect(await states()).toEqual(["succeeded", "failed"]);
  db.close();
});

test("while it reads, this thread goes on", async () => {
  const db = openDatabase(join(directory, "store.db"));
  const seed = createSeeder(db);
  for (let sweep = 0; sweep < 20; sweep++) {
    seed.sweep({ name: "big", runs: Array.from({ length: 500 }, () => ({ state: "queued" as const })) });
  }
  let turns = 0;
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    turns += 1;
  }, 5);
  const started = performance.now();
  await reader.ask("columns", columns);
  const took = performance.now() - started;
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
  expect(longest).toBeLessThan(Math.max(200, took / 2));
  db.close();
});
