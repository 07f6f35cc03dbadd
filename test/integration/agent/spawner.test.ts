/** Shims through the helper process and without it: the same contract. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attemptDir, attemptPaths, createAttemptDir } from "../../../agent/process/attempt-dir.ts";
import { allPids, isAlive, readStat } from "../../../agent/process/proc.ts";
import { readShimLog } from "../../../agent/process/shim.ts";
import { createSpawner, type Spawner } from "../../../agent/process/spawner.ts";
import { fence } from "../../../shared/kernel/ids.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

let workdir = "";
let last = 0;
let spawner: Spawner;

beforeEach(() => {
  workdir = mkdtempSync(join(tmpdir(), "spawner-"));
});
afterEach(async () => {
  spawner.close();
  await waitUntil("the helper has ended", () => helpers().length === 0);
  rmSync(workdir, { recursive: true, force: true });
});

/** Helper processes that are children of this one. */
function helpers(): number[] {
  return allPids().filter((pid) => {
    const stat = readStat(pid);
    return stat?.parent === process.pid && stat.comm.startsWith("python") && stat.state !== "Z";
  });
}

function request(argv: readonly string[], cwd = workdir, env: { readonly [name: string]: string } = {}) {
  const dir = attemptDir(workdir, fence(++last));
  createAttemptDir(dir, "{}");
  return { dir, argv, cwd, env: { PATH: process.env.PATH ?? "", WORD: "a b", ...env }, cgroup: undefined };
}

describe.each(["python3", "no-such-python"])("by %s", (python) => {
  test("output, environment, directory, session and exit code are the command's own", async () => {
    spawner = await createSpawner(python);
    expect(helpers()).toHaveLength(python === "python3" ? 1 : 0);
    const asked = request(["sh", "-c", 'echo "$WORD"; pwd; echo err >&2; cat; exit 5']);
    const shim = await spawner.spawn(asked);
    expect(readStat(shim.pid)?.session ?? shim.pid).toBe(shim.pid);
    expect(await shim.over).toBe("ended");
    expect(readFileSync(attemptPaths(asked.dir).output, "utf8")).toBe(`a b\n${workdir}\nerr\n`);
    expect(readShimLog(asked.dir)).toMatchObject({
      started: { pid: shim.pid, startTime: shim.startTime },
      exit: { code: 5 },
    });
  });

  test("signals are at their defaults in the command", async () => {
    spawner = await createSpawner(python);
    const asked = request(["sh", "-c", "grep -E 'Sig(Ign|Blk)' /proc/self/status"]);
    await (await spawner.spawn(asked)).over;
    const masks = readFileSync(attemptPaths(asked.dir).output, "utf8").trim().split("\n");
    // 32 and 33 are the C library's own; posix_spawn leaves them ignored, and no program can use them.
    const own = 0b11n << 31n;
    expect(masks.map((line) => BigInt(`0x${line.split("\t")[1]}`) & ~own)).toEqual([0n, 0n]);
  });

  test("a directory that is not there, and arguments beyond the host's bound, are the command's fault", async () => {
    spawner = await createSpawner(python);
    await expect(spawner.spawn(request(["true"], join(workdir, "none")))).rejects.toMatchObject({ code: "invalid" });
    await expect(spawner.spawn(request(["true", "x".repeat(300_000)]))).rejects.toMatchObject({ code: "invalid" });
    const shim = await spawner.spawn(request(["true"]));
    expect(await shim.over).toBe("ended");
  });

  test("many at once", async () => {
    spawner = await createSpawner(python);
    const shims = await Promise.all(
      Array.from({ length: 40 }, (_, i) => spawner.spawn(request(["sh", "-c", `exit ${i}`]))),
    );
    expect(await Promise.all(shims.map(({ over }) => over))).toEqual(shims.map(() => "ended"));
  });
});

test("a killed helper leaves its shims alone, says so, and is replaced", async () => {
  spawner = await createSpawner();
  const asked = request(["sleep", "30"]);
  const shim = await spawner.spawn(asked);
  const [helper] = helpers();
  execFileSync("kill", ["-KILL", String(helper)]);
  expect(await shim.over).toBe("unwatched");
  expect(isAlive(shim.pid, shim.startTime)).toBe(true);
  expect(await (await spawner.spawn(request(["true"]))).over).toBe("ended");
  await waitUntil("a new helper", () => helpers().some((pid) => pid !== helper));
  process.kill(-shim.pid, "SIGKILL");
});

describe("started ahead", () => {
  /** A directory in the place of a cgroup: a shim that enters it leaves its pid in the file. */
  async function ahead(): Promise<{ cgroup: string; pid: number }> {
    const cgroup = mkdtempSync(join(workdir, "group-"));
    spawner.startAhead(cgroup);
    const pid = await waitUntil("it has entered", () => {
      const file = join(cgroup, "cgroup.procs");
      return existsSync(file) && Number(readFileSync(file, "utf8"));
    });
    expect(spawner.aheadCount(cgroup)).toBe(1);
    return { cgroup, pid };
  }

  async function outputOf(asked: ReturnType<typeof request>, cgroup?: string): Promise<string> {
    const shim = await spawner.spawn({ ...asked, cgroup });
    expect(await shim.over).toBe("ended");
    expect(readShimLog(asked.dir)).toMatchObject({ started: { pid: shim.pid, startTime: shim.startTime } });
    return readFileSync(attemptPaths(asked.dir).output, "utf8").replaceAll(asked.dir, "DIR");
  }

  const TRICKY = {
    QUOTES: `it's "here" \\ $HOME \`x\``,
    LINES: "one\ntwo\n",
    EMPTY: "",
    中文: "not a name to a shell",
    dir: "names of the shim's own",
    procs: "p",
    code: "c",
    stat: "s",
    uptime: "u",
    PWD: "/somewhere/else",
    LC_ALL: "C",
  };
  const SHOW =
    "env -0 | sort -z | tr '\\0' '\\n'; pwd; cat; grep -E 'Sig(Ign|Blk)' /proc/self/status; umask; echo \"$@\" >&2";

  test.each([
    { what: "by the shim that waits", env: { ...TRICKY, 中文: undefined }, used: true },
    { what: "the ordinary way where a shell could not set a variable", env: TRICKY, used: false },
    { what: "the ordinary way where a variable is the shell's own", env: { ENV: "/dev/null" }, used: false },
  ])("the command finds the same: $what", async ({ env, used }) => {
    spawner = await createSpawner();
    const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) as typeof TRICKY;
    const argv = ["sh", "-c", SHOW, "0", "it's", "a b", "*", "$HOME"];
    const expected = await outputOf(request(argv, workdir, given));
    const { cgroup, pid } = await ahead();
    const asked = request(argv, workdir, given);
    expect(await outputOf(asked, cgroup)).toBe(expected);
    expect(expected).toContain("a b * $HOME");
    expect(readShimLog(asked.dir).started?.pid === pid).toBe(used);
    expect(spawner.aheadCount(cgroup)).toBe(0);
    await waitUntil("none is left", () => readStat(pid) === undefined);
  });

  test("without a cgroup, each serves one attempt, the oldest first", async () => {
    spawner = await createSpawner();
    spawner.startAhead(undefined);
    spawner.startAhead(undefined);
    expect(spawner.aheadCount(undefined)).toBe(2);
    const asked = [1, 2, 3].map((number) => request(["sh", "-c", `echo ${number} $$`], workdir));
    const shims = await Promise.all(asked.map((each) => spawner.spawn(each)));
    expect(spawner.aheadCount(undefined)).toBe(0);
    expect(new Set(shims.map(({ pid }) => pid)).size).toBe(3);
    for (const [i, shim] of shims.entries()) {
      const { dir } = asked[i] ?? { dir: "" };
      expect(await shim.over).toBe("ended");
      expect(readShimLog(dir)).toMatchObject({
        started: { pid: shim.pid, startTime: shim.startTime },
        exit: { code: 0 },
      });
      expect(readFileSync(attemptPaths(dir).output, "utf8")).toMatch(new RegExp(`^${i + 1} \\d+\n$`));
      // Only one that waited was told what to start by a file.
      expect(statSync(attemptPaths(dir).launch).size > 0).toBe(i < 2);
    }
  });

  test("needs nothing of the helper to begin", async () => {
    spawner = await createSpawner();
    const { cgroup, pid } = await ahead();
    const [helper = 0] = helpers();
    process.kill(helper, "SIGSTOP");
    const asked = request(["echo", "ran"]);
    const shim = await spawner.spawn({ ...asked, cgroup });
    expect(shim.pid).toBe(pid);
    await waitUntil("it has run", () => readShimLog(asked.dir).exit?.code === 0);
    process.kill(helper, "SIGCONT");
    expect(await shim.over).toBe("ended");
    expect(readFileSync(attemptPaths(asked.dir).output, "utf8")).toBe("ran\n");
  });

  test("one that could not even be started is told, and is no obstacle", async () => {
    const script = fileURLToPath(new URL("../../../agent/process/spawner.py", import.meta.url));
    const requests = [{ ahead: 1, argv: ["/no/such/program"] }, { drop: 1 }, { ahead: 2, argv: ["/bin/true"] }];
    const helper = spawn("python3", ["-I", "-S", "-B", script], { stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    helper.stdout.on("data", (data) => {
      said += String(data);
    });
    helper.stdin.write(requests.map((each) => `${JSON.stringify(each)}\n`).join(""));
    const kinds = () => said.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line).kind]));
    await waitUntil("both are told", () => kinds().length === 4, { seen: kinds });
    expect(kinds()).toEqual(["ready", "gone", "waiting", "gone"]);
    helper.stdin.end();
    expect(await once(helper, "exit")).toEqual([0, null]);
  });

  test("one that was killed is told, and is no obstacle", async () => {
    spawner = await createSpawner();
    const { cgroup, pid } = await ahead();
    process.kill(pid, "SIGKILL");
    await waitUntil("it is dead", () => (readStat(pid)?.state ?? "Z") === "Z");
    expect(await outputOf(request(["echo", "ran"]), cgroup)).toBe("ran\n");
    const next = await ahead();
    process.kill(next.pid, "SIGKILL");
    await waitUntil("it is told", () => spawner.aheadCount(next.cgroup) === 0);
  });

  test("those without an attempt end with the helper, however it ends", async () => {
    spawner = await createSpawner();
    const first = await ahead();
    for (const pid of helpers()) process.kill(pid, "SIGKILL");
    await waitUntil("the first has ended", () => readStat(first.pid) === undefined);
    await waitUntil("it is told", () => spawner.aheadCount(first.cgroup) === 0);
    await waitUntil("a new helper", () => helpers().length === 1);
    const second = await ahead();
    spawner.close();
    await waitUntil("the second has ended", () => readStat(second.pid) === undefined);
  });
});
