/** Each line of the shim's contract, with real processes. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createAttemptDir } from "../../../agent/process/attempt-dir.ts";
import { isAlive, readStat } from "../../../agent/process/proc.ts";
import { claimAttempt, readShimLog, spawnShim } from "../../../agent/process/shim.ts";
import { program, useAttemptHost } from "../../helpers/attempts.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const SHIM = fileURLToPath(new URL("../../../agent/process/shim.sh", import.meta.url));

describe("claim", () => {
  const host = useAttemptHost();

  it("is created with the shim's pid before the command runs", async () => {
    const attempt = host.start(["sh", "-c", 'cat "$EXP_ATTEMPT_DIR/claim"']);
    await attempt.exited;
    expect(attempt.output()).toBe(`${attempt.pid}\n`);
  });

  it("taken by the agent: nothing runs and nothing is recorded", async () => {
    const { dir } = host.newDir();
    expect(claimAttempt(dir)).toBe(true);
    const shim = spawnShim({ dir, argv: ["touch", "ran"], cwd: dir, env: { PATH: "/bin" }, cgroup: undefined });
    await shim.exited;
    expect(existsSync(join(dir, "ran"))).toBe(false);
    expect(readShimLog(dir)).toEqual({});
    expect(readFileSync(join(dir, "output.log"), "utf8")).toBe("");
  });

  it("taken by the shim: the agent does not get it", async () => {
    const attempt = host.start(["true"]);
    await attempt.exited;
    expect(claimAttempt(attempt.dir)).toBe(false);
  });

  it("can be asked for again by the agent that has it", () => {
    const { dir } = host.newDir();
    expect([claimAttempt(dir), claimAttempt(dir)]).toEqual([true, true]);
  });

  it("goes to one of two shims", async () => {
    const { dir } = host.newDir();
    const request = { dir, argv: ["sh", "-c", "echo ran"], cwd: dir, env: { PATH: "/bin" }, cgroup: undefined };
    await Promise.all(Array.from({ length: 8 }, () => spawnShim(request).exited));
    expect(readFileSync(join(dir, "output.log"), "utf8")).toBe("ran\n");
  });
});

describe("start", () => {
  const host = useAttemptHost();

  it("records the shim's own stat line, by which it is known again", async () => {
    const attempt = host.start(["sleep", "20"]);
    const started = await attempt.started();
    expect(started.pid).toBe(attempt.pid);
    expect(isAlive(started.pid, started.startTime)).toBe(true);
  });

  it("leads its own session and group", async () => {
    const attempt = host.start(["sleep", "20"]);
    await attempt.started();
    expect(readStat(attempt.pid)).toMatchObject({ session: attempt.pid, group: attempt.pid });
  });

  it("enters the cgroup file it was given", async () => {
    const { dir: group } = host.newDir();
    const procs = join(group, "cgroup.procs");
    writeFileSync(procs, "");
    const attempt = host.start(["true"], { cgroup: group });
    await attempt.exited;
    expect(readFileSync(procs, "utf8")).toBe(`${attempt.pid}\n`);
    expect(readShimLog(attempt.dir).exit?.code).toBe(0);
  });

  it("runs the command all the same where the cgroup may not be entered", async () => {
    const attempt = host.start(["echo", "ran"], { cgroup: "/nowhere" });
    await attempt.exited;
    expect(attempt.output()).toBe("ran\n");
    expect(readShimLog(attempt.dir).exit?.code).toBe(0);
  });

  it("that cannot be recorded keeps the command from running", async () => {
    const { dir } = host.newDir();
    mkdirSync(join(dir, "shim.log"));
    const shim = spawnShim({ dir, argv: ["touch", "ran"], cwd: dir, env: { PATH: "/bin" }, cgroup: undefined });
    await shim.exited;
    expect(existsSync(join(dir, "ran"))).toBe(false);
  });
});

describe("the command", () => {
  const host = useAttemptHost();

  it("gets its arguments byte for byte", async () => {
    const words = ["a b", "", "$(touch p)", "; rm x", "'\"", "two\nlines", "*", "-n", "\\t", "ü"];
    const attempt = host.start(["python3", "-c", "import sys; print(sys.argv[1:])", ...words]);
    await attempt.exited;
    expect(JSON.parse(attempt.output().replace(/'(?:[^'\\]|\\.)*'/g, quoteAsJson))).toEqual(words);
  });

  it("runs in the directory it was given, with nothing on stdin", async () => {
    const attempt = host.start(["sh", "-c", "pwd; readlink /proc/self/fd/0"], { cwd: "/usr" });
    await attempt.exited;
    expect(attempt.output()).toBe("/usr\n/dev/null\n");
  });

  it("inherits no file that the agent has open", async () => {
    const secret = openSync(join(host.workdir, "journal"), "w");
    const attempt = host.start(["sh", "-c", "ls -l /proc/$$/fd"]);
    await attempt.exited;
    closeSync(secret);
    expect(attempt.output()).toContain("output.log");
    expect(attempt.output()).not.toMatch(/journal|shim\.sh/);
  });

  it("has no signal ignored, caught or blocked", async () => {
    const attempt = host.start(["cat", "/proc/self/status"]);
    await attempt.exited;
    const masks = attempt.output().match(/^Sig(Ign|Cgt|Blk):\t[0-9a-f]+$/gm);
    expect(masks?.map((line) => Number.parseInt(line.slice(8), 16))).toEqual([0, 0, 0]);
  });

  it.each([
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGQUIT", 131],
    ["SIGTERM", 143],
  ] as const)("dies of %s to the group while the shim lives to record %i", async (signal, code) => {
    const attempt = host.start(["sh", "-c", "echo ready; exec sleep 20"]);
    await attempt.prints("ready");
    process.kill(-attempt.pid, signal);
    await attempt.exited;
    expect(readShimLog(attempt.dir).exit?.code).toBe(code);
  });

  it("may save on TERM and exit 7, and the record says 7", async () => {
    const attempt = host.start([program("save-on-term"), "saved"]);
    await attempt.prints("ready");
    process.kill(-attempt.pid, "SIGTERM");
    await attempt.exited;
    expect(readShimLog(attempt.dir).exit?.code).toBe(7);
    expect(readFileSync(join(attempt.dir, "saved"), "utf8")).toBe("saved\n");
  });

  it("writes stdout and stderr to one file in order, after what is there", async () => {
    const { dir } = host.newDir();
    writeFileSync(join(dir, "output.log"), "before\n");
    const argv = ["sh", "-c", "echo 1; echo 2 >&2; echo 3"];
    await spawnShim({ dir, argv, cwd: dir, env: { PATH: "/bin" }, cgroup: undefined }).exited;
    expect(readFileSync(join(dir, "output.log"), "utf8")).toBe("before\n1\n2\n3\n");
  });

  it("has its bytes kept as they are", async () => {
    const attempt = host.start([program("binary-output"), "50"]);
    await attempt.exited;
    const direct = spawnSync(program("binary-output"), ["50"]);
    expect(readFileSync(join(attempt.dir, "output.log")).equals(direct.stdout)).toBe(true);
  });

  it("alone gets LD_PRELOAD", async () => {
    const show = 'echo "command: $LD_PRELOAD"; tr "\\0" "\\n" <"/proc/$PPID/environ" | grep -c LD_PRELOAD';
    const attempt = host.start(["sh", "-c", show], { env: { LD_PRELOAD: "" } });
    await attempt.exited;
    expect(attempt.output()).toBe("command: \n0\n");
  });
});

describe("exit", () => {
  const host = useAttemptHost();

  it.each([
    ["0", [program("exit-n"), "0"], 0],
    ["a code of its own", [program("exit-n"), "3"], 3],
    ["77", [program("exit-n"), "77"], 77],
    ["255", [program("exit-n"), "255"], 255],
    ["killed", ["sh", "-c", "kill -KILL $$"], 137],
    ["a program that does not exist", ["no-such-program"], 127],
    ["a file that may not be executed", ["/etc/passwd"], 126],
    ["a directory", ["/etc"], 126],
    ["a word of the shell that is no program", ["exit", "0"], 127],
    ["another word of the shell", ["eval", "exit 0"], 127],
  ])("is recorded: %s", async (_, argv, code) => {
    const before = uptime();
    const attempt = host.start(argv);
    await attempt.exited;
    const { exit } = readShimLog(attempt.dir);
    expect(exit?.code).toBe(code);
    expect(exit?.uptimeSeconds).toBeGreaterThanOrEqual(before - 0.02);
    expect(exit?.uptimeSeconds).toBeLessThanOrEqual(uptime() + 0.02);
  });

  it("is recorded also when the agent that started it was killed meanwhile", async () => {
    const dir = join(host.workdir, "runs", "9");
    createAttemptDir(dir, "{}");
    const shim = fileURLToPath(new URL("../../../agent/process/shim.ts", import.meta.url));
    const argv = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done; exit 5"];
    const request = JSON.stringify({ dir, argv, cwd: dir, env: { PATH: process.env.PATH } });
    const agent = `import { spawnShim } from ${JSON.stringify(shim)}; spawnShim(${request}); process.kill(process.pid, 9);`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", agent]);
    expect(ended.signal).toBe("SIGKILL");
    expect(readShimLog(dir).exit).toBeUndefined();
    writeFileSync(join(dir, "go"), "");
    const { code } = await waitUntil("an exit line", () => readShimLog(dir).exit);
    expect(code).toBe(5);
  });

  const shells = ["dash", "bash", "busybox"].filter((name) => spawnSync(name, ["-c", ":"]).error === undefined);
  it.each(shells)("is the same under %s", (shell) => {
    const { dir } = host.newDir();
    const start = [...(shell === "busybox" ? ["sh"] : []), SHIM, dir, "-"];
    const first = spawnSync(shell, [...start, "sh", "-c", "exit 9"]);
    const second = spawnSync(shell, [...start, "touch", join(dir, "ran-twice")]);
    expect([first.status, readShimLog(dir).exit?.code, second.status]).toEqual([9, 9, 1]);
    expect(existsSync(join(dir, "ran-twice"))).toBe(false);
  });
});

describe("a command that cannot be started", () => {
  const host = useAttemptHost();

  it.each([
    ["no directory", { cwd: "/no/such/dir" }, /its directory \/no\/such\/dir does not exist on this host/],
    ["a file for a directory", { cwd: "/etc/passwd" }, /directory \/etc\/passwd does not exist/],
    ["no words", { argv: [] }, /the command is empty/],
    [
      "far too many arguments",
      {
        argv: [
          "true",
          ..."x"
            .repeat(40)
            .split("")
            .map(() => "y".repeat(120_000)),
        ],
      },
      /too long/,
    ],
    ["a NUL in an argument", { argv: ["echo", "a\0b"] }, /null bytes/],
  ])("is refused in one clear line: %s", (_, change, message) => {
    const { dir } = host.newDir();
    const request = { dir, argv: ["true"], cwd: dir, env: { PATH: "/bin" }, cgroup: undefined, ...change };
    expect(() => spawnShim(request)).toThrow(
      expect.objectContaining({ name: "AppError", code: "invalid", message: expect.stringMatching(message) }),
    );
    expect(claimAttempt(dir)).toBe(true);
  });
});

/** Python's repr of a string to JSON, for the few escapes of this test. */
function quoteAsJson(text: string): string {
  return JSON.stringify(text.slice(1, -1).replace(/\\n/g, "\n").replace(/\\'/g, "'").replace(/\\\\/g, "\\"));
}
