/** Results directories while runs run: kept up to date, not written all the time, and never on the main thread's time. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { news } from "../../../coordinator/feed.ts";
import { startResultsLoop } from "../../../coordinator/loops/results-loop.ts";
import { createProjector } from "../../../coordinator/results/projector.ts";
import { streamPath } from "../../../coordinator/results/run-directory.ts";
import { type Annotation, createAnnotations, createEditedRuns } from "../../../coordinator/store/annotations.ts";
import { openDatabase } from "../../../coordinator/store/database.ts";
import type { ResultRecord } from "../../../coordinator/store/run-record.ts";
import { required } from "../../../shared/kernel/assert.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { resultAttempt, resultRecord, storeStreams } from "../../helpers/result-record.ts";
import { startResultsRig } from "../../helpers/results-rig.ts";
import { createSeeder } from "../../helpers/seed-store.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function freshRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "exp-live-"));
  roots.push(root);
  return root;
}

test("a running run's directory follows its output; at the end it is written once more, and then sealed", async () => {
  await using rig = await startResultsRig();
  const { fences, runIds } = rig.seed.sweep({ name: "a", runs: [{ state: "running" }] });
  const [fence, run] = [fences[0], runIds[0]];
  if (fence === undefined || run === undefined) throw new Error("the sweep has a run with an attempt");
  const directory = storeStreams(rig.resultsRoot, rig.deps.queries.record(run), [
    { attempt: 1, stream: "client", bytes: '{"e":"m","t":1763690000,"s":1,"v":{"loss":0.5}}\n' },
  ]);
  const projector = createProjector();
  const sealed: number[] = [];
  let writings = 0;
  const loop = startResultsLoop({
    ...{ db: rig.db, feed: rig.deps.feed, logger: pino({ level: "silent" }) },
    committed: () => new Map(),
    project: async (id) => {
      writings += 1;
      await projector.project(rig.deps.queries.record(id), directory);
    },
    edited: createEditedRuns(rig.db),
    isPruned: () => false,
    seal: async (which) => sealed.push(which),
  });
  try {
    const table = () => {
      const path = join(directory, "metrics/run_0001.csv");
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    };
    rig.deps.feed.publish(news({ runs: new Set([run]) }));
    // What is written last.
    await waitUntil("the directory is written", () => existsSync(join(directory, "run.json")));
    expect(table()).toBe("loss,step\r\n0.5,1\r\n");
    expect(JSON.parse(readFileSync(join(directory, "metadata.json"), "utf8"))).toMatchObject({ status: "running" });
    expect(JSON.parse(readFileSync(join(directory, "run.json"), "utf8"))).toMatchObject({
      ...{ status: "running", experiment_name: "a", group: "a.1", finished_at: null },
    });

    appendFileSync(streamPath(directory, 1, "client"), '{"e":"m","t":1763690001,"s":2,"v":{"loss":0.25}}\n');
    const before = writings;
    // Many words in a row are one writing.
    for (let i = 0; i < 50; i++) rig.deps.feed.publish(news({ outputs: new Set([fence]) }));
    await waitUntil("the second point is in the table", () => table() === "loss,step\r\n0.5,1\r\n0.25,2\r\n", {
      boundMs: 40_000,
    });
    expect(writings).toBe(before + 1);

    rig.seed.setState(run, "succeeded");
    rig.seed.endAttempt(fence, { kind: "succeeded" }, {}, false);
    rig.deps.feed.publish(news({ runs: new Set([run]) }));
    await waitUntil("the attempt is sealed", () => sealed.length > 0);
    expect(JSON.parse(readFileSync(join(directory, "run.json"), "utf8"))).toMatchObject({ status: "succeeded" });
    expect(sealed).toEqual([fence]);
  } finally {
    loop.stop();
    await projector.close();
  }
}, 60_000);

test("what people write on a run that is over comes into its directory, also through a restart, and never into a removed one", async () => {
  await using rig = await startResultsRig();
  const { runIds } = await rig.sweep({ name: "a", runs: [{ state: "succeeded" }, { state: "succeeded" }] }, [
    '{"e":"m","t":1763690000,"s":1,"v":{"loss":0.5}}\n',
  ]);
  const [run, removed] = [required(runIds[0], "run 1"), required(runIds[1], "run 2")];
  const annotations = createAnnotations(rig.db);
  const edited = createEditedRuns(rig.db);
  const projector = createProjector();
  const written: [string, string][] = [];
  const begin = () =>
    startResultsLoop({
      ...{ db: rig.db, feed: rig.deps.feed, logger: pino({ level: "silent" }) },
      committed: () => new Map(),
      project: async (id, what) => {
        written.push([id, what]);
        await projector.project(rig.deps.queries.record(id), rig.directoryOf(id), what);
      },
      edited,
      isPruned: (id) => id === removed,
      seal: () => Promise.reject(new Error("all are sealed")),
    });
  const edit = (id: RunId, parts: Partial<Annotation>) => {
    annotations.set(id, parts);
    rig.deps.feed.publish(news({ runs: new Set([id]) }));
  };
  const metaOf = () =>
    JSON.parse(readFileSync(join(rig.directoryOf(run), "meta.json"), "utf8")) as { tags: string[]; extras: object };
  const table = () => statSync(join(rig.directoryOf(run), "metrics/run_0001.csv")).mtimeMs;
  const tableBefore = table();
  let loop = begin();
  try {
    edit(run, { tags: ["paper"], note: "table 2" });
    edit(removed, { note: "nobody sees it" });
    await waitUntil("both are shown", () => edited.all().length === 0);
    expect(metaOf()).toMatchObject({ tags: ["paper"], extras: { note: "table 2" } });
    expect(written).toEqual([[run, "words"]]);
    // Other news of it are no reason to write.
    rig.deps.feed.publish(news({ runs: new Set([run]) }));

    loop.stop();
    annotations.set(run, { note: "table 3" });
    loop = begin();
    await waitUntil("it is shown after the restart", () => edited.all().length === 0);
    expect(metaOf()).toMatchObject({ tags: ["paper"], extras: { note: "table 3" } });
    expect(written).toHaveLength(2);
    expect(table()).toBe(tableBefore);
    expect(edited.editOf(run)).toBeUndefined();
  } finally {
    loop.stop();
    await projector.close();
  }
});

test("what a short run ran on comes into its directory after its end, when nothing else is to be written", async () => {
  await using rig = await startResultsRig();
  const { runIds, fences } = await rig.sweep({ name: "a", runs: [{ state: "succeeded" }] }, ["hello"]);
  const [run, fence] = [required(runIds[0], "the run"), required(fences[0], "the attempt")];
  const read = (name: string) => JSON.parse(readFileSync(join(rig.directoryOf(run), name), "utf8"));
  const projector = createProjector();
  await projector.project(rig.deps.queries.record(run), rig.directoryOf(run), "all");
  expect(read(".exp/reproducibility.json").attempts).toMatchObject([{ environment: null }]);
  const edited = createEditedRuns(rig.db);
  const loop = startResultsLoop({
    ...{ db: rig.db, feed: rig.deps.feed, logger: pino({ level: "silent" }) },
    committed: () => new Map(),
    project: (id, what) => projector.project(rig.deps.queries.record(id), rig.directoryOf(id), what),
    edited,
    isPruned: () => false,
    seal: () => Promise.reject(new Error("all are sealed")),
  });
  try {
    const environmentJson = JSON.stringify({ python: { version: "3.12.1" } });
    const hash = createHash("sha256").update(environmentJson).digest("hex");
    const lateRecords = rig.deps.queries.origins.note([{ fence, hash, environmentJson }]);
    expect([...lateRecords]).toEqual([run]);
    rig.deps.feed.publish(news({ lateRecords }));
    await waitUntil("its results show it", () => edited.all().length === 0);
    expect(read(".exp/reproducibility.json").attempts).toMatchObject([{ environment: JSON.parse(environmentJson) }]);
    expect(read("meta.json").python_version).toBe("3.12.1");
  } finally {
    loop.stop();
    await projector.close();
  }
});

test("an edit while its predecessor is written is not forgotten", () => {
  const db = openDatabase(":memory:");
  try {
    const { runIds } = createSeeder(db).sweep({ name: "a", runs: [{ state: "failed" }, { state: "running" }] });
    const [over, live] = [required(runIds[0], "run 1"), required(runIds[1], "run 2")];
    const [annotations, edited] = [createAnnotations(db), createEditedRuns(db)];
    annotations.set(over, { note: "one" });
    const edit = required(edited.editOf(over), "the edit");
    annotations.set(over, { note: "two" });
    edited.shown(over, edit);
    expect(edited.all()).toEqual([over]);
    // A live one is written anyway; and so is what its program says.
    annotations.set(live, { note: "soon" });
    createAnnotations(db, { byPrograms: true }).set(over, { note: "three" });
    edited.shown(over, edit + 1);
    expect(edited.all()).toEqual([]);
  } finally {
    db.close();
  }
});

test("a directory of many points is written while the main thread goes on", async () => {
  const record = resultRecord({ state: "running", attempts: [resultAttempt({ number: 1 })] });
  let bytes = "";
  for (let i = 0; i < 200_000; i++)
    bytes += `{"e":"m","t":1763690000,"s":${i},"v":{"loss":${1 / (i + 1)},"acc":${i}}}\n`;
  const directory = storeStreams(freshRoot(), record, [{ attempt: 1, stream: "client", bytes }]);
  const projector = createProjector();
  try {
    let turns = 0;
    let isWriting = true;
    const count = () => {
      turns += 1;
      if (isWriting) setImmediate(count);
    };
    count();
    await projector.project(record, directory);
    isWriting = false;
    expect(readFileSync(join(directory, "metrics/run_0001.csv"), "latin1").split("\r\n")).toHaveLength(200_002);
    // Parameters keep their kinds on the way: 1.0 is no 1.
    expect(readFileSync(join(directory, "config.json"), "utf8")).toContain('"lr": 1.0');
    expect(turns).toBeGreaterThan(100);
  } finally {
    await projector.close();
  }
}, 60_000);

test("what cannot be written is said, and the thread goes on; after the end nothing is taken", async () => {
  const projector = createProjector();
  const record = resultRecord();
  const file = join(freshRoot(), "a file");
  writeFileSync(file, "");
  await expect(projector.project(record, join(file, "run"))).rejects.toThrow("ENOTDIR");
  const directory = storeStreams(freshRoot(), record, []);
  await projector.project(record, directory);
  expect(existsSync(join(directory, "run.json"))).toBe(true);
  await projector.close();
  await expect(projector.project(record, directory)).rejects.toThrow("stopping");
});

const attempts = (...outcomes: Parameters<typeof resultAttempt>[0]["outcome"][]) =>
  outcomes.map((outcome, i) => resultAttempt({ number: i + 1, outcome }));

test.each<[string, Partial<ResultRecord> & { state: RunState }, string, string, string | null]>([
  ["succeeded", { state: "succeeded" }, "finished", "succeeded", null],
  ["cancelled", { state: "cancelled", attempts: attempts({ kind: "cancelled" }) }, "error", "failed", "Cancelled"],
  ["out of time", { state: "failed", attempts: attempts({ kind: "timeout" }) }, "error", "failed", "TimeLimit"],
  ["idle", { state: "failed", attempts: attempts({ kind: "idle" }) }, "error", "failed", "IdleLimit"],
  ["out of memory", { state: "failed", attempts: attempts({ kind: "oom" }) }, "error", "failed", "OutOfMemory"],
  [
    "killed",
    { state: "failed", attempts: attempts({ kind: "signalled", signal: 11 }) },
    "error",
    "failed",
    "Signalled",
  ],
  ["lost", { state: "failed", attempts: attempts({ kind: "lost", reason: "lease" }) }, "error", "failed", "HostLost"],
  [
    "queued again after a lost host",
    { state: "queued", attempts: attempts({ kind: "lost", reason: "reboot" }) },
    "pending",
    "running",
    null,
  ],
  ["silent", { state: "unknown", attempts: attempts(undefined) }, "running", "running", null],
  [
    "succeeded at the second try",
    { state: "succeeded", attempts: attempts({ kind: "failed", exitCode: 3 }, { kind: "succeeded" }) },
    ...(["finished", "succeeded", null] as const),
  ],
  ["skipped", { state: "skipped", attempts: attempts({ kind: "skipped" }) }, "finished", "skipped", "SkipRun"],
])("%s, in the words of EXP and ztxexp", async (_what, parts, exp, ztxexp, errorType) => {
  const record = resultRecord(parts);
  const directory = storeStreams(freshRoot(), record, [{ attempt: 1, stream: "output", bytes: "one line\n" }]);
  const projector = createProjector();
  try {
    await projector.project(record, directory);
  } finally {
    await projector.close();
  }
  const read = (name: string) => JSON.parse(readFileSync(join(directory, name), "utf8")) as { [key: string]: unknown };
  expect(read("metadata.json")).toMatchObject({
    ...{ status: exp, current_run_id: `run_000${record.attempts.length}`, pid: null },
  });
  const run = read("run.json");
  expect(run).toMatchObject({
    ...{ schema_version: 2, run_id: basename(directory), status: ztxexp, error_type: errorType },
    ...{ attempt: record.attempts.length, retry_count: record.attempts.length - 1 },
  });
  expect(run.finished_at === null).toBe(ztxexp === "running");
  expect(existsSync(join(directory, "error.log"))).toBe(ztxexp === "failed");
});
