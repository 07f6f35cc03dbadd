/**
 * Containers that belong to a daemon, as Docker's do: whatever ends an attempt ends its container, although no process of it can be
 * seen. Docker is a stand-in here, whose containers are processes of a daemon without the attempt's marker; the rest is real.
 */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allPids, readStat } from "../../agent/process/proc.ts";
import { required } from "../../shared/kernel/assert.ts";
import { program } from "../helpers/attempts.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

let dir = "";
let socket = "";
let stopDaemon = () => {};
beforeAll(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "exp-docker-")));
  socket = join(dir, "docker.sock");
  symlinkSync(program("docker"), join(dir, "docker"));
  process.env.PATH = `${dir}${delimiter}${process.env.PATH ?? ""}`;
  process.env.DOCKER_HOST = socket;
  const daemon = spawn(program("docker"), ["daemon"], { stdio: "ignore" });
  stopDaemon = () => daemon.kill("SIGKILL");
  await waitUntil("the daemon listens", () => existsSync(socket));
});
afterAll(() => {
  stopDaemon();
  rmSync(dir, { recursive: true, force: true });
});

const FLAGS = { agents: 1, cpuSlots: 1, agentFlags: ["--container-engine", "docker"] };
const pidFile = (fleet: Fleet) => join(fleet.dir, "pid");
const isLive = (pid: number) => !["Z", undefined].includes(readStat(pid)?.state);

/** Starts a run that stays until it is killed, and resolves with the pid of its program in the container. */
async function stay(fleet: Fleet, name: string): Promise<number> {
  await fleet.submit(`
    name = "${name}"
    limits.stop_grace = "1s"
    [run]
    image = "any"
    command = "trap 'echo asked' TERM; echo $$$$ >pid.new && mv pid.new pid; while :; do sleep 0.1; done"
  `);
  await waitUntil("it runs", () => existsSync(pidFile(fleet)), { boundMs: 20_000 });
  const pid = Number(readFileSync(pidFile(fleet), "utf8"));
  expect(isLive(pid)).toBe(true);
  return pid;
}

test("a cancelled run is asked once, and over when its container is", async () => {
  await using fleet = await startFleet(FLAGS);
  const pid = await stay(fleet, "cancelled");
  await fleet.exp("cancel", "cancelled.1.1", "--yes");
  const [run] = await fleet.done("cancelled.1", 30_000);
  expect(isLive(pid)).toBe(false);
  expect(run?.state).toBe("cancelled");
  expect((await fleet.exp("logs", "cancelled.1.1")).stdout).toBe("asked\n");
});

test("a client that dies leaves nothing behind", async () => {
  await using fleet = await startFleet(FLAGS);
  const pid = await stay(fleet, "orphan");
  const words = ["\0run\0", "exp-orphan.1.1", "enter.sh"];
  const client = allPids().find((one) => words.every((word) => commandLine(one).includes(word)) && !isShell(one));
  process.kill(required(client, "the client"), "SIGKILL");
  const [run] = await fleet.done("orphan.1", 30_000);
  expect(isLive(pid)).toBe(false);
  expect(run).toMatchObject({ state: "failed", reason: "killed by signal 9" });
});

test("the warden ends the container of a dead agent", async () => {
  const coordinatorFlags = ["--lease", "4s", "--heartbeat", "500ms", "--kill-time", "4s"];
  await using fleet = await startFleet({ ...FLAGS, coordinatorFlags });
  const pid = await stay(fleet, "silent");
  await fleet.agents[0]?.kill9();
  await waitUntil("it is killed", () => !isLive(pid), { boundMs: 30_000 });
  await fleet.exp("cancel", "silent.1.1", "--yes");
  fleet.agents[0]?.start();
  await fleet.done("silent.1", 30_000);
});

test("a container that starts after its attempt is over runs nothing", async () => {
  await using fleet = await startFleet(FLAGS);
  writeFileSync(`${socket}.hold`, "");
  await fleet.submit(`
    name = "late"
    limits.stop_grace = "0s"
    [run]
    image = "any"
    command = "touch ran"
  `);
  const runs = join(required(fleet.agents[0], "the agent").workdir, "runs");
  await waitUntil("the daemon is asked", () => existsSync(`${socket}.held`), { boundMs: 20_000 });
  await fleet.exp("cancel", "late.1.1", "--yes");
  expect(await fleet.done("late.1", 30_000)).toMatchObject([{ state: "cancelled" }]);
  const [fence = ""] = readdirSync(runs).filter((name) => /^\d+$/.test(name));
  expect(readFileSync(join(runs, fence, "container.claim"), "utf8")).toBe("agent\n");
  rmSync(`${socket}.hold`);
  await waitUntil("it was told", () =>
    readFileSync(join(runs, fence, "output.log"), "utf8").includes("started too late"),
  );
  expect(existsSync(join(fleet.dir, "ran"))).toBe(false);
});

function isShell(pid: number): boolean {
  return commandLine(pid).startsWith("/bin/sh");
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    // Gone meanwhile.
    return "";
  }
}
