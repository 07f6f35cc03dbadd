/** Rows that a program saves for a table elsewhere, as scripts for EXP do: sent by the coordinator, each once. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startFakeBitable } from "../helpers/fake-bitable.ts";
import { startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const GIVEN = "given-secret-77ab";
const PROGRAM = `
import expfleet as exp
e = exp.load_experiment()
for epoch in range(1, 6):
    e.upd_row(epoch=epoch, loss=1 / epoch, word="n%d" % epoch)
    table = {"url": "https://x.feishu.cn/base/appTest12345?table=tblTest1", "app_secret": "${GIVEN}"}
    e.save_row(lark=True, lark_config=table if epoch == 1 else None)
e.upd_row(epoch=99)
e.save_row()
`;

test("rows of save_row(lark=True) are in the table once, through a kill of the coordinator", {
  timeout: 120_000,
}, async () => {
  await using table = await startFakeBitable();
  const dir = mkdtempSync(join(tmpdir(), "exp-channels-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "channels.toml");
  const keys = `app_id = "cli_1"\napp_secret = "app-secret"\napp_token = "appTest12345"\ntable_id = "tblTest1"`;
  // No sweep has this name: only what names the table itself gets there.
  writeFileSync(file, `[bitable.board]\n${keys}\ndomain = "${table.url}"\nsweeps = ["none"]\nrows = "saved"\n`, {
    mode: 0o600,
  });
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2, coordinatorFlags: ["--channels", file] });
  table.fault = () => ({ status: 503 });
  const program = join(dir, "train.py");
  writeFileSync(program, PROGRAM);
  const { sweep } = await fleet.submit(`name = "rows"\nrun.command = ["python3", ${JSON.stringify(program)}]`);
  expect((await fleet.done(sweep, 60_000)).map(({ state }) => state)).toEqual(["succeeded"]);
  await waitUntil("a first try", () => table.receiver.received.length > 0, { boundMs: 20_000 });
  await fleet.coordinator.kill9();
  table.fault = undefined;
  await fleet.coordinator.start();
  const rows = () => [...table.records.values()].sort((a, b) => Number(a.epoch) - Number(b.epoch));
  const wanted = [1, 2, 3, 4, 5].map((epoch) => ({ epoch, loss: 1 / epoch, word: `n${epoch}` }));
  await waitUntil("all five are there", () => rows().length >= 5, { boundMs: 60_000, seen: rows });
  expect(rows()).toEqual(wanted);
  expect(filesBelow(fleet.dir).filter((path) => readFileSync(path, "latin1").includes(GIVEN))).toEqual([]);
});

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
