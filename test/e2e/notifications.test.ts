/** Messages of a real fleet: gathered, once, and through a coordinator that is killed while the receiver is down. */
import { createHmac } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { botSignature } from "../../coordinator/outbox/channels/messages.ts";
import { startFakeBitable } from "../helpers/fake-bitable.ts";
import { startFleet } from "../helpers/fleet.ts";
import { startReceiver } from "../helpers/receiver.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const SECRET = "hook-secret-5d1f";

test("failures are gathered, the end is told once, and a kill loses nothing", { timeout: 120_000 }, async () => {
  await using hook = await startReceiver();
  const file = channelsFile();
  writeFileSync(file, `[webhook.ci]\nurl = "${hook.url}/hook"\nsecret = "${SECRET}"\n`, { mode: 0o600 });
  await using fleet = await startFleet({ agents: 1, cpuSlots: 4, coordinatorFlags: ["--channels", file] });
  hook.answer = () => ({ hangUp: true });

  const { sweep } = await fleet.submit(
    `name = "broken"\nrun.command = ["sh", "-c", "exit 3"]\n[grid]\nx = [${Array.from({ length: 30 }, (_, i) => i).join(", ")}]\n` +
      `[notify]\non = ["started", "failed", "finished"]\nto = ["webhook:ci"]\n`,
  );
  await fleet.done(sweep, 60_000);
  await waitUntil("a first try", () => hook.received.length > 0, { boundMs: 20_000 });
  await fleet.coordinator.kill9();
  hook.answer = () => ({});
  const before = hook.received.length;
  await fleet.coordinator.start();
  await waitUntil("the end is told", () => hook.received.slice(before).some(({ json }) => json.finished), {
    boundMs: 60_000,
    seen: () => hook.received.map(({ text }) => text),
  });

  const delivered = new Map(hook.received.map(({ json }) => [json.id, json]));
  const failed = [...delivered.values()].flatMap((json) => json.failed?.count ?? []);
  expect(failed.reduce((sum, count) => sum + count, 0)).toBe(30);
  expect(delivered.size).toBeLessThanOrEqual(4);
  expect([...delivered.values()].filter((json) => json.finished)).toHaveLength(1);
  expect([...delivered.values()].find((json) => json.finished)).toMatchObject({
    sweep: "broken.1",
    finished: { failed: 30, succeeded: 0 },
  });
  for (const { headers, text } of hook.received) {
    expect(headers["x-expfleet-signature"]).toBe(`sha256=${createHmac("sha256", SECRET).update(text).digest("hex")}`);
  }

  const refused = await fleet
    .submit(`name = "a"\nrun.command = ["true"]\n[notify]\non = ["failed"]\nto = ["webhook:cj"]\n`)
    .catch(String);
  expect(refused).toContain("[notify] names webhook:cj, which the coordinator does not have");
  expect(refused).toContain("did you mean webhook:ci?");
  // What is written anywhere holds no secret.
  for (const path of filesBelow(fleet.dir)) expect(readFileSync(path).includes(SECRET), path).toBe(false);
});

test("the run that reaches the target of its sweep is told once", { timeout: 120_000 }, async () => {
  await using hook = await startReceiver();
  hook.answer = () => ({});
  const file = channelsFile();
  writeFileSync(file, `[webhook.ci]\nurl = "${hook.url}/hook"\n`, { mode: 0o600 });
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1, coordinatorFlags: ["--channels", file] });
  // The last ones are long, so that there is something to stop.
  const command = `echo '{"e":"m","v":{"acc":0.\${x}}}' >> $EXP_EVENTS; sleep \${0 if x < 9 else 20}`;
  const { sweep } = await fleet.submit(
    `name = "near"\nrun.command = """${command}"""\n[grid]\nx = [1, 8, 9]\nm = [1, 2]\n` +
      `[objective]\nmetric = "acc"\ngoal = "maximize"\ntarget = 0.8\n` +
      `[notify]\non = ["target", "finished"]\nto = ["webhook:ci"]\n`,
  );
  await waitUntil("it is told", () => hook.received.some(({ json }) => json.target), {
    boundMs: 60_000,
    seen: () => hook.received.map(({ text }) => text),
  });
  await fleet.exp("cancel", sweep);
  await waitUntil("the end is told", () => hook.received.some(({ json }) => json.finished), {
    boundMs: 60_000,
    seen: () => hook.received.map(({ text }) => text),
  });
  const told = hook.received.flatMap(({ json }) => json.target ?? []);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ metric: "acc", target: 0.8 });
  expect(["near.1.3 0.8", "near.1.4 0.8"]).toContain(`${told[0]?.run} ${told[0]?.value}`);
});

test("runs are rows of a table, with their last metrics, through a kill of the coordinator", {
  timeout: 120_000,
}, async () => {
  await using table = await startFakeBitable();
  await using bot = await startReceiver();
  bot.answer = () => ({ body: { code: 0 } });
  const file = channelsFile();
  const keys = `app_id = "cli_1"\napp_secret = "app-secret"\napp_token = "appTest12345"\ntable_id = "tblTest1"`;
  writeFileSync(
    file,
    `[bitable.board]\n${keys}\ndomain = "${table.url}"\nsweeps = ["shown*"]\n[lark.team]\nurl = "${bot.url}"\nsecret = "s"\n`,
    { mode: 0o600 },
  );
  await using fleet = await startFleet({ agents: 1, cpuSlots: 4, coordinatorFlags: ["--channels", file] });
  table.fault = () => ({ status: 503 });
  table.fields.set("model.txt", 17);
  const command = `echo "model \${x}" > $EXP_RUN_DIR/model.txt
    echo '{"e":"a","path":"'$EXP_RUN_DIR'/model.txt","name":"model.txt","kind":"file"}' >> $EXP_EVENTS
    echo '{"e":"m","v":{"acc":0.\${x}5}}' >> $EXP_EVENTS`;
  const body = `run.command = """${command}"""\n[grid]\nx = [1, 2, 3, 4]\n`;
  const told = `[objective]\nmetric = "acc"\ngoal = "maximize"\n[notify]\non = ["best", "finished"]\nto = ["lark:team"]\n`;
  const shown = await fleet.submit(`name = "shown"\n${body}${told}`);
  const other = await fleet.submit(`name = "other"\nrerun = "all"\n${body}`);
  // One of EXP's files names the table itself.
  const named = await fleet.submit(
    `[scheduler]\nbase_experiment_dir = "out"\n[[experiments]]\nname = "lab"\ncommand = "true"\n` +
      `lark_url = "https://x.feishu.cn/base/appTest12345?table=tblTest1"\n`,
  );
  await fleet.done(shown.sweep, 60_000);
  await fleet.done(other.sweep, 60_000);
  await fleet.done(named.sweep, 60_000);
  await fleet.coordinator.kill9();
  table.fault = undefined;
  await fleet.coordinator.start();
  const rows = () =>
    [...table.records.values()]
      .map(({ run, state, acc }) => [run, state, acc])
      .sort((a, b) => (String(a) < String(b) ? -1 : 1));
  const ofShown = [1, 2, 3, 4].map((x) => [`shown.1.${x}`, "succeeded", Number(`0.${x}5`)]);
  const wanted = [...ofShown, [`${named.sweep}.1`, "succeeded", undefined]].sort((a, b) =>
    String(a) < String(b) ? -1 : 1,
  );
  await waitUntil("every run is shown", () => JSON.stringify(rows()) === JSON.stringify(wanted), {
    boundMs: 60_000,
    seen: rows,
  });
  // What they keep came along, however late it was stored.
  const sent = () => new Set([...table.files.values()].map(({ text }) => text));
  await waitUntil("files are sent", () => sent().size === 4, { boundMs: 60_000, seen: () => [...sent()] });
  const attached = () => [...table.records.values()].filter((record) => record["model.txt"] !== undefined);
  await waitUntil("rows name them", () => attached().length === 4, { boundMs: 20_000, seen: attached });
  const texts = () => bot.received.map(({ json }) => String(json.content.text));
  const end = await waitUntil("the end is told", () => texts().find((text) => text.includes("finished")), {
    boundMs: 20_000,
    seen: texts,
  });
  expect(end).toMatch(/^shown\.1 finished after .+: 4 succeeded\n {2}best: acc = 0\.45 \(shown\.1\.4\)$/);
  for (const { json } of bot.received) expect(json.sign).toBe(botSignature(json.timestamp, "s"));
});

/** Outside of the fleet's directory, in which nothing may hold a secret. */
function channelsFile(): string {
  const dir = mkdtempSync(join(tmpdir(), "exp-channels-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "channels.toml");
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
