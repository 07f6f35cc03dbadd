/** The Lark keys of EXP's files through the real store: who fills the table is told of the runs, and secrets are not kept. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunTeller } from "../../../coordinator/outbox/tracked-runs.ts";
import { createOutbox } from "../../../coordinator/store/outbox.ts";
import { runId } from "../../../shared/kernel/ids.ts";
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
