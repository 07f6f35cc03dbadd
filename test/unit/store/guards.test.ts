/** What keeps a store from being spoilt: schema numbers, settings, the lock. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase, transaction } from "../../../coordinator/store/database.ts";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { lockDirectory } from "../../../coordinator/store/lock.ts";
import { migrate, SCHEMA_VERSION } from "../../../coordinator/store/migrations.ts";

let dir = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-guards-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

test("a store of the first schema keeps what it says", () => {
  const path = join(dir, "store.db");
  const old = new DatabaseSync(path);
  migrate(old, 1);
  old.exec(`
    INSERT INTO sweeps VALUES ('swp_1', 1, 'digits', 1, 'submit-1', 5, 2, 0, 3, 4, 2, 60000, 500, 1, NULL, NULL, NULL,
      '{"command":"true"}', 'a.toml', 'name = 1');
    INSERT INTO runs VALUES ('run_1', 'swp_1', 1, 'v1:a', '{}', 5, NULL), ('run_2', 'swp_1', 2, 'v1:b', '{}', 5, NULL);
    INSERT INTO run_states VALUES ('run_1', 'swp_1', 'queued', '', 3, 0, NULL, 0, 0, 0, 0, 0, NULL),
      ('run_2', 'swp_1', 'failed', 'exit code 1', 3, 1, 1, 1, 0, 0, 0, 0, 9);
  `);
  old.close();
  const db = openDatabase(path);
  const cluster = loadCluster(db, 1, 0);
  expect([...cluster.sweeps.values()]).toMatchObject([
    {
      shapes: [{ resources: { gpus: 1, cpus: undefined }, retry: { max: 2 } }],
      parallel: 4,
      after: [],
      failuresMax: 0,
      stopped: "",
    },
  ]);
  expect([...cluster.runs.values()]).toMatchObject([{ id: "run_1", shape: 0, priority: 3, paused: false }]);
  expect(db.prepare("SELECT template_json, limits_json FROM sweep_shapes").all()).toEqual([
    { template_json: '{"command":"true"}', limits_json: '{"timeMs":60000,"idleMs":0,"stopGraceMs":500}' },
  ]);
  db.close();
});

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
