/** The coordinator's engine: one commit a turn, nothing sent before it, and an end when the store fails. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Command } from "../../../coordinator/core/commands.ts";
import { DEFAULT_SETTINGS } from "../../../coordinator/core/settings.ts";
import { Engine } from "../../../coordinator/engine.ts";
import { Feed, type News } from "../../../coordinator/feed.ts";
import { type Database, openDatabase } from "../../../coordinator/store/database.ts";
import { loadCluster } from "../../../coordinator/store/load-cluster.ts";
import { createWriter } from "../../../coordinator/store/write-change.ts";
import { nodeName, runId } from "../../../shared/kernel/ids.ts";
import { CoreRig, makeHello, WALL_MS } from "../../helpers/core-rig.ts";
import { compareClusters } from "../../sim/same-cluster.ts";

/** What happened, in order: "begin", "commit", "<command>", "answer". */
let happened: string[] = [];
let fatal: Error[] = [];
let news: News[] = [];
let failAt = "";

beforeEach(() => {
  happened = [];
  fatal = [];
  news = [];
  failAt = "";
});

function start(): { engine: Engine; db: Database } {
  const db = openDatabase(":memory:");
  const write = createWriter(db);
  const seen = new Proxy(db, {
    get: (target, name) => {
      if (name !== "exec") return Reflect.get(target, name);
      return (sql: string) => {
        if (sql === failAt) throw new Error("disk I/O error");
        happened.push(sql.split(" ")[0]?.toLowerCase() ?? "");
        target.exec(sql);
      };
    },
  });
  const feed = new Feed();
  feed.subscribe((item) => news.push(item));
  const engine = new Engine({
    db: seen,
    cluster: loadCluster(db, 1, 0),
    write: (change) => {
      if (change.kind === failAt) throw new Error("disk I/O error");
      write(change);
    },
    settings: DEFAULT_SETTINGS,
    now: () => ({ monotonicMs: 0, wallMs: WALL_MS, random: 0.5 }),
    feed,
    dispatch: (command: Command) => happened.push(command.kind),
    onFatal: (error) => fatal.push(error),
  });
  return { engine, db };
}

function submission(): Parameters<Engine["apply"]>[0] {
  const rig = new CoreRig();
  rig.submit(2);
  const [added] = rig.changes;
  if (added?.kind !== "sweep-added") throw new Error("no sweep");
  return { kind: "submit", sweep: added.sweep, number: 1, runs: added.runs };
}

const HELLO = { kind: "hello", connection: 1, hello: makeHello("a") } as const;

describe("engine", () => {
  test("events of one turn share a transaction, and commands follow it in order", async () => {
    const { engine, db } = start();
    const answers = [HELLO, submission()].map((event) => engine.apply(event).then(() => happened.push("answer")));
    expect(happened).toEqual([]);
    await Promise.all(answers);
    expect(happened).toEqual(["begin", "commit", "welcome", "assign", "answer", "answer"]);
    expect(compareClusters(loadCluster(db, 1, 0), engine.cluster)).toBeUndefined();
  });

  test("an answer is the event's own changes", async () => {
    const { engine } = start();
    const [joined, submitted] = await Promise.all([engine.apply(HELLO), engine.apply(submission())]);
    expect(joined.map(({ kind }) => kind)).toEqual(["node-saved", "node-link", "history"]);
    expect(submitted.map(({ kind }) => kind)).toEqual(["sweep-added", "history"]);
  });

  test("each turn has its own", async () => {
    const { engine } = start();
    await engine.apply(HELLO);
    await engine.apply({ kind: "node-action", name: nodeName("a"), action: "cordon" });
    expect(happened.filter((what) => what === "commit")).toHaveLength(2);
  });

  test("says where something changed", async () => {
    const { engine } = start();
    await engine.apply(HELLO);
    await engine.apply(submission());
    expect(news.at(0)).toMatchObject({ nodes: true, runs: new Set() });
    expect(news.at(-1)).toMatchObject({ nodes: true, runs: new Set([runId("run_1_1")]) });
  });

  test.each(["BEGIN IMMEDIATE", "sweep-added", "attempt-added", "COMMIT"])(
    "a failure at %s is final",
    async (where) => {
      const { engine } = start();
      await engine.apply(HELLO);
      happened = [];
      news = [];
      failAt = where;
      const results = await Promise.allSettled([engine.apply(submission()), engine.apply({ kind: "tick" })]);
      expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(fatal.map(({ message }) => message)).toEqual(["the store failed: disk I/O error"]);
      expect(happened.filter((what) => what !== "begin")).toEqual([]);
      expect(news).toEqual([]);
      await expect(engine.apply({ kind: "tick" })).rejects.toThrow("stopped");
    },
  );

  test("a stop decides what was handed in, then takes nothing more", async () => {
    const { engine } = start();
    const waiting = engine.apply(HELLO);
    engine.stop();
    expect(happened).toContain("welcome");
    await waiting;
    await expect(engine.apply({ kind: "tick" })).rejects.toThrow("stopped");
  });
});
