/** Runs on several nodes, with the real programs: they meet, end together, and outlive what may happen to ours. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunView } from "../../shared/run/views.ts";
import { program } from "../helpers/attempts.ts";
import { startFleet } from "../helpers/fleet.ts";
import { attemptFiles } from "../helpers/results.ts";
import { waitUntil } from "../helpers/wait-until.ts";

test("the ranks find each other, and all that each says is kept", async () => {
  await using fleet = await startFleet({ agents: 3, gpus: "fake:2x80GB" });
  await fleet.submit(`
    name = "meet"
    run.command = ["python3", ${JSON.stringify(program("meet.py"))}, "\${run.rank}/\${run.nodes}", "\${run.master_addr}:\${run.master_port}"]
    resources = { nodes = 3, gpus = 2 }
  `);
  const [run] = await fleet.done("meet.1", 60_000);
  expect(run).toMatchObject({ state: "succeeded", node: "node-1", attempt: 1, metrics: { total: 6, rank: 0 } });
  const dir = attemptFiles(fleet.resultsDir, run as RunView).dir;
  for (const rank of [0, 1, 2]) {
    const { stdout } = await fleet.exp("logs", "meet.1.1", "--rank", String(rank));
    expect(stdout).toMatch(new RegExp(`^rank ${rank} of 3: 6 ${rank}/3 [\\d.]+:2\\d{4}\\n$`));
    const kept = rank === 0 ? dir : join(dir, "ranks", String(rank));
    expect(readFileSync(join(kept, "terminal_logs/run_0001.log"), "utf8")).toBe(stdout);
  }
  const none = await fleet.exp("logs", "meet.1.1", "--rank", "3");
  expect(none.code).toBe(3);
  expect(none.stderr).toBe("error[run.no-rank]: meet.1.1 has no rank 3: its ranks are 0 to 2\n");
  const { stdout } = await fleet.exp("show", "meet.1.1");
  expect(stdout).toMatch(
    /\n {2}1 {2}rank 0 of 3 {2}succeeded {2}node-1 .*\n {2}1 {2}rank 1 of 3 {2}succeeded {2}node-2 /,
  );
  expect(JSON.parse(readFileSync(join(dir, ".exp/reproducibility.json"), "utf8")).attempts).toMatchObject([
    { node: "node-1", peers: [{ node: "node-2" }, { node: "node-3" }] },
  ]);
});

test("one that fails ends the run on all nodes; one that is in the way of too few nodes waits and says so", async () => {
  await using fleet = await startFleet({ agents: 2, cpuSlots: 1 });
  await fleet.submit(`
    name = "ends"
    run.command = "trap 'echo told; exit 0' TERM; [ \${run.rank} = 1 ] && exit 3; echo waits; sleep 60 & wait"
    resources.nodes = 2
  `);
  const [failed] = await fleet.done("ends.1", 60_000);
  expect(failed).toMatchObject({ state: "failed", reason: "rank 1 on node-2: exit code 3", exitCode: 3 });
  const dir = attemptFiles(fleet.resultsDir, failed as RunView).dir;
  expect(JSON.parse(readFileSync(join(dir, "run.json"), "utf8"))).toMatchObject({
    status: "failed",
    error_type: "ExitCode",
  });
  await fleet.submit(`
    name = "large"
    run.command = ["true"]
    resources.nodes = 3
  `);
  const { stdout } = await fleet.exp("why", "large.1.1");
  expect(stdout).toContain("2 of 3 nodes could take their part of 3 nodes, each with 1 device");
});

test("kill -9 of the coordinator and of an agent in the middle: no rank notices, and an earlier end is not forgotten", async () => {
  await using fleet = await startFleet({ agents: 2, cpuSlots: 1 });
  const goes = (rank: number) => join(fleet.dir, `go-${rank}`);
  const starts = join(fleet.dir, "starts");
  const wait = `while [ ! -e ${fleet.dir}/go-\${run.rank} ]; do sleep 0.05; done`;
  await fleet.submit(`
    name = "kept"
    run.command = "echo \${run.rank} >> ${starts}; ${wait}; exit \${1 - run.rank}"
    resources.nodes = 2
  `);
  const [first, second] = fleet.agents;
  const started = () => existsSync(starts) && readFileSync(starts, "utf8").length === 4;
  await waitUntil("both run", started);
  writeFileSync(goes(1), "");
  await waitUntil("rank 1 has ended", async () => {
    const { stdout } = await fleet.exp("show", "kept.1.1");
    return stdout.includes("rank 1 of 2  succeeded");
  });
  expect(await fleet.runs("kept.1")).toMatchObject([{ state: "running", node: "node-1" }]);
  await fleet.coordinator.kill9();
  await first?.kill9();
  await second?.kill9();
  await fleet.coordinator.start();
  first?.start();
  second?.start();
  writeFileSync(goes(0), "");
  const [run] = await fleet.done("kept.1", 60_000);
  expect(run).toMatchObject({ state: "failed", reason: "rank 0 on node-1: exit code 1", attempt: 1 });
  expect(readFileSync(starts, "utf8").split("\n").sort()).toEqual(["", "0", "1"]);
});
