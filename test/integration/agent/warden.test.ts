/** Leases are enforced by the warden alone, whatever the agent does. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leaseExpired } from "../../../agent/process/adopt.ts";
import { allPids, isAlive, processesOfFence, readStat, sessionMembers } from "../../../agent/process/proc.ts";
import { claimAttempt, readShimLog, spawnShim } from "../../../agent/process/shim.ts";
import { ensureWarden, readLease, stopWarden, wardenPid, writeLease } from "../../../agent/process/warden.ts";
import { program, type TestAttempt, useAttemptHost } from "../../helpers/attempts.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const soon = (seconds: number) => (uptime() + seconds) * 1000;

async function lease(attempt: TestAttempt, deadlineUptimeMs: number): Promise<void> {
  const started = await attempt.started();
  writeLease(attempt.dir, { deadlineUptimeMs, ...started, cgroup: undefined });
}

describe("a lease", () => {
  const host = useAttemptHost();

  it("is one line that the warden's shell can read, in whole seconds rounded down", () => {
    const { dir } = host.newDir();
    writeLease(dir, { deadlineUptimeMs: 12_999, pid: 7, startTime: 8, cgroup: "/sys/fs/cgroup/a b" });
    expect(readFileSync(join(dir, "lease"), "utf8")).toBe("12 7 8 /sys/fs/cgroup/a b\n");
    expect(readLease(dir)).toEqual({ deadlineUptimeMs: 12_000, pid: 7, startTime: 8, cgroup: "/sys/fs/cgroup/a b" });
  });

  it("that is absent or broken reads as none", () => {
    const { dir } = host.newDir();
    expect(readLease(dir)).toBeUndefined();
    writeFileSync(join(dir, "lease"), "12 7");
    expect(readLease(dir)).toBeUndefined();
  });

  it("that has passed ends the attempt and says so", async () => {
    await ensureWarden(host.workdir);
    const attempt = host.start([program("ignore-term")]);
    await attempt.prints("ready");
    const deadline = soon(1);
    await lease(attempt, deadline);
    await attempt.exited;
    expect(uptime() * 1000).toBeGreaterThanOrEqual(Math.floor(deadline / 1000) * 1000);
    expect(leaseExpired(attempt.dir)).toBe(true);
    await waitUntil("nothing of it is left", () => processesOfFence(attempt.dir).length === 0);
  });

  it("that is renewed in time changes nothing", async () => {
    await ensureWarden(host.workdir);
    const renewed = host.start(["sleep", "20"]);
    const lapsed = host.start(["sleep", "20"]);
    await lease(renewed, soon(1));
    await lease(lapsed, soon(1));
    await lease(renewed, soon(100));
    await lapsed.exited;
    expect(isAlive(renewed.pid, (await renewed.started()).startTime)).toBe(true);
    expect(leaseExpired(renewed.dir)).toBe(false);
  });

  it("reaches what has left the session", async () => {
    await ensureWarden(host.workdir);
    const attempt = host.start(["sh", "-c", '"$0" daemon && sleep 20', program("double-fork")]);
    const daemon = await waitUntil("a daemon", () => readIfThere(join(attempt.dir, "daemon")));
    expect(readStat(daemon)?.session).not.toBe(attempt.pid);
    await lease(attempt, soon(0));
    await waitUntil("the daemon is killed", () => !isRunning(daemon));
  });

  it("reaches what has cleared its environment but stayed in the session", async () => {
    await ensureWarden(host.workdir);
    const attempt = host.start(["sh", "-c", 'env -i sh -c "sleep 20 & echo \\$! >bare; wait"']);
    const bare = await waitUntil("a bare process", () => readIfThere(join(attempt.dir, "bare")));
    await lease(attempt, soon(0));
    await waitUntil("it is killed", () => !isRunning(bare));
  });

  it("reaches what starts children with a bare environment all the while", async () => {
    await ensureWarden(host.workdir);
    const attempt = host.start(["sh", "-c", "env -i sh -c 'while :; do sleep 20 & sleep 0.01; done'"]);
    await waitUntil("it starts some", () => sessionMembers(attempt.pid).length > 5);
    await lease(attempt, soon(0));
    await attempt.exited;
    await waitUntil("nothing of its session is left", () => sessionMembers(attempt.pid).length === 0);
  });

  it("that passes before the shim starts keeps it from ever starting", async () => {
    await ensureWarden(host.workdir);
    const { dir } = host.newDir();
    writeLease(dir, { deadlineUptimeMs: soon(0), pid: 0, startTime: 0, cgroup: undefined });
    await waitUntil("it expires", () => leaseExpired(dir));
    await spawnShim({ dir, argv: ["touch", "ran"], cwd: dir, env: { PATH: "/bin" }, cgroup: undefined }).exited;
    expect(existsSync(join(dir, "ran"))).toBe(false);
    expect(claimAttempt(dir)).toBe(true);
  });

  it("of an attempt that ended by itself passes without a word, and its leftovers are killed", async () => {
    await ensureWarden(host.workdir);
    const attempt = host.start([program("double-fork"), "daemon"]);
    await attempt.exited;
    const daemon = await waitUntil("a daemon", () => readIfThere(join(attempt.dir, "daemon")));
    await lease(attempt, soon(0));
    await waitUntil("the daemon is killed", () => !isRunning(daemon));
    expect(readShimLog(attempt.dir).exit?.code).toBe(0);
    expect(leaseExpired(attempt.dir)).toBe(false);
  });

  it("never hits a stranger: not by fence number, not by a pid that was used again, not by a longer fence", async () => {
    await ensureWarden(host.workdir);
    const { fence, dir } = host.newDir();
    const stranger = spawn("sleep", ["20"], {
      detached: true,
      stdio: "ignore",
      env: { PATH: process.env.PATH, EXP_FENCE: String(fence), EXP_ATTEMPT_DIR: `${dir}0` },
    });
    const pid = stranger.pid ?? 0;
    writeLease(dir, {
      deadlineUptimeMs: soon(0),
      pid,
      startTime: (readStat(pid)?.startTime ?? 0) - 1,
      cgroup: undefined,
    });
    const victim = host.start(["sleep", "20"]);
    await lease(victim, soon(0));
    await victim.exited;
    await waitUntil("the first lease expires too", () => leaseExpired(dir));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });

  it("is enforced from a session apart, which no signal to the agent's group reaches", async () => {
    const pid = await ensureWarden(host.workdir);
    expect(readStat(pid)).toMatchObject({ session: pid, group: pid });
  });
});

describe("the warden", () => {
  const host = useAttemptHost();

  it("is one for each workdir, also when many ask at once", async () => {
    await Promise.all(Array.from({ length: 5 }, () => ensureWarden(host.workdir)));
    // Each that begins takes over; whichever was last stays.
    await waitUntil("the others have gone", () => wardensOf(host.workdir).join() === String(wardenPid(host.workdir)));
    expect(await ensureWarden(host.workdir)).toBe(wardenPid(host.workdir));
  });

  it("is started again after it was killed", async () => {
    const first = await ensureWarden(host.workdir);
    process.kill(first, "SIGKILL");
    await waitUntil("it is gone", () => wardenPid(host.workdir) === undefined);
    const second = await ensureWarden(host.workdir);
    expect(second).not.toBe(first);
    expect(wardenPid(host.workdir)).toBe(second);
  });

  it("is not taken for alive by a pid file of another process or another boot", async () => {
    const own = readStat(process.pid);
    const file = join(host.workdir, "warden.pid");
    writeFileSync(file, `${process.pid} ${(own?.startTime ?? 0) + 1} ${readBootId()}\n`);
    expect(wardenPid(host.workdir)).toBeUndefined();
    writeFileSync(file, `${process.pid} ${own?.startTime} another-boot\n`);
    expect(wardenPid(host.workdir)).toBeUndefined();
    writeFileSync(file, "");
    expect(await ensureWarden(host.workdir)).toBeGreaterThan(1);
  });

  it("stops when told, and ends by itself when the workdir is gone", async () => {
    const first = await ensureWarden(host.workdir);
    await stopWarden(host.workdir);
    expect(isRunning(first)).toBe(false);
    const second = await ensureWarden(host.workdir);
    renameSync(host.workdir, `${host.workdir}-gone`);
    await waitUntil("it has ended", () => !isRunning(second));
    rmSync(`${host.workdir}-gone`, { recursive: true });
    mkdirSync(host.workdir);
  });

  it("costs nearly nothing", async () => {
    for (let i = 0; i < 20; i++) {
      const { dir } = host.newDir();
      writeLease(dir, { deadlineUptimeMs: soon(1000), pid: 0, startTime: 0, cgroup: undefined });
    }
    const pid = await ensureWarden(host.workdir);
    const born = readStat(pid)?.startTime ?? 0;
    // Three rounds at least.
    await waitUntil("it has run for 3 s", () => uptime() * 100 - born > 320);
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const ownTicks = Number(fields[11]) + Number(fields[12]);
    const childTicks = Number(fields[13]) + Number(fields[14]);
    // In hundredths of a second, of more than 300.
    expect(ownTicks + childTicks).toBeLessThanOrEqual(6);
  });
});

function readIfThere(path: string): number | undefined {
  const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return text === "" ? undefined : Number(text);
}

function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== "Z";
}

function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Pids of warden processes of a workdir, by their command lines. */
function wardensOf(workdir: string): number[] {
  return allPids().filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return words[1]?.endsWith("/warden.sh") === true && words[2] === workdir && isRunning(pid);
    } catch {
      return false;
    }
  });
}
