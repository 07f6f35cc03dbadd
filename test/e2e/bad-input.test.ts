/** Bad input as a user meets it: one clear line each, the right exit code, stdout empty, nothing left running. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Fleet, processesOf, startFleet } from "../helpers/fleet.ts";
import { type ProgramResult, runExp, runProgram } from "../helpers/program-process.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-bad-"));
});
afterEach(() => {
  expect(processesOf(dir)).toEqual([]);
  rmSync(dir, { recursive: true, force: true });
});

/** One error, said once, without a stack. */
function expectRefusal(result: ProgramResult, code: number, ...texts: string[]): void {
  expect(result, result.stderr).toMatchObject({ code, stdout: "" });
  expect(result.stderr.match(/error/g)).toHaveLength(1);
  expect(result.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
  for (const text of texts) expect(result.stderr).toContain(text);
}

describe("sweep files", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ agents: 0 });
  });
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
  });

  const big = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
  test.each([
    ["unknown key", 'name = "a"\nrun.command = "true"\n[grdi]\nlr = [1]\n', ["sweep.toml:3:", "grdi", "grid"]],
    ["wrong type", 'name = "a"\nrun.command = "true"\n[resources]\ngpus = "two"\n', ["sweep.toml:4:8", "gpus"]],
    ["missing command", 'name = "a"\n[grid]\nlr = [1]\n', ["sweep.toml", "command"]],
    [
      "10^7 points",
      `name = "a"\nrun.command = "true"\n[grid]\na = ${big(100)}\nb = ${big(1000)}\nc = ${big(100)}\n`,
      ["10,000,000", "100,000"],
    ],
    ["no TOML", "name = \n", ["sweep.toml:1:"]],
  ])("%s", async (_what, toml, texts) => {
    const file = join(dir, "sweep.toml");
    writeFileSync(file, toml);
    for (const verb of ["submit", "plan"]) expectRefusal(await fleet.exp(verb, file), 2, ...texts);
    expect(await fleet.api("/sweeps")).toEqual([]);
  });

  test("no such file", async () => {
    expectRefusal(await fleet.exp("submit", join(dir, "none.toml")), 2, "none.toml");
  });

  test("no such sweep", async () => {
    expectRefusal(await fleet.exp("ls", "nothing.1"), 3, "nothing.1");
  });

  test("wrong token", async () => {
    const token = join(dir, "token");
    writeFileSync(token, "a-token-that-nobody-made-0123456789abcdef\n", { mode: 0o600 });
    expectRefusal(await runExp(["ls", "--server", fleet.grpc, "--token-file", token], dir), 4, "token");
    const agent = ["start", "--coordinator", fleet.grpc, "--workdir", join(dir, "work")];
    writeFileSync(join(dir, "open-token"), "x".repeat(40), { mode: 0o644 });
    expectRefusal(await runProgram("agent", [...agent, "--token-file", join(dir, "open-token")], dir), 4, "chmod 600");
  });
});

test("unreachable coordinator", async () => {
  const port = await freePort();
  const token = join(dir, "token");
  writeFileSync(token, "x".repeat(40), { mode: 0o600 });
  expectRefusal(
    await runExp(["ls", "--server", `127.0.0.1:${port}`, "--token-file", token], dir),
    5,
    `127.0.0.1:${port}`,
  );
});

test("no coordinator known at all", async () => {
  expectRefusal(await runExp(["ls"], dir, { XDG_CONFIG_HOME: dir }), 5, "exp up");
});

test("missing nats-server", async () => {
  const env = { EXP_NATS_SERVER: join(dir, "no-such-server") };
  expectRefusal(
    await runExp(["up", "--detach", "--port", "0", "--dir", join(dir, "stack")], dir, env),
    2,
    "nats-server",
  );
});

test("port taken", async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(portOf(server)));
  });
  try {
    expectRefusal(
      await runExp(["up", "--detach", "--port", String(port), "--dir", join(dir, "stack")], dir),
      2,
      String(port),
    );
  } finally {
    server.close();
  }
});

test("unwritable directory", async () => {
  // A path below a file: refused for everybody, root included.
  const file = join(dir, "file");
  writeFileSync(file, "");
  expectRefusal(await runExp(["up", "--detach", "--port", "0", "--dir", join(file, "stack")], dir), 2, file);
  const token = join(dir, "token");
  writeFileSync(token, "x".repeat(40), { mode: 0o600 });
  const flags = ["start", "--coordinator", "127.0.0.1:1", "--token-file", token, "--workdir", join(file, "work")];
  expectRefusal(await runProgram("agent", flags, dir), 5, file);
});

test("an open port without TLS", async () => {
  const flags = ["start", "--data", join(dir, "data"), "--host", "0.0.0.0", "--bus-credentials", join(dir, "bus.json")];
  expectRefusal(await runProgram("coordinator", flags, dir), 2, "--insecure-lan");
});

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const port = portOf(server);
      server.close(() => resolve(port));
    });
  });
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
