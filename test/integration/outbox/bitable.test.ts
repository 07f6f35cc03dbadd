/** Runs as rows, against a table made from the documented calls. */
import { expect, test } from "vitest";
import { createBitableChannel } from "../../../coordinator/outbox/bitable/channel.ts";
import { adler32, createBitableClient } from "../../../coordinator/outbox/bitable/client.ts";
import { parseChannels } from "../../../coordinator/outbox/channels-file.ts";
import { startDelivery } from "../../../coordinator/outbox/delivery.ts";
import type { TrackedRuns } from "../../../coordinator/outbox/tracked-runs.ts";
import { openDatabase } from "../../../coordinator/store/database.ts";
import { createOutbox } from "../../../coordinator/store/outbox.ts";
import { required } from "../../../shared/kernel/assert.ts";
import type { RunRecord } from "../../../shared/run/records.ts";
import { type FakeBitable, startFakeBitable } from "../../helpers/fake-bitable.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const START = Date.UTC(2026, 0, 2, 4);

function runOf(index: number, parts: Partial<RunRecord> = {}): RunRecord {
  return {
    id: `run_${index}`,
    ref: `digits.1.${index}`,
    sweep: "digits.1",
    index,
    state: "running",
    reason: "",
    paramsJson: `{"lr":${index / 10},"optim":"adam"}`,
    priority: 0,
    attempt: 1,
    fence: index,
    node: "node-1",
    devices: ["gpu-1"],
    exitCode: undefined,
    createdAt: START,
    startedAt: START,
    finishedAt: undefined,
    metrics: { "val/acc": index / 100, bad: Number.NaN },
    sealed: false,
    resultsDir: "",
    reusedFrom: "",
    ...parts,
  };
}

function rig(fake: FakeBitable, createFields = true) {
  const text =
    `[bitable.board]\napp_id = "cli_1"\napp_secret = "app-secret"\ndomain = "${fake.url}"\ncreate_fields = ${createFields}\n` +
    `url = "https://x.feishu.cn/base/appTest12345?table=tblTest1"\n`;
  const file = parseChannels("channels.toml", text);
  const target = required(file.tables[0], "the table");
  const db = openDatabase(":memory:");
  const outbox = createOutbox(db);
  const records = new Map<string, RunRecord>();
  const runs: TrackedRuns = {
    get: (id) => {
      const record = records.get(id);
      return record && { record, project: "vision" };
    },
    remoteId: (channel, { subject }) => outbox.remoteId(channel, subject),
    setRemoteId: (channel, { subject }, remote) => outbox.setRemoteId(channel, subject, remote),
  };
  const artifacts: { name: string; hash: string; sizeBytes: number }[] = [];
  const files = { of: () => artifacts, read: async (hash: string) => Buffer.from(hash) };
  const lines: string[] = [];
  const log = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: log, warn: log, error: log } as never;
  const client = createBitableClient(target, () => performance.now());
  const channel = createBitableChannel({ target, client, runs, createFields: target.createFields, files, logger });
  const start = () =>
    startDelivery({
      outbox,
      channels: [channel],
      clock: { wallMs: () => Date.now() },
      random: () => 0.5,
      logger,
      secrets: file.secrets,
      policy: { backoff: { baseMs: 5, maxMs: 40 }, triesMax: 20, ageMsMax: 60_000 },
    });
  let loop = start();
  let n = 0;
  return {
    lines,
    artifacts,
    outbox,
    put(...runRecords: RunRecord[]) {
      const now = Date.now();
      for (const run of runRecords) {
        records.set(run.id, run);
        n += 1;
        const id = `id-${n}`;
        outbox.put({
          id,
          channel: target.name,
          subject: run.id,
          body: "{}",
          createdAt: now,
          dueAt: now,
          merge: (old) => old,
        });
      }
      loop.wake();
    },
    save(...rows: { readonly [column: string]: string }[]) {
      const now = Date.now();
      for (const row of rows) {
        n += 1;
        const body = JSON.stringify({ cells: Object.entries(row) });
        const subject = `row_${n}`;
        outbox.put({
          id: `id-${n}`,
          channel: target.name,
          subject,
          body,
          createdAt: now,
          dueAt: now,
          merge: (old) => old,
        });
      }
      loop.wake();
    },
    settled: () => waitUntil("the outbox is empty", () => outbox.count() === 0, { seen: () => lines.slice(-3) }),
    restart() {
      loop = start();
    },
    stop: () => loop.stop(),
  };
}

test("a row for each run, made in one call, with columns of their own, then changed", async () => {
  await using fake = await startFakeBitable();
  const { put, settled, stop } = rig(fake);
  put(...Array.from({ length: 100 }, (_, i) => runOf(i + 1)));
  await settled();
  expect(fake.records.size).toBe(100);
  expect(fake.calls("records/batch_create")).toHaveLength(1);
  expect(Object.fromEntries(fake.fields)).toMatchObject({
    run: 1,
    state: 1,
    lr: 2,
    optim: 1,
    "val/acc": 2,
    started: 5,
  });
  expect(fake.fields.has("bad")).toBe(false);
  expect(fake.records.get("rec3")).toMatchObject({ run: "digits.1.3", project: "vision", lr: 0.3, started: START });

  put(runOf(3, { state: "succeeded", finishedAt: START + 1500, metrics: { "val/acc": 0.9 } }));
  await settled();
  await stop();
  expect(fake.records.size).toBe(100);
  expect(fake.records.get("rec3")).toMatchObject({ state: "succeeded", "val/acc": 0.9, seconds: 1.5 });
  // The token and the list of fields (in pages of three) were asked for once.
  expect(fake.calls("tenant_access_token/internal")).toHaveLength(1);
  expect(fake.calls("/fields").filter(({ method }) => method === "GET")).toHaveLength(1);
});

test("types of fields that are there are kept; other columns are made only where that is wanted", async () => {
  await using fake = await startFakeBitable();
  for (const [name, type] of Object.entries({ lr: 1, optim: 3, state: 4, node: 17 })) fake.fields.set(name, type);
  const { put, settled, stop } = rig(fake, false);
  put(runOf(1));
  await settled();
  await stop();
  expect([...fake.records.values()]).toEqual([{ run: "digits.1.1", lr: "0.1", optim: "adam", state: ["running"] }]);
});

test("a lost answer makes no second row, nor does a program that was killed after it", async () => {
  await using fake = await startFakeBitable();
  const { put, settled, stop, restart } = rig(fake);
  let lost = 0;
  fake.fault = ({ path }) => {
    if (!path.includes("batch_create")) return undefined;
    lost += 1;
    return { hangUp: true, late: true };
  };
  put(runOf(1), runOf(2));
  await waitUntil("an answer was lost", () => lost > 0);
  await stop();
  fake.fault = undefined;
  restart();
  await settled();
  await stop();
  expect([...fake.records.values()].map(({ run }) => run).sort()).toEqual(["digits.1.1", "digits.1.2"]);
});

test("saved rows are records of their own cells, each once, whatever was lost or refused", async () => {
  await using fake = await startFakeBitable();
  for (const [name, type] of Object.entries({ loss: 2, when: 5, file: 17 })) fake.fields.set(name, type);
  const { put, save, settled, stop, outbox } = rig(fake);
  let tries = 0;
  fake.fault = ({ path, text }) => {
    if (!path.includes("batch_create")) return undefined;
    if (text.includes("refuse me")) return { body: { code: 1254060, msg: "no" } };
    tries += 1;
    if (tries === 2) return { hangUp: true, late: true };
    return tries === 4 ? { status: 503 } : undefined;
  };
  put(runOf(1));
  save({ epoch: "1", loss: "0.5", when: "2026-01-02 12:00:00" }, { epoch: "2", loss: "nan", word: "x" });
  save({ note: "refuse me" }, { epoch: "3", loss: "", file: "/a.png" }, { epoch: "4" });
  await settled();
  await stop();
  const rows = [...fake.records.values()].filter(({ run }) => run === undefined);
  expect(rows.sort((a, b) => Number(a.epoch) - Number(b.epoch))).toEqual([
    { epoch: 1, loss: 0.5, when: START },
    { epoch: 2, word: "x" },
    { epoch: 3 },
    { epoch: 4 },
  ]);
  expect([fake.records.size, fake.fields.get("epoch"), fake.fields.get("word")]).toEqual([5, 2, 1]);
  // Nothing is said of them a second time.
  expect(outbox.lastSent("bitable:board", "row_2")).toBe(0);
});

test("tokens that end, conflicts, too many requests and deleted rows", async () => {
  await using fake = await startFakeBitable();
  const { put, settled, stop, lines } = rig(fake);
  put(runOf(1), runOf(2));
  await settled();
  fake.endTokens();
  fake.records.delete("rec1");
  const faults = [
    { body: { code: 1254291, msg: "Write conflict" } },
    { status: 429, body: { code: 99991400, msg: "request trigger frequency limit" } },
    { status: 500 },
  ];
  fake.fault = ({ path }) => (path.includes("/records/batch_update") ? faults.pop() : undefined);
  put(runOf(1, { state: "failed" }), runOf(2, { state: "succeeded" }));
  await settled();
  await stop();
  const states = [...fake.records.values()].map(({ run, state }) => [run, state]);
  expect(states.sort()).toEqual([
    ["digits.1.1", "failed"],
    ["digits.1.2", "succeeded"],
  ]);
  expect(faults).toEqual([]);
  expect(lines.join("\n")).not.toContain("app-secret");
});

test("a row that the table refuses does not take the others along", async () => {
  await using fake = await startFakeBitable();
  fake.fault = ({ path, text }) =>
    path.includes("batch_create") && text.includes('digits.1.5"') ? { body: { code: 1254060, msg: "no" } } : undefined;
  const { put, settled, stop, lines } = rig(fake);
  put(...Array.from({ length: 9 }, (_, i) => runOf(i + 1)));
  await settled();
  await stop();
  expect([...fake.records.values()].map(({ run }) => run)).toHaveLength(8);
  expect(lines).toHaveLength(1);
});

test("a refused secret is said, and hidden", async () => {
  await using fake = await startFakeBitable();
  fake.fault = ({ path }) =>
    path.includes("tenant_access_token") ? { body: { code: 10014, msg: "app secret invalid: app-secret" } } : undefined;
  const { put, settled, stop, lines } = rig(fake);
  put(runOf(1));
  await settled();
  await stop();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("code 10014: app secret invalid: ***");
});

test("news of a run whose making was not answered makes no second row", async () => {
  await using fake = await startFakeBitable();
  const { put, settled, stop, outbox } = rig(fake);
  let lost = 0;
  fake.fault = ({ path }) => {
    if (!path.includes("batch_create") || lost === 1) return undefined;
    lost += 1;
    return { hangUp: true, late: true };
  };
  put(runOf(1));
  await waitUntil("an answer was lost", () => lost === 1);
  // The news is an entry of its own, which knows of no try.
  put(runOf(1, { state: "succeeded" }));
  await settled();
  await stop();
  expect([...fake.records.values()].map(({ run, state }) => [run, state])).toEqual([["digits.1.1", "succeeded"]]);
  expect(outbox.count()).toBe(0);
});

test("artifacts that columns for attachments are called after are sent once, and the row names them", async () => {
  await using fake = await startFakeBitable();
  for (const column of ["model.txt", "plots/a.png", "none.txt", "bad.txt", "large.bin"]) fake.fields.set(column, 17);
  fake.fields.set("text.txt", 1);
  const { put, settled, stop, artifacts, lines } = rig(fake);
  const add = (name: string, hash: string, sizeBytes = hash.length) => artifacts.push({ name, hash, sizeBytes });
  add("out/model.txt", "first");
  add("plots/a.png", "gr\u00fc\u00dfe");
  add("text.txt", "no attachment");
  add("bad.txt", "refused");
  add("large.bin", "l", 21 * 1024 * 1024);
  put(runOf(1));
  await settled();
  expect([...fake.files.values()]).toEqual([
    { name: "model.txt", text: "first" },
    { name: "a.png", text: "gr\u00fc\u00dfe" },
  ]);
  const row = () => [...fake.records.values()][0];
  expect(row()).toMatchObject({
    "model.txt": [{ file_token: "file1" }],
    "plots/a.png": [{ file_token: "file2" }],
    "val/acc": 0.01,
  });
  expect(Object.keys(row() ?? {})).not.toEqual(expect.arrayContaining(["bad.txt"]));
  expect(lines.filter((line) => line.startsWith("attachment not sent"))).toEqual([
    expect.stringContaining("code 1061003"),
    expect.stringContaining("larger than 20 MiB"),
  ]);

  // Later changes of the row send only what is new.
  add("model.txt", "second");
  put(runOf(1, { state: "succeeded" }));
  await settled();
  put(runOf(1, { state: "succeeded", metrics: { "val/acc": 0.5 } }));
  await settled();
  await stop();
  expect([...fake.files.values()].slice(2)).toEqual([{ name: "model.txt", text: "second" }]);
  expect(row()).toMatchObject({ "model.txt": [{ file_token: "file3" }], "val/acc": 0.5 });
});

test.each([
  ["", 1],
  ["Wikipedia", 0x11e60398],
])("the checksum of %j", (text, sum) => expect(adler32(Buffer.from(text))).toBe(sum));

test("the checksum of much", () => {
  expect(adler32(Buffer.alloc(1_000_000, 255))).toBe(943972798);
});
