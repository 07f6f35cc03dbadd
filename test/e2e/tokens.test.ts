/** Tokens for others: a host's, a user's, a reader's, each for what it is for and nothing else, until they are revoked. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NodeView } from "../../shared/run/views.ts";
import { startFleet } from "../helpers/fleet.ts";
import { runExp, startProgram } from "../helpers/program-process.ts";
import { waitUntil } from "../helpers/wait-until.ts";

test("a host, a user and a reader, each with a token of its own", async () => {
  await using fleet = await startFleet({ agents: 0 });
  const handOut = async (name: string, ...flags: string[]): Promise<string> => {
    const made = await fleet.exp("token", "create", name, ...flags);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[\w-]{43}\n$/) });
    const file = join(fleet.dir, `${name}.token`);
    writeFileSync(file, made.stdout, { mode: 0o600 });
    return file;
  };
  const [host, user, reader] = [
    await handOut("gpu-07", "--role", "agent"),
    await handOut("alice"),
    await handOut("professor", "--role", "reader", "--expires", "30d"),
  ];
  const as = (file: string, ...args: string[]) =>
    runExp(["--server", fleet.grpc, "--token-file", file, ...args], fleet.dir, { XDG_CONFIG_HOME: fleet.dir });

  const agent = startProgram(
    "agent",
    [
      ...["start", "--coordinator", fleet.grpc, "--token-file", host, "--name", "gpu-07", "--gpus", "none"],
      ...["--cpu-slots", "2", "--workdir", join(fleet.dir, "gpu-07")],
    ],
    join(fleet.dir, "gpu-07.log"),
  );
  const stateOf = async () => (await fleet.api<NodeView[]>("/nodes"))[0]?.state;
  await waitUntil("it has joined", async () => (await stateOf()) === "ready", {
    boundMs: 30_000,
    seen: () => agent.log(),
  });

  // The host's token brings work, output and files; the user's submits.
  const file = join(fleet.dir, "sweep.toml");
  const stop = join(fleet.dir, "stop");
  const line = "echo said; echo left > $EXP_ARTIFACT_DIR/left.txt";
  writeFileSync(file, `name = "mine"\nrun.command = "${line}"\ngrid.n = [1, 2]\n`);
  expect(await as(user, "submit", file, "--wait", "--quiet")).toMatchObject({ code: 0 });
  expect(await as(reader, "logs", "mine.1.2")).toMatchObject({ code: 0, stdout: "said\n" });
  await waitUntil("its file", async () => (await as(reader, "show", "mine.1.2")).stdout.includes("left.txt"));

  for (const [who, args, what] of [
    [reader, ["submit", file], "the token professor has the role reader, which may not call Submit"],
    [host, ["ls", "-a"], "the token gpu-07 has the role agent, which may not call ListRuns"],
    [user, ["cordon", "gpu-07"], "the token alice has the role user, which may not call UpdateNode"],
    [user, ["token", "ls"], "the token alice has the role user, which may not call ListTokens"],
  ] as const) {
    const { code, stderr } = await as(who, ...args);
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining(`error[auth.role]: ${what}`) });
  }

  // What happened says whose token it was done with, and nothing where it was the coordinator's own.
  expect(await as(user, "submit", "--name", "gone", "--hold", "--", "sleep", "60")).toMatchObject({ code: 0 });
  const raised = await fetch(`http://${fleet.http}/api/v1/actions/priority`, {
    method: "POST",
    headers: { Authorization: `Bearer ${readFileSync(user, "utf8").trim()}`, "Content-Type": "application/json" },
    body: JSON.stringify({ refs: ["gone.1.1"], priority: 10 }),
  });
  expect(raised.status).toBe(200);
  expect(await as(user, "cancel", "gone.1.1", "--yes")).toMatchObject({ code: 0 });
  expect((await as(reader, "show", "gone.1.1")).stdout).toMatch(/cancelled before it ran, by alice\n/);
  expect((await fleet.runs("gone.1"))[0]?.reason).toBe("cancelled by alice");
  expect((await fleet.exp("cordon", "gpu-07")).code).toBe(0);
  expect((await fleet.exp("uncordon", "gpu-07")).code).toBe(0);
  const events = JSON.parse((await as(reader, "events", "--json")).stdout) as { kind: string; by: string | null }[];
  const byKind = Map.groupBy(events, ({ kind }) => kind);
  expect(byKind.get("submitted")?.map(({ by }) => by)).toEqual(["alice", "alice"]);
  expect(byKind.get("edited")?.map(({ by }) => by)).toEqual(["alice"]);
  expect(byKind.get("node-cordoned")?.map(({ by }) => by)).toEqual([null]);
  expect(byKind.get("started")?.map(({ by }) => by)).toEqual([null, null]);

  // What runs does not mind that its host is let in no more.
  const command = `touch ${stop}.runs; while [ ! -e ${stop} ]; do sleep 0.05; done`;
  expect((await as(user, "submit", "--name", "long", "--", "sh", "-c", command)).code).toBe(0);
  await waitUntil("it runs", () => existsSync(`${stop}.runs`));
  expect((await fleet.exp("token", "revoke", "gpu-07")).code).toBe(0);
  await waitUntil("the host is out", async () => (await stateOf()) === "unknown", { seen: () => agent.log() });
  await waitUntil("it says why", () => agent.log().includes("the token gpu-07 was revoked"));
  await agent.terminate();
  const again = await handOut("gpu-07b", "--role", "agent");
  const back = startProgram(
    "agent",
    [
      ...["start", "--coordinator", fleet.grpc, "--token-file", again, "--name", "gpu-07", "--gpus", "none"],
      ...["--cpu-slots", "2", "--workdir", join(fleet.dir, "gpu-07")],
    ],
    join(fleet.dir, "gpu-07.log"),
  );
  await waitUntil("it is back", async () => (await stateOf()) === "ready", { boundMs: 30_000, seen: () => back.log() });
  writeFileSync(stop, "");
  expect(await fleet.done("long.1", 30_000)).toMatchObject([{ state: "succeeded", attempt: 1 }]);

  // A restart of the coordinator forgets nobody, and revives nobody.
  await fleet.coordinator.kill9();
  await fleet.coordinator.start();
  const { stdout } = await fleet.exp("token", "ls", "--json");
  expect(JSON.parse(stdout)).toMatchObject([
    { name: "alice", role: "user", expiresAt: null },
    { name: "gpu-07b", role: "agent" },
    { name: "professor", role: "reader", expiresAt: expect.any(String) },
  ]);
  expect(await as(user, "ls", "-a")).toMatchObject({ code: 0 });
  expect(await as(host, "ls", "-a")).toMatchObject({ code: 4, stderr: expect.stringContaining("error[auth.token]") });
  await back.terminate();
});
