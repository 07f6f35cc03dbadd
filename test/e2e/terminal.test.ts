/** What needs a terminal, in a real one and on a real fleet. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { startPty } from "../helpers/pty.ts";

let fleet: Fleet;
let sweep: string;
const target = () => ["--server", fleet.grpc, "--token-file", fleet.tokenFile];
const SHELL = 'command = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo 行 $i; sleep 0.1; done", "${args}"]';

/** The cursor is seen again, and what was on the terminal before. */
const RESTORED = "\u001b[?25h\u001b[?1049l";

beforeAll(async () => {
  fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  const view = await fleet.submit(`name = "slow"\n[grid]\nlr = [0.1, 0.2, 0.3]\n[run]\n${SHELL}\n`);
  sweep = view.sweep;
}, 60_000);
afterAll(async () => {
  await fleet?.exp("cancel", "slow", "--yes");
  await fleet?.[Symbol.asyncDispose]();
});

describe("exp top", () => {
  test("shows the fleet; logs in place; cancels after a question; leaves the terminal as it was", async () => {
    await using pty = startPty(["top", ...target()]);
    await pty.until(/> slow\.1\.1 +running/, 60_000);
    await pty.until(/node-1 +ready +██ +2\/2/);
    await pty.until(/slow\.1\.3 +queued/);
    expect(pty.isAlternate()).toBe(true);

    pty.send("l");
    await pty.until(/logs of slow\.1\.1[\s\S]*行 \d+/);
    pty.send("q");
    await pty.until("RUNS");

    // Where the cursor is in the queue; its answer is in words.
    pty.send("\u001b[Z");
    await pty.until("▸ QUEUE");
    pty.send("w");
    await pty.until(/why slow\.1\.3[\s\S]*needs/);
    pty.send("q");

    pty.send("\t/1.2\r");
    await pty.until(/▸ RUNS 1 of \d with "1\.2"/);
    pty.send("c");
    await pty.until("cancel slow.1.2? y/n");
    pty.send("y");
    await pty.until(/slow\.1\.2 +cancelled/, 30_000);
    pty.send("\u001b");
    await pty.until(/slow\.1\.3 +running/, 30_000);

    pty.resize(60, 12);
    await pty.until(/▸ RUNS/);
    expect(pty.screen().length).toBeLessThanOrEqual(12);
    pty.send("?");
    await pty.until("any key goes back");
    pty.send("xq");
    expect(await pty.ended()).toBe(0);
    expect(pty.raw().endsWith(RESTORED)).toBe(true);
  }, 120_000);

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("%s gives the terminal back", async (name) => {
    await using pty = startPty(["top", ...target()]);
    await pty.until("RUNS");
    pty.signal(name);
    expect(await pty.ended()).toBe(130);
    expect(pty.raw().endsWith(RESTORED)).toBe(true);
  });

  test("so does a program that falls over", async () => {
    const main = fileURLToPath(new URL("../fixtures/programs/crash-with-screen.ts", import.meta.url));
    await using pty = startPty([], { main });
    await pty.until("up and running");
    pty.send("x");
    expect(await pty.ended()).not.toBe(0);
    expect(pty.isAlternate()).toBe(false);
    expect(pty.raw()).toContain("fell over");
  });

  test("NO_COLOR: no colours, and the mark of the cursor is still there", async () => {
    await using pty = startPty(["top", ...target()], { env: { NO_COLOR: "1" } });
    await pty.until(/> slow/);
    pty.send("q");
    await pty.ended();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences.
    expect(pty.raw()).not.toMatch(/\u001b\[\d+m/);
  });

  test("without a terminal: one look, exit 0", async () => {
    const { code, stdout } = await fleet.exp("top");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^exp top .*1 node, 2 of 2 devices busy/);
    expect(stdout).toContain(`${sweep}.1`);
    const json = JSON.parse((await fleet.exp("top", "--json")).stdout);
    expect(json).toMatchObject({ nodes: [{ name: "node-1" }], queue: { total: expect.any(Number) } });
  });

  test("a coordinator that restarts is said, and waited for", async () => {
    await using pty = startPty(["top", ...target()]);
    await pty.until("RUNS");
    await fleet.coordinator.kill9();
    await pty.until("the coordinator is away");
    await fleet.coordinator.start();
    await pty.until(/1 node, 2 of 2 devices busy/, 30_000);
    pty.send("q");
    expect(await pty.ended()).toBe(0);
  }, 60_000);
});

describe("exp events", () => {
  test("of a run, the oldest first; -f goes on where it was until it is interrupted", async () => {
    const { code, stdout } = await fleet.exp("events", "--run", "slow.1.2", "-o", "jsonl");
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.length).toBeGreaterThan(0);
    expect(events.every(({ run }) => run === "slow.1.2")).toBe(true);
    expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).toSorted((a, b) => a - b));

    await using pty = startPty(["events", "-f", ...target()], { columns: 200 });
    await pty.until(/slow\.1\.2/);
    await fleet.exp("cordon", "node-1");
    await pty.until(/node-1.*cordon|cordon.*node-1/);
    await fleet.exp("uncordon", "node-1");
    pty.signal("SIGINT");
    expect(await pty.ended()).toBe(130);
  });
});

describe("exp submit --follow", () => {
  test("says failures as they come; Ctrl-C detaches and says how to come back", async () => {
    await fleet.exp("cancel", "slow", "--yes");
    const file = join(fleet.dir, "mixed.toml");
    const command = '["sh", "-c", "test ${k} = 1 && exit 3; sleep 600"]';
    writeFileSync(file, `name = "mixed"\n[grid]\nk = [1, 2]\n[run]\ncommand = ${command}\n`);
    await using pty = startPty(["submit", file, "--follow", ...target()]);
    await pty.until(/mixed\.1\.1 failed: .*3/, 60_000);
    pty.signal("SIGINT");
    expect(await pty.ended()).toBe(130);
    expect(pty.raw()).toContain("no longer watching; the runs go on");
    expect(pty.raw()).toContain("next: exp wait mixed.1");
    const [, second] = await fleet.runs("mixed.1");
    expect(["running", "assigned", "queued"]).toContain(second?.state);
    await fleet.exp("cancel", "mixed", "--yes");
  }, 90_000);
});
