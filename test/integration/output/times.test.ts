/** How much output there was when: notes that the store takes with it, few however long it goes on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Database, openDatabase } from "../../../coordinator/store/database.ts";
import { createOutputStore } from "../../../coordinator/store/outputs.ts";
import { createQueries } from "../../../coordinator/store/queries/queries.ts";
import { AttemptTable } from "../../../coordinator/stream/attempt-streams.ts";
import { storeBatch } from "../../../coordinator/stream/batch.ts";
import { OpenFiles } from "../../../coordinator/stream/open-files.ts";
import { fence } from "../../../shared/kernel/ids.ts";

const AT = 1_700_000_000_000;
const FENCE = fence(7);
let dir: string;
let db: Database;
let files: OpenFiles;
let nowMs: number;
let size: number;
let write: (count: number) => Promise<void>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-times-"));
  db = openDatabase(join(dir, "store.db"));
  files = new OpenFiles();
  const store = createOutputStore(db);
  const home = { agentId: "a", path: (stream: string) => join(dir, stream) };
  const table = new AttemptTable({ store, files, locate: () => home });
  const clock = { wallMs: () => nowMs, monotonicMs: () => 0, uptimeMs: () => 0 };
  nowMs = AT;
  size = 0;
  write = async (count) => {
    const data = Buffer.alloc(count, "x");
    const range = { agentId: "a", fence: FENCE, stream: "output", offset: size, crc: undefined, data } as const;
    const { problem } = await storeBatch([range], { table, files, store, clock });
    expect(problem).toBe("");
    size += count;
  };
});
afterEach(() => {
  files.closeAll();
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

const by = (ms: number) => createQueries(db).attempts.outputBy(FENCE, AT + ms);
const notes = () => (db.prepare("SELECT count(*) AS n FROM output_times").get() as { n: number }).n;

test("the last note before a time counts", async () => {
  await write(10);
  nowMs = AT + 5_000;
  await write(20);
  nowMs = AT + 6_000;
  await write(40);
  nowMs = AT + 9_000;
  await write(80);
  expect([-1, 0, 4_999, 5_000, 8_999, 9_000, 1e9].map(by)).toEqual([0, 10, 10, 30, 30, 150, 150]);
});

test("what is over in a moment leaves none", async () => {
  await write(10);
  nowMs = AT + 1_000;
  await write(10);
  expect(by(1_000)).toBeUndefined();
  expect(notes()).toBe(0);
});

test("the longer it goes on, the fewer", async () => {
  for (let second = 0; second < 86_400; second += 60) {
    nowMs = AT + second * 1_000;
    await write(1);
  }
  expect(notes()).toBeGreaterThan(500);
  expect(notes()).toBeLessThan(1_100);
  // As exact as two thousandths of the time since the start.
  expect(by(43_200_000)).toBeGreaterThan(716);
  expect(by(43_200_000)).toBeLessThanOrEqual(721);
}, 60_000);
