/** Runs inside container images, with a real engine that needs neither root nor a daemon: Charliecloud. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allPids } from "../../agent/process/proc.ts";
import type { RunEnvironment } from "../../shared/run/provenance.ts";
import type { NodeView } from "../../shared/run/views.ts";
import { makeEmptyImage, makeImage, useCharliecloud } from "../helpers/container-image.ts";
import { startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

let images = "";
let busybox = "";
beforeAll(() => {
  images = realpathSync(mkdtempSync(join(tmpdir(), "exp-images-")));
  busybox = makeImage(join(images, "busybox"), useCharliecloud());
});
afterAll(() => rmSync(images, { recursive: true, force: true }));

const ENGINE = ["--container-engine", "charliecloud"];

test("a run sees its image, its parameters and its own directories, and of the host only what is mounted", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 4, agentFlags: ENGINE });
  const other = makeImage(join(images, "other"), useCharliecloud());
  const [node] = JSON.parse((await fleet.exp("nodes", "--json")).stdout) as NodeView[];
  expect(node?.containerEngine).toMatch(/^charliecloud \d/);
  await fleet.submit(`
    name = "inside"
    grid.fs = ["busybox", "other"]
    base.lr = 0.5
    [run]
    image = "${images}/\${fs}"
    env = { TEXT = "a 'b' \\"c\\" $HOME\\nd" }
    umask = "027"
    setup = "cat /etc/inside; export FROM_SETUP=yes"
    command = ["sh", "-c", '''
      test ! -e /etc/debian_version || echo "the host's files"
      echo "run=$EXP_RUN_NAME lr=$0 setup=$FROM_SETUP path=$PATH text=$TEXT"
      [ "$PWD" = "$1" ] && [ -d "$HOME" ] && echo "places"
      cat $EXP_CONFIG; echo
      tr '\\\\0' '\\\\n' <"/proc/$$/cmdline" | grep -c s3cret
      echo made >"$EXP_ARTIFACT_DIR/made"
      echo '{"e":"m","s":1,"v":{"loss":0.25}}' >>"$EXP_EVENTS"
      ''', "\${lr}", "${fleet.dir}"]
  `);
  const runs = await fleet.done("inside.1", 60_000);
  expect(runs.map(({ state, reason }) => `${state} ${reason}`)).toEqual(["succeeded ", "succeeded "]);
  expect(other).toContain("other");
  const { stdout } = await fleet.exp("logs", "inside.1.1");
  expect(stdout).toContain("this is inside");
  expect(stdout).not.toContain("the host's files");
  expect(stdout).toContain("run=inside.1.1 lr=0.5 setup=yes path=");
  expect(stdout).toContain("text=a 'b' \"c\" $HOME\nd");
  expect(stdout).toContain("places");
  expect(runs[0]?.metrics).toMatchObject({ loss: 0.25 });
  const [agent] = fleet.agents;
  const [fence = ""] = readdirSync(join(agent?.workdir ?? "", "runs")).filter((name) => /^\d+$/.test(name));
  expect(statSync(join(agent?.workdir ?? "", "runs", fence, "artifacts/made"))).toMatchObject({
    uid: process.getuid?.(),
    mode: 0o100640,
  });
  const shown = JSON.parse((await fleet.exp("show", "inside.1.2", "--json")).stdout) as {
    image: string;
    resultsDir: string;
  };
  expect(shown.image).toBe(`${images}/other`);
  const file = join(shown.resultsDir, ".exp/reproducibility.json");
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ image: shown.image });
  const ran = await waitUntil("it is told what the run ran on", async () => {
    const { stdout: json } = await fleet.exp("show", "inside.1.2", "--json");
    return (JSON.parse(json) as { environments: { environment: RunEnvironment }[] }).environments[0]?.environment;
  });
  expect(ran).toMatchObject({ python: null, container: { image: shown.image, engine: node?.containerEngine } });
});

test("the Python of an image has the client, and mounts are where the file says", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1, agentFlags: ENGINE });
  const image = makeEmptyImage(join(images, "python"));
  await fleet.submit(`
    name = "client"
    [run]
    image = "${image}"
    mounts = ["/usr", "${images}:/given"]
    command = ["/usr/bin/python3", "-c", '''
import os, expfleet
assert os.path.exists("/etc/inside") and os.path.exists("/given/busybox")
expfleet.log({"acc": 0.75}, step=1)
''']
  `);
  const [run] = await fleet.done("client.1", 60_000);
  expect((await fleet.exp("logs", "client.1.1")).stdout).toBe("");
  expect(run).toMatchObject({ state: "succeeded", metrics: { acc: 0.75 } });
});

test("a cancelled run is asked first, then all of it is killed", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1, agentFlags: ENGINE });
  const seconds = `10${process.pid}`;
  const sweep = `
    name = "stubborn"
    limits.stop_grace = "1s"
    [run]
    image = "${busybox}"
    command = ["sh", "-c", "trap 'echo asked' TERM; setsid sleep ${seconds} & echo ready; while :; do sleep 1; done"]
  `;
  await fleet.submit(sweep);
  writeFileSync(join(fleet.dir, "stubborn.toml"), sweep);
  const plan = await fleet.exp("plan", "stubborn.toml");
  expect(plan.stdout).toContain(`in ${busybox}: sh -c`);
  await waitUntil("it is ready", async () => (await fleet.exp("logs", "stubborn.1.1")).stdout.includes("ready"));
  await fleet.exp("cancel", "stubborn.1.1", "--yes");
  const [run] = await fleet.done("stubborn.1", 30_000);
  expect(run?.state).toBe("cancelled");
  expect((await fleet.exp("logs", "stubborn.1.1")).stdout).toContain("asked");
  expect(allPids().filter((pid) => commandLine(pid).includes(seconds))).toEqual([]);
});

test("a killed agent finds the container again", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1, agentFlags: ENGINE });
  const [agent] = fleet.agents;
  await fleet.submit(`
    name = "kept"
    [run]
    image = "${busybox}"
    mounts = ["${images}:/wait"]
    command = "echo ready; while [ ! -e /wait/go ]; do sleep 0.1; done; echo gone on; exit 3"
  `);
  await waitUntil("it is ready", async () => (await fleet.exp("logs", "kept.1.1")).stdout.includes("ready"));
  await agent?.kill9();
  agent?.start();
  await waitUntil("the agent is back", () => (agent?.process.log().match(/joined/g)?.length ?? 0) > 1);
  writeFileSync(join(images, "go"), "");
  const [run] = await fleet.done("kept.1", 30_000);
  expect(run).toMatchObject({ state: "failed", exitCode: 3, attempt: 1 });
  expect((await fleet.exp("logs", "kept.1.1")).stdout).toContain("gone on");
});

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    // Gone meanwhile.
    return "";
  }
}
