/** What keeps a store from being spoilt: schema numbers, settings, the lock. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase, transaction } from "../../../coordinator/store/database.ts";
import { lockDirectory } from "../../../coordinator/store/lock.ts";
import { SCHEMA_VERSION } from "../../../coordinator/store/migrations.ts";

let dir = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-guards-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

test("a new store has the newest schema, and opening it again changes nothing", () => {
  const path = join(dir, "store.db");
  for (let i = 0; i < 2; i++) {
    const db = openDatabase(path);
    expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: SCHEMA_VERSION });
    expect(db.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    db.close();
  }
});

test("a store of a newer version is refused by name, and left as it is", () => {
  const path = join(dir, "store.db");
  const raw = new DatabaseSync(path);
  raw.exec(`CREATE TABLE future (x); PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  raw.close();
  expect(() => openDatabase(path)).toThrow(`schema ${SCHEMA_VERSION + 1}`);
  const after = new DatabaseSync(path);
  expect(after.prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "future" }]);
  after.close();
});

test("what is no database is refused", () => {
  const path = join(dir, "store.db");
  writeFileSync(path, "not a database, but long enough to be taken for one at first sight\n".repeat(50));
  expect(() => openDatabase(path)).toThrow();
  expect(() => openDatabase(join(dir, "absent", "store.db"))).toThrow("cannot open the store");
});

test("a failed transaction leaves nothing", () => {
  const db = openDatabase(join(dir, "store.db"));
  const work = (): void => {
    db.exec("INSERT INTO meta VALUES ('a', '1')");
    throw new Error("in the middle");
  };
  expect(() => transaction(db, work)).toThrow("in the middle");
  expect(db.prepare("SELECT * FROM meta").all()).toEqual([]);
  db.close();
});

test("a second holder of the lock is refused, and a killed one leaves it free", async () => {
  const path = join(dir, "lock.db");
  const module = new URL("../../../coordinator/store/lock.ts", import.meta.url).href;
  const program = `const { lockDirectory } = await import(${JSON.stringify(module)});
    lockDirectory(${JSON.stringify(path)}, process.pid);
    process.stdout.write("held");
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(holder.stdout, "data");
    expect(() => lockDirectory(path, process.pid)).toThrow("another coordinator");
  } finally {
    holder.kill("SIGKILL");
    await once(holder, "exit");
  }
  const release = lockDirectory(path, process.pid);
  expect(() => lockDirectory(path, process.pid)).toThrow("another coordinator");
  release();
  lockDirectory(path, process.pid)();
});
