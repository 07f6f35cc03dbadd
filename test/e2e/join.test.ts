/** A host joins a fleet with TLS by a one-time token, works, comes back without any, and is out when its token is revoked. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NodeView } from "../../shared/run/views.ts";
import { startFleet } from "../helpers/fleet.ts";
import { type ProgramProcess, runExp, startProgram } from "../helpers/program-process.ts";
import { waitUntil } from "../helpers/wait-until.ts";

test("join, work, restart, revoke, join again", async () => {
  await using fleet = await startFleet({ agents: 0, coordinatorFlags: ["--tls"] });
  const exp = async (...args: string[]) => {
    const done = await fleet.exp(...args);
    if (done.code !== 0) throw new Error(`exp ${args.join(" ")}: ${done.stderr}`);
    return done.stdout;
  };
  const joinFile = async (...args: string[]): Promise<string> => {
    const word = await exp("token", "join", ...args);
    expect(word).toMatch(/^[\w-]{43}\.[\w-]+\n$/);
    const file = join(fleet.dir, "join");
    writeFileSync(file, word, { mode: 0o600 });
    return file;
  };
  const workdir = join(fleet.dir, "gpu-07");
  const startAgent = (name: string, ...flags: string[]): ProgramProcess =>
    startProgram(
      "agent",
      [
        ...["start", "--coordinator", fleet.grpc, "--name", name, "--gpus", "none", "--cpu-slots", "2"],
        ...["--workdir", join(fleet.dir, name), ...flags],
      ],
      join(fleet.dir, `${name}.log`),
    );
  const nodes = async () => JSON.parse(await exp("nodes", "--json")) as NodeView[];
  const isReady = async (agent: ProgramProcess) => {
    await waitUntil("it is ready", async () => (await nodes()).some(({ state }) => state === "ready"), {
      boundMs: 30_000,
      seen: () => agent.log(),
    });
  };
  /** A start that ends by itself, and says why. */
  const refused = async (says: RegExp, name: string, ...flags: string[]) => {
    const agent = startAgent(name, ...flags);
    const log = join(fleet.dir, `${name}.log`);
    const isOver = () => !agent.running && existsSync(log) && says.test(agent.log());
    await waitUntil(`it ends with ${says}`, isOver, { boundMs: 30_000 });
    return agent.exitCode;
  };

  const first = await joinFile("gpu-07");
  const wrongName = /error\[join\.node\]: the join token is for gpu-07, and this node is gpu-08\n/;
  expect(await refused(wrongName, "gpu-08", "--join-token-file", first)).toBe(4);
  let agent = startAgent("gpu-07", "--join-token-file", first);
  await isReady(agent);
  const used = /error\[join\.over\]: the join token was already used at \S+Z by gpu-07\n/;
  expect(await refused(used, "gpu-08", "--join-token-file", first)).toBe(4);
  expect(await refused(/error\[agent\.token\]: this host has not joined/, "gpu-08")).toBe(2);
  const log = join(fleet.dir, "doctor.log");
  const flags = ["--coordinator", fleet.grpc, "--workdir", workdir, "--gpus", "none", "--json"];
  const doctor = startProgram("agent", ["doctor", ...flags], log);
  const isGood = '{"name":"token","ok":true,"text":"of this host, which joined as gpu-07","fix":""}';
  await waitUntil("doctor sees it", () => existsSync(log) && doctor.log().includes(isGood), { boundMs: 30_000 });
  await doctor.terminate();
  expect(statSync(join(workdir, "own-token.json")).mode & 0o777).toBe(0o600);

  // Code, output and files come over the bound token.
  const stop = join(fleet.dir, "stop");
  const work = join(fleet.dir, "work");
  mkdirSync(work);
  const sweep = join(work, "sweep.toml");
  writeFileSync(join(work, "train.sh"), "cat data.txt; echo left > $EXP_ARTIFACT_DIR/left.txt\n");
  writeFileSync(join(work, "data.txt"), "said\n");
  writeFileSync(sweep, 'name = "mine"\nrun = { command = "sh train.sh", code = "snapshot" }\ngrid.n = [1, 2]\n');
  await exp("submit", sweep, "--wait", "--quiet");
  expect(await exp("logs", "mine.1.2")).toBe("said\n");
  const kept = async () => await fleet.api<{ name: string; state: string }[]>("/runs/mine.1.2/artifacts");
  await waitUntil("its file is stored", async () => (await kept())[0]?.state === "stored", { seen: () => agent.log() });

  // A run goes on over a restart of its agent, which needs no token file any more.
  const command = `touch ${stop}.runs; while [ ! -e ${stop} ]; do sleep 0.05; done`;
  await fleet.submit(`name = "long"\nrun.command = "${command}"\n`);
  await waitUntil("it runs", () => existsSync(`${stop}.runs`));
  await agent.kill9();
  await waitUntil("its session is over", async () => (await nodes()).every(({ state }) => state !== "ready"));
  agent = startAgent("gpu-07");
  await isReady(agent);
  const tokens = await exp("token", "ls");
  expect(tokens).toMatch(/^gpu-07 +agent +gpu-07 .* valid$/m);
  expect(tokens).toMatch(/^join-[0-9a-f]{8} +join +gpu-07 .* used by gpu-07 at /m);

  // Its token does what a host does for itself, and nothing else.
  const { token } = JSON.parse(readFileSync(join(workdir, "own-token.json"), "utf8")) as { token: string };
  const stolen = join(fleet.dir, "stolen");
  writeFileSync(stolen, token, { mode: 0o600 });
  const as = await runExp(["--server", fleet.grpc, "--token-file", stolen, "ls", "-a"], fleet.dir);
  expect(as).toMatchObject({ code: 4, stderr: expect.stringContaining("error[auth.role]") });
  const thiefLog = join(fleet.dir, "gpu-09.log");
  const thief = startAgent("gpu-09", "--token-file", stolen);
  const denied = "the token gpu-07 speaks for the node gpu-07 alone: a Hello came from gpu-09";
  await waitUntil("the thief is refused", () => existsSync(thiefLog) && thief.log().includes(denied));
  await thief.terminate();
  await waitUntil("it is in the history", async () => (await exp("events")).includes("a Hello came from gpu-09"));
  expect((await nodes()).map(({ name }) => name)).toEqual(["gpu-07"]);

  await exp("token", "revoke", "gpu-07");
  await waitUntil("it is out", () => agent.log().includes("the token gpu-07 was revoked"), { seen: () => agent.log() });
  await agent.terminate();
  agent = startAgent("gpu-07", "--join-token-file", await joinFile());
  await isReady(agent);
  writeFileSync(stop, "");
  expect(await fleet.done("long.1", 30_000)).toMatchObject([{ state: "succeeded", attempt: 1 }]);
  await agent.terminate();
});
