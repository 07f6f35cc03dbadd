/** Runs use the code as it was when they were submitted, whatever becomes of it while they wait. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import type { RunEnvironment } from "../../shared/run/provenance.ts";
import type { RunView, SubmitView } from "../../shared/run/views.ts";
import { type Fleet, startFleet } from "../helpers/fleet.ts";
import { waitUntil } from "../helpers/wait-until.ts";

function git(directory: string, ...args: string[]): string {
  const who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
  return execFileSync("git", ["-C", directory, ...who, ...args], { encoding: "utf8" }).trim();
}

/** A repository with one commit, an edited file, a new one, an ignored one, a program and a link. */
function makeProject(fleet: Fleet): string {
  const project = join(fleet.dir, "project");
  mkdirSync(join(project, "lib"), { recursive: true });
  git(fleet.dir, "init", "-q", "-b", "trunk", project);
  git(project, "remote", "add", "origin", "https://me:secret@example.org/lab/project.git");
  writeFileSync(join(project, ".gitignore"), "*.bin\n");
  writeFileSync(join(project, "lib/words.sh"), "said=committed\n");
  writeFileSync(join(project, "run.sh"), '#!/bin/sh\n. "$(dirname "$0")/lib/words.sh"\necho "said $said $1"\n');
  chmodSync(join(project, "run.sh"), 0o755);
  symlinkSync("run.sh", join(project, "latest"));
  git(project, "add", ".");
  git(project, "commit", "-q", "-m", "first");
  writeFileSync(join(project, "lib/words.sh"), "said=edited\n. ./new.sh\n");
  writeFileSync(join(project, "new.sh"), "said=$said-and-new\n");
  writeFileSync(join(project, "large.bin"), "ignored\n");
  return project;
}

const SWEEP = `
name = "copy"
[run]
command = ["sh", "-c", "./latest \${n}; ls; echo mine >> lib/words.sh; pwd; test $PWD = $EXP_CODE_DIR"]
code = "snapshot"
env = { DATA_VERSION = "of-1" }
[capture]
env_allow = ["DATA_VERSION"]
[grid]
n = [1, 2, 3]
`;

async function submit(fleet: Fleet, file: string, ...flags: string[]): Promise<SubmitView> {
  const { code, stdout, stderr } = await fleet.exp("submit", file, "--json", ...flags);
  if (code !== 0) throw new Error(`exp submit: ${code}\n${stderr}`);
  return JSON.parse(stdout) as SubmitView;
}

async function output(fleet: Fleet, run: RunView): Promise<string> {
  return (await fleet.exp("logs", run.ref)).stdout;
}

test("uncommitted code, edited while queued: the runs use the code as submitted", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 2 });
  const project = makeProject(fleet);
  const before = { head: git(project, "rev-parse", "HEAD"), status: git(project, "status", "--porcelain") };
  const index = readFileSync(join(project, ".git/index"));
  const file = join(project, "sweep.toml");
  writeFileSync(file, SWEEP);

  const { sweep } = await submit(fleet, file, "--hold");
  expect(readFileSync(join(project, ".git/index"))).toEqual(index);
  expect({ head: git(project, "rev-parse", "HEAD"), status: git(project, "status", "--porcelain") }).toEqual({
    ...before,
    status: `${before.status}\n?? sweep.toml`,
  });

  // While they wait everything changes: one file is edited, one is gone, and it is committed.
  writeFileSync(join(project, "lib/words.sh"), "said=later\n");
  rmSync(join(project, "new.sh"));
  git(project, "commit", "-q", "-a", "-m", "second");
  expect((await fleet.exp("resume", sweep)).code).toBe(0);

  const runs = await fleet.done(sweep, 60_000);
  expect(runs.map(({ state, reason }) => [state, reason])).toEqual(Array(3).fill(["succeeded", ""]));
  for (const run of runs) {
    const lines = (await output(fleet, run)).split("\n");
    // Each starts from the same: what another one wrote into its copy is not there.
    expect(lines[0]).toBe(`said edited-and-new ${run.index}`);
    expect(lines.slice(1, 6)).toEqual(["latest", "lib", "new.sh", "run.sh", "sweep.toml"]);
    expect(lines[6]).toContain(`/runs/${run.fence}/code`);
  }
  expect(readFileSync(join(project, "lib/words.sh"), "utf8")).toBe("said=later\n");

  // What was run can be told, and had again.
  const shown = await fleet.exp("show", sweep);
  expect(shown.stdout).toContain(`${before.head.slice(0, 12)} on trunk`);
  expect(shown.stdout).not.toContain("secret");
  const restored = join(fleet.dir, "restored");
  const told = await fleet.exp("code", runs[0]?.ref ?? "", "--out", restored);
  expect([told.code, told.stderr]).toEqual([0, ""]);
  expect(readFileSync(join(restored, "lib/words.sh"), "utf8")).toBe("said=edited\n. ./new.sh\n");
  expect(execFileSync(join(restored, "latest"), ["7"], { cwd: restored, encoding: "utf8" })).toBe(
    "said edited-and-new 7\n",
  );
  const meta = JSON.parse(readFileSync(join(await resultsOf(fleet, runs[0]), "meta.json"), "utf8")) as {
    git_commit: string;
  };
  expect(meta.git_commit).toBe(before.head);

  // What it ran on, found out after the start.
  const { environment } = await waitUntil("the environment is told", async () => {
    const { stdout } = await fleet.exp("show", runs[0]?.ref ?? "", "--json");
    return (JSON.parse(stdout) as { environments: { environment: RunEnvironment }[] }).environments[0];
  });
  expect(environment.python?.version).toMatch(/^3\./);
  expect(environment.host.hostname).toBe(hostname());
  expect(environment.variables).toMatchObject({ DATA_VERSION: "of-1" });

  // Once more, with another value, from the same code.
  const again = await fleet.exp("rerun", runs[0]?.ref ?? "", "--set", "n=9", "--json");
  expect(again.code).toBe(0);
  const { sweep: repeated } = JSON.parse(again.stdout) as { sweep: string };
  const [run] = await fleet.done(repeated, 60_000);
  if (!run) throw new Error("no run");
  expect(await output(fleet, run)).toMatch(/^said edited-and-new 9\n/);
  const told2 = await fleet.exp("diff", runs[0]?.ref ?? "", run.ref);
  expect(told2.stdout).toMatch(/^copy\.1\.1 -> copy\.2\.1\nparams\n {2}n: 1 -> 9\n/);
  expect((await fleet.exp("show", run.ref)).stdout).toContain(`repeats   ${runs[0]?.ref}`);
  expect((await fleet.exp("show", runs[0]?.ref ?? "")).stdout).toContain(`repeated  ${run.ref}`);

  // What is written on it later is in its results, beside where it came from.
  expect((await fleet.exp("edit", run.ref, "--tag", "+paper", "--note", "table 2")).code).toBe(0);
  const own = await waitUntil("its results have the note", async () => {
    const text = readFileSync(join(await resultsOf(fleet, run), "meta.json"), "utf8");
    const body = JSON.parse(text) as { tags: string[]; parent_run_id: string; extras: { note?: string } };
    return body.extras.note === "table 2" && body;
  });
  expect(own).toMatchObject({ tags: ["paper"], parent_run_id: basename(await resultsOf(fleet, runs[0])) });
}, 180_000);

async function resultsOf(fleet: Fleet, run: RunView | undefined): Promise<string> {
  const { stdout } = await fleet.exp("show", run?.ref ?? "", "--json");
  return (JSON.parse(stdout) as { resultsDir: string }).resultsDir;
}

test("the code comes after the coordinator was away, and what is not there any more fails with one clear line", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  const project = makeProject(fleet);
  const file = join(project, "sweep.toml");
  writeFileSync(file, SWEEP.replace("[1, 2, 3]", "[1]"));

  const first = await submit(fleet, file, "--hold");
  await fleet.coordinator.kill9();
  await fleet.coordinator.start();
  expect((await fleet.exp("resume", first.sweep)).code).toBe(0);
  expect((await fleet.done(first.sweep, 60_000)).map(({ state }) => state)).toEqual(["succeeded"]);

  // The same code is not sent again; nothing but the edited sweep file is new.
  const blobs = join(fleet.dir, "coordinator/blobs");
  const count = () =>
    readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
  const had = count();
  writeFileSync(file, SWEEP.replace("[1, 2, 3]", "[2]"));
  const second = await submit(fleet, file, "--hold");
  expect(count()).toBe(had + 2);

  const compared = await fleet.exp("diff", `${first.sweep}.1`, `${second.sweep}.1`);
  expect(compared.stdout).toContain("code\n  changed sweep.toml\n");
  expect(compared.stdout).toContain("--- a/sweep.toml\n+++ b/sweep.toml\n");
  expect(compared.stdout).toContain("-n = [1]\n+n = [2]\n");

  const { snapshot } = JSON.parse((await fleet.exp("show", second.sweep, "--json")).stdout) as {
    snapshot: { hash: string };
  };
  const { hash } = snapshot;
  rmSync(join(blobs, hash.slice(0, 2), hash));
  expect((await fleet.exp("resume", second.sweep)).code).toBe(0);
  const [run] = await fleet.done(second.sweep, 60_000);
  expect(run?.state).toBe("failed");
  expect(run?.reason).toContain("the code of this run is not whole any more");
  expect(run?.reason).not.toContain("\n");
  await waitUntil("the copies are gone", () =>
    readdirSync(join(fleet.agents[0]?.workdir ?? "", "runs")).every(
      (name) => !existsSync(join(fleet.agents[0]?.workdir ?? "", "runs", name, "code")),
    ),
  );
}, 180_000);

test("what cannot be a copy is refused before anything is sent", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 1 });
  const project = makeProject(fleet);
  const file = join(project, "sweep.toml");
  writeFileSync(file, SWEEP);
  const refused = async (message: string): Promise<void> => {
    const { code, stderr } = await fleet.exp("submit", file);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain(".expignore");
  };
  symlinkSync("/etc", join(project, "etc"));
  await refused("the symbolic link etc points outside of the code: /etc");
  execFileSync("truncate", ["-s", "300000000", join(project, "model.pt")]);
  await refused("too much for a snapshot: 300MB, at most 268MB; the largest: model.pt (300MB)");
  writeFileSync(join(project, ".expignore"), "etc\n*.pt\n");
  expect((await fleet.exp("submit", file)).code).toBe(0);
  // Not all of it is committed.
  writeFileSync(file, SWEEP.replace('"snapshot"', '"git"'));
  const { code, stderr } = await fleet.exp("submit", file);
  expect([code, stderr]).toEqual([2, expect.stringContaining("not all is committed: lib/words.sh and 5 more")]);
}, 90_000);
