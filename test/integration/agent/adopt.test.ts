/** What a restarted agent finds, at each point at which the one before may have died. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspectAttempt } from "../../../agent/process/adopt.ts";
import { attemptMarker, createAttemptDir, removeAttemptDir } from "../../../agent/process/attempt-dir.ts";
import { bootId, processesOfFence } from "../../../agent/process/proc.ts";
import { readShimLog, spawnShim } from "../../../agent/process/shim.ts";
import { createSpareDirs } from "../../../agent/process/spare-dirs.ts";
import { useAttemptHost } from "../../helpers/attempts.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const sameBoot = { bootId: bootId(), journalBootId: bootId() };
const otherBoot = { bootId: bootId(), journalBootId: "an earlier one" };

describe("inspectAttempt", () => {
  const host = useAttemptHost();
  const request = (dir: string, argv: string[]) => ({
    dir,
    argv,
    cwd: dir,
    env: { PATH: process.env.PATH ?? "" },
    cgroup: undefined,
  });

  it("not_started: no directory", () => {
    expect(inspectAttempt(join(host.workdir, "runs", "77"), sameBoot)).toEqual({ state: "not_started" });
  });

  it("not_started: no shim yet, and one that comes later does not run", async () => {
    const { dir } = host.newDir();
    expect(inspectAttempt(dir, sameBoot)).toEqual({ state: "not_started" });
    await spawnShim(request(dir, ["touch", "ran"])).exited;
    expect(existsSync(join(dir, "ran"))).toBe(false);
    expect(inspectAttempt(dir, sameBoot)).toEqual({ state: "not_started" });
  });

  it.each([["agent\n"], ["warden\n"]])("not_started: the claim is taken by %j", (claim) => {
    const { dir } = host.newDir();
    writeFileSync(join(dir, "claim"), claim);
    expect(inspectAttempt(dir, sameBoot)).toEqual({ state: "not_started" });
  });

  it.each([["4711\n"], [""]])("not_started: a shim claimed (%j), died before its start line, and is gone", (claim) => {
    const { dir } = host.newDir();
    writeFileSync(join(dir, "claim"), claim);
    expect(inspectAttempt(dir, sameBoot)).toEqual({ state: "not_started" });
  });

  it("claimed: a shim is alive between its claim and its start line", async () => {
    const attempt = host.start(["sleep", "20"]);
    await attempt.started();
    rmSync(join(attempt.dir, "shim.log"));
    expect(inspectAttempt(attempt.dir, sameBoot)).toEqual({ state: "claimed" });
  });

  it("running, then exited with its code", async () => {
    const attempt = host.start(["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done; exit 4"]);
    const started = await attempt.started();
    expect(inspectAttempt(attempt.dir, sameBoot)).toEqual({ state: "running", ...started });
    writeFileSync(join(attempt.dir, "go"), "");
    await attempt.exited;
    expect(inspectAttempt(attempt.dir, sameBoot)).toMatchObject({ state: "exited", code: 4 });
    expect(inspectAttempt(attempt.dir, otherBoot)).toMatchObject({ state: "exited", code: 4 });
  });

  it("dead: the shim was killed, though its command lives", async () => {
    const attempt = host.start(["sleep", "20"]);
    await attempt.started();
    process.kill(attempt.pid, "SIGKILL");
    await attempt.exited;
    expect(inspectAttempt(attempt.dir, sameBoot)).toEqual({ state: "dead" });
    expect(processesOfFence(attemptMarker(attempt.dir))).toHaveLength(1);
  });

  it("dead: another process has the shim's pid now", () => {
    const { dir } = host.newDir();
    const numbers = Array.from({ length: 48 }, () => "1").join(" ");
    writeFileSync(join(dir, "claim"), `${process.pid}\n`);
    writeFileSync(join(dir, "shim.log"), `start ${process.pid} (sh) S ${numbers}\n`);
    expect(inspectAttempt(dir, sameBoot)).toEqual({ state: "dead" });
  });

  it("dead: an exit line without its newline does not count", async () => {
    const attempt = host.start(["true"]);
    await attempt.exited;
    const log = readShimLog(attempt.dir);
    expect(log.exit?.code).toBe(0);
    const start = `start ${attempt.pid} (sh) S ${Array.from({ length: 48 }, () => "1").join(" ")}\n`;
    writeFileSync(join(attempt.dir, "shim.log"), `${start}exit 0 12.5`);
    expect(inspectAttempt(attempt.dir, sameBoot)).toEqual({ state: "dead" });
  });

  it("rebooted: nothing is claimed, since a power cut may have taken the claim of a run that ran", () => {
    const { dir } = host.newDir();
    expect(inspectAttempt(dir, otherBoot)).toEqual({ state: "rebooted" });
    expect(existsSync(join(dir, "claim"))).toBe(false);
  });

  it("one winner, whenever the agent asks while a shim starts", async () => {
    const seen = new Set<string>();
    for (let delay = 0; delay < 60; delay++) {
      const { dir } = host.newDir();
      const shim = spawnShim(request(dir, ["touch", "ran"]));
      const until = performance.now() + delay * 0.1;
      while (performance.now() < until);
      let found = inspectAttempt(dir, sameBoot);
      const first = found.state;
      found = await waitUntil("an answer that is final", () => {
        if (found.state === "claimed") found = inspectAttempt(dir, sameBoot);
        return found.state !== "claimed" && found;
      });
      await shim.exited;
      const ran = existsSync(join(dir, "ran"));
      expect({ first, final: found.state, ran }).toMatchObject({ ran: found.state !== "not_started" });
      seen.add(found.state);
    }
    expect(seen.size).toBeGreaterThanOrEqual(2);
  });
});

describe("createAttemptDir", () => {
  const host = useAttemptHost();

  it("takes a spare directory where there is one, and is the same with it", async () => {
    const { dir: made } = host.newDir();
    const workdir = join(made, "..", "..");
    const spares = createSpareDirs(workdir);
    await waitUntil("spare directories", () => existsSync(join(workdir, "spare", "4")));
    const dir = join(workdir, "runs", "901");
    createAttemptDir(dir, "{}", spares.moveTo);
    expect(readdirSync(join(workdir, "spare"))).not.toContain("4");
    const shape = (root: string) =>
      readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => [name, statSync(join(root, name)).mode]);
    expect(shape(dir)).toEqual(shape(made));
    expect(statSync(dir).mode).toBe(statSync(made).mode);
    expect(() => createAttemptDir(dir, "{}", spares.moveTo)).toThrow(expect.objectContaining({ code: "conflict" }));
    spares.close();
  });

  it("makes a private directory with its parameters, once", async () => {
    const { dir } = host.newDir('{"lr": 1}');
    expect(existsSync(join(dir, "artifacts")) && existsSync(join(dir, "checkpoints"))).toBe(true);
    expect(() => createAttemptDir(dir, "{}")).toThrow(expect.objectContaining({ code: "conflict" }));
    expect(readFileSync(join(dir, "config.json"), "utf8")).toBe('{"lr": 1}');
    await removeAttemptDir(dir);
    await removeAttemptDir(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it("leaves nothing where it cannot be filled", () => {
    const dir = join(host.workdir, "runs", "78");
    const odd = () => mkdirSync(join(dir, "config.json"), { recursive: true }) !== undefined;
    expect(() => createAttemptDir(dir, "{}", odd)).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(existsSync(dir)).toBe(false);
  });
});
