/** `exp up` and `exp down` with the real parts: kept alive, left alone when wanted, and gone without a trace. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunView } from "../../shared/run/views.ts";
import { processesOf } from "../helpers/fleet.ts";
import { runExp, startProgram } from "../helpers/program-process.ts";
import { waitUntil } from "../helpers/wait-until.ts";

let dir = "";
let stack = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-up-"));
  stack = join(dir, ".exp");
});
afterEach(async () => {
  await exp("down", "--yes");
  await waitUntil("no process of the stack", () => processesOf(dir).length === 0, { seen: () => processesOf(dir) });
  rmSync(dir, { recursive: true, force: true });
});

const exp = (...args: string[]) => runExp(args, dir, { XDG_CONFIG_HOME: dir });
const UP = ["up", "--port", "0", "--gpus", "none", "--cpu-slots", "2"];

interface Pids {
  readonly nats: number;
  readonly coordinator: number;
  readonly agent: number;
}
const pids = () => JSON.parse(readFileSync(join(stack, "pids.json"), "utf8")) as Pids;
const stackFile = () => JSON.parse(readFileSync(join(stack, "stack.json"), "utf8")) as { [key: string]: unknown };

async function runs(ref: string): Promise<RunView[]> {
  const { stdout, code, stderr } = await exp("ls", ref, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as RunView[];
}

/** Submits a run that lasts until it is stopped; returns when its program runs. */
async function submitLongRun(): Promise<void> {
  const command = ["sh", "-c", 'echo $$ > pid; trap "exit 3" TERM; while :; do sleep 0.1; done'];
  expect((await exp("submit", "--name", "long", "--", ...command)).code).toBe(0);
  await waitUntil("the run's own word", () => readdirSync(dir).includes("pid"));
}

function longRunLives(): boolean {
  const pid = Number(readFileSync(join(dir, "pid"), "utf8"));
  return processesOf(dir).length > 0 && readdirSync("/proc").includes(String(pid));
}

function expectNothingLeft(): void {
  expect(processesOf(dir)).toEqual([]);
  expect(readdirSync(stack)).not.toEqual(expect.arrayContaining(["stack.json"]));
  expect(readdirSync(stack)).not.toEqual(expect.arrayContaining(["pids.json"]));
}

test("up, work, parts that die, down", async () => {
  const up = await exp(...UP, "--detach", "--json");
  expect(up).toMatchObject({ code: 0, stderr: "" });
  const said = JSON.parse(up.stdout);
  expect(Object.keys(pids())).toEqual(["nats", "coordinator", "agent"]);
  expect(said).toMatchObject({ dir: stack, pids: pids(), supervisor: expect.any(Number), grpc: stackFile().grpc });
  expect(readFileSync(join(stack, ".gitignore"), "utf8")).toBe("*\n");

  const second = await exp(...UP, "--detach");
  expect(second).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("running already") });

  writeFileSync(
    join(dir, "sweep.toml"),
    `name = "short"
    seeds = [1, 2, 3, 4]
    run.command = ["sh", "-c", "echo $EXP_SEED; echo '{\\"e\\":\\"m\\",\\"v\\":{\\"acc\\":'$EXP_SEED'}}' >> $EXP_EVENTS"]
    objective = { metric = "acc", goal = "maximize" }\n`,
  );
  const submitted = await exp("submit", "sweep.toml", "--wait", "--json");
  expect(submitted.code).toBe(0);
  expect(JSON.parse(submitted.stdout)).toEqual({
    sweep: "short.1",
    total: 4,
    new: 4,
    reused: 0,
    counts: { succeeded: 4 },
  });
  expect((await exp("logs", "short.1.3")).stdout).toBe("3\n");
  expect((await exp("best", "short.1", "-q")).stdout.split("\n")[0]).toBe("short.1.4");

  const before = { pids: pids(), file: stackFile() };
  for (const name of ["nats", "coordinator", "agent"] as const) process.kill(before.pids[name], "SIGKILL");
  await waitUntil(
    "new pids of all parts",
    () => (["nats", "coordinator", "agent"] as const).every((name) => pids()[name] !== before.pids[name]),
    { seen: pids },
  );
  expect(stackFile()).toEqual(before.file);
  await waitUntil("a fleet in order", async () => (await exp("doctor")).code === 0, { boundMs: 60_000 });
  expect((await exp("submit", "sweep.toml", "--force", "--wait")).code).toBe(0);

  const down = await exp("down");
  expect(down).toMatchObject({ code: 0, stdout: "", stderr: "stopped\n" });
  expectNothingLeft();
  expect(await exp("down")).toMatchObject({ code: 0, stderr: expect.stringContaining("no local stack") });

  // What was done is still known by the next stack.
  expect((await exp(...UP, "--detach", "sweep.toml")).stdout).toContain(
    "short.3: 4 runs, nothing new to run, 4 completed before",
  );
});

test("running work is stopped only when that is said", async () => {
  expect((await exp(...UP, "--detach")).code).toBe(0);
  await submitLongRun();
  const refused = await exp("down");
  expect(refused).toMatchObject({
    code: 6,
    stdout: "",
    stderr: expect.stringContaining("1 running run would be stopped"),
  });
  const [node] = JSON.parse((await exp("nodes", "--json")).stdout);
  expect(node).toMatchObject({ name: hostname(), state: "ready" });

  expect(await exp("down", "--keep-runs")).toMatchObject({ code: 0, stderr: expect.stringContaining("left alone") });
  expect(longRunLives()).toBe(true);
  expect((await exp(...UP, "--detach")).code).toBe(0);
  await waitUntil("the run found again", async () => (await runs("long.1"))[0]?.state === "running");
  expect(await runs("long.1")).toMatchObject([{ state: "running", attempt: 1 }]);
  expect(longRunLives()).toBe(true);

  expect(await exp("down", "--yes")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("1 run stopped, queued again"),
  });
  expect(longRunLives()).toBe(false);
  expectNothingLeft();

  rmSync(join(dir, "pid"));
  expect((await exp(...UP, "--detach")).code).toBe(0);
  await waitUntil("the run started again", async () => (await runs("long.1"))[0]?.attempt === 2, { boundMs: 30_000 });
  expect((await exp("cancel", "long.1")).code).toBe(0);
  expect((await exp("wait", "long.1", "--for", "terminal")).code).toBe(0);
});

test("in the foreground: an interrupt asks, TERM leaves runs alone", async () => {
  const log = join(dir, "up.log");
  writeFileSync(log, "");
  const args = [...UP, "--dir", stack];
  const up = startProgram("cli", args, log);
  await waitUntil("the address", () => up.log().includes("grpc "), { boundMs: 60_000, seen: up.log });
  await submitLongRun();
  process.kill(up.pid, "SIGINT");
  await waitUntil("the refusal", () => up.log().includes("not without --yes"), { seen: up.log });
  expect(up.running).toBe(true);
  expect(longRunLives()).toBe(true);
  expect(await up.terminate()).toBe(0);
  expect(longRunLives()).toBe(true);

  const again = startProgram("cli", [...args, "--yes"], log);
  await waitUntil("the second address", () => up.log().split("grpc ").length === 3, { boundMs: 60_000, seen: up.log });
  await waitUntil("the run found again", async () => (await runs("long.1"))[0]?.state === "running");
  process.kill(again.pid, "SIGINT");
  await waitUntil("the end", () => !again.running, { boundMs: 60_000, seen: again.log });
  expect(again.exitCode).toBe(0);
  expect(longRunLives()).toBe(false);
  expectNothingLeft();
});

test("a supervisor that was killed is no obstacle", async () => {
  expect((await exp(...UP, "--detach")).code).toBe(0);
  const { supervisor } = stackFile() as { supervisor: { pid: number } };
  process.kill(supervisor.pid, "SIGKILL");
  await waitUntil("the supervisor's end", async () => (await exp("doctor")).stdout.includes("its supervisor is gone"));
  expect(await exp(...UP, "--detach")).toMatchObject({
    code: 6,
    stderr: expect.stringContaining("without its supervisor"),
  });
  expect(await exp("ls", "--json")).toMatchObject({ code: 0, stdout: "[]\n" });
  expect((await exp("down")).code).toBe(0);
  expectNothingLeft();
});

test("a start that is interrupted leaves nothing", async () => {
  const log = join(dir, "up.log");
  writeFileSync(log, "");
  const up = startProgram("cli", [...UP, "--dir", stack], log);
  await waitUntil("the claim", () => readdirSync(dir).includes(".exp") && readdirSync(stack).includes("stack.json"));
  process.kill(up.pid, "SIGINT");
  await waitUntil("the end", () => !up.running, { boundMs: 60_000, seen: up.log });
  expect(up.exitCode).toBe(6);
  expect(up.log()).toContain("interrupted; nothing was left running");
  expectNothingLeft();
});

test("over TLS: a copied token brings its certificate; who has another is told", async () => {
  const up = await exp(...UP, "--tls", "--detach", "--json");
  expect(up).toMatchObject({ code: 0, stderr: "" });
  const { http, grpc, tokenFile } = stackFile() as { http: string; grpc: string; tokenFile: string };
  expect(http).toMatch(/^https:/);
  const token = readFileSync(tokenFile, "utf8").trim();
  const [secret = "", certificate] = token.split(".");
  expect(certificate).toBeDefined();

  // From elsewhere: only what was copied counts.
  const copied = join(dir, "copied");
  writeFileSync(copied, token, { mode: 0o600 });
  const away = (file: string, ...args: string[]) => exp("--server", grpc, "--token-file", file, ...args);
  writeFileSync(
    join(dir, "sweep.toml"),
    `name = "kept"\nseeds = [0, 1, 2, 3]\nrun.command = "echo said; echo left > $EXP_ARTIFACT_DIR/left.txt; sleep 0.2"\n`,
  );
  expect(await away(copied, "submit", "sweep.toml", "--wait", "--quiet")).toMatchObject({ code: 0 });
  // Output came over the bus, files by HTTP.
  for (const { ref } of await runs("kept.1")) {
    expect(await away(copied, "logs", ref)).toMatchObject({ code: 0, stdout: "said\n" });
    await waitUntil("its file", async () => (await away(copied, "show", ref)).stdout.includes("left.txt"));
  }

  const bare = join(dir, "bare");
  writeFileSync(bare, secret, { mode: 0o600 });
  expect(await away(bare, "nodes")).toMatchObject({ code: 4, stderr: expect.stringContaining("error[tls.unknown]") });
  // Without TLS again, the same secret is enough, and the old copy is told why it is none.
  expect((await exp("down", "--yes")).code).toBe(0);
  expect(await exp(...UP, "--detach", "--json")).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(tokenFile, "utf8").trim()).toBe(secret);
  const plain = String(stackFile().grpc);
  const told = await exp("--server", plain, "--token-file", copied, "nodes");
  expect(told).toMatchObject({ code: 4, stderr: expect.stringContaining("error[tls.plain]") });
  expect(await exp("--server", plain, "--token-file", bare, "nodes")).toMatchObject({ code: 0 });
});
