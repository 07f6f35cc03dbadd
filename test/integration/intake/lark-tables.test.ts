/** The Lark keys of EXP's files through the real store: who fills the table is told of the runs, and secrets are not kept. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunTeller, savedRowOf } from "../../../coordinator/outbox/tracked-runs.ts";
import { createOutbox } from "../../../coordinator/store/outbox.ts";
import { createOutputStore } from "../../../coordinator/store/outputs.ts";
import { createSavedRows, ROWS_STAY } from "../../../coordinator/store/saved-rows.ts";
import { fence, runId } from "../../../shared/kernel/ids.ts";
import { type ControlRig, startControlRig } from "../../helpers/control-rig.ts";

let rig: ControlRig;
beforeEach(async () => {
  rig = await startControlRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const secrets = 'app_id = "cli_1", app_secret = "hidden-1"';
const FILE = `[scheduler]
base_experiment_dir = "out"
lark_config = { ${secrets}, app_token = "appKnown1", table_id = "tblKnown1" }
[[experiments]]
name = "a"
command = "x"
[[experiments]]
name = "b"
command = "x"
lark_config = { table_id = "tblOther" }
[[experiments]]
name = "c"
command = "x"
lark_config = { table_id = "tblOther" }
`;

test("plan and submit say once what a channel would need", async () => {
  const warning =
    "no channel fills the table tblOther of appKnown1, which lark_url or lark_config names: no row is sent; to have them, " +
    `add to the coordinator's channels.toml: bitable.NAME = { app_token = "appKnown1", table_id = "tblOther", app_id = "…", app_secret = "…" }`;
  const { warnings } = await rig.plan(FILE);
  expect(warnings.filter((line) => line.includes("channels.toml"))).toEqual([warning]);
  const made = await rig.client.submit({
    submitId: "lark-tables-1",
    source: await rig.source(FILE),
    force: false,
    priority: undefined,
    code: undefined,
  });
  expect(made.warnings).toEqual(warnings);
});

test("the channel of the table is told of the run that names it, and the secret is not stored", async () => {
  await rig.submit(FILE);
  const rows = rig.db.prepare("SELECT run_id, sweep_id, idx FROM runs ORDER BY idx").all();
  const outbox = createOutbox(rig.db);
  const table = { appToken: "appKnown1", tableId: "tblKnown1" };
  const teller = createRunTeller({
    db: rig.db,
    outbox,
    targets: [
      { name: "bitable:named", projects: [], sweeps: ["nothing"], table },
      { name: "bitable:other", projects: [], sweeps: ["nothing"], table: { ...table, tableId: "tblThird" } },
    ],
    newId: () => "id-1",
    wallMs: () => 1_000,
  });
  const news = rows.map(({ run_id }) => ({ runId: runId(String(run_id)), what: "running" }) as never);
  teller.tell(news, new Set());
  const due = ["bitable:named", "bitable:other"].map((name) =>
    outbox.due(name, Number.MAX_SAFE_INTEGER, 10).map(({ subject }) => subject),
  );
  expect(due).toEqual([[rows[0]?.run_id], []]);

  const stored = rig.db.prepare("SELECT source_text AS text FROM sweeps").get()?.text;
  expect(stored).toBe(FILE.replace("hidden-1", "***"));
  expect(JSON.stringify(rig.db.prepare("SELECT * FROM sweep_shapes").all())).not.toContain("hidden-1");
});

test("a saved row goes to the table that it names, else to that of its run, else to those that take the run", async () => {
  await rig.submit(FILE);
  const [named = "", , plain = ""] = rig.db
    .prepare("SELECT run_id FROM runs ORDER BY idx")
    .all()
    .map(({ run_id }) => String(run_id));
  const outbox = createOutbox(rig.db);
  const saved = createSavedRows(rig.db);
  const known = { appToken: "appKnown1", tableId: "tblKnown1" };
  let n = 0;
  const teller = createRunTeller({
    db: rig.db,
    outbox,
    targets: [
      { name: "bitable:known", projects: [], sweeps: ["nothing"], rows: "both", table: known },
      { name: "bitable:third", projects: [], sweeps: [], rows: "saved", table: { ...known, tableId: "tblThird" } },
      { name: "bitable:runs", projects: [], sweeps: [], rows: "runs", table: { ...known, tableId: "tblRuns" } },
      { name: "mlflow:lab", projects: [], sweeps: [] },
    ],
    newId: () => `id-${n++}`,
    wallMs: () => 1_000,
  });
  const add = (run: string, cell: string, table = {}) => saved.add({ runId: runId(run), cells: [["is", cell]], table });
  add(named, "its run's");
  add(named, "another", { tableId: "tblThird" });
  add(named, "nowhere", { tableId: "tblNobody" });
  add(named, "nowhere again", { tableId: "tblNobody" });
  add(plain, "plain");
  teller.tell([], new Set());
  teller.tell([], new Set());
  // What nobody takes is said, once.
  const warned = rig.db.prepare("SELECT run_id, text FROM events WHERE kind = 'warning'").all();
  expect(warned.map(({ run_id, text }) => [run_id, text])).toEqual([[named, ROWS_STAY]]);
  const told = (channel: string) =>
    outbox.due(channel, Number.MAX_SAFE_INTEGER, 10).map((entry) => savedRowOf(entry)?.cells[0]?.[1]);
  expect(["bitable:known", "bitable:third", "bitable:runs", "mlflow:lab"].map(told)).toEqual([
    ["its run's"],
    ["another", "plain"],
    [],
    [],
  ]);
});

test("where the coordinator fills no table, a saved row is said to stay, once", async () => {
  await rig.submit(FILE);
  const run = String(rig.db.prepare("SELECT run_id FROM runs LIMIT 1").get()?.run_id);
  rig.db
    .prepare(
      "INSERT INTO attempts (fence, run_id, number, node, devices_json, phase, stopping, assigned_at, sealed) VALUES (?, ?, 1, 'n', '[]', 'running', '', 1, 0)",
    )
    .run(77, run);
  const store = createOutputStore(rig.db);
  const word = { kind: "row", cells: [["a", "1"]], table: {} } as const;
  expect([store.writeWords(fence(77), [word, word], 1_000), store.writeWords(fence(77), [word], 2_000)]).toEqual([
    run,
    undefined,
  ]);
  const warned = rig.db.prepare("SELECT text FROM events WHERE run_id = ? AND kind = 'warning'").all(run);
  expect(warned.map(({ text }) => text)).toEqual([ROWS_STAY]);
});
