/** Messages of a real fleet: gathered, once, and through a coordinator that is killed while the receiver is down. */
import { createHmac } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFleet } from "../helpers/fleet.ts";
import { startReceiver } from "../helpers/receiver.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const SECRET = "hook-secret-5d1f";

test("failures are gathered, the end is told once, and a kill loses nothing", { timeout: 120_000 }, async () => {
  await using hook = await startReceiver();
  const dir = mkdtempSync(join(tmpdir(), "exp-channels-"));
  const file = join(dir, "channels.toml");
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

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
