/** How a command is made and started, from the sweep file to the output, on a real agent. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFleet } from "../helpers/fleet.ts";
import { attemptFiles } from "../helpers/results.ts";

test("parameters in a file, setup, input file, umask and computed variables", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 4 });
  writeFileSync(join(fleet.dir, "in-1.txt"), "first\n");
  writeFileSync(join(fleet.dir, "in-2.txt"), "second\n");
  await fleet.submit(`
    name = "made"
    [grid]
    "optim.lr" = [0.1, 1.0]
    [run]
    command = "cat \${args}; cat; echo $DOUBLE $MADE; umask"
    args = "file:params.yaml"
    setup = "MADE=\${'yes' if optim.lr > 0.5 else 'no'}; export MADE"
    stdin = "in-\${run.index}.txt"
    umask = "027"
    env = { DOUBLE = "\${optim.lr * 2}" }
  `);
  const runs = await fleet.done("made.1", 60_000);
  expect(runs.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  const outputs = runs.map((run) => attemptFiles(fleet.resultsDir, run).output.toString());
  expect(outputs).toEqual(["optim:\n  lr: 0.1\nfirst\n0.2 no\n0027\n", "optim:\n  lr: 1.0\nsecond\n2.0 yes\n0027\n"]);

  await fleet.submit(`
    name = "variables"
    base.note = "a 'b'"
    run.command = ["sh", "-c", 'echo "$NOTE $1"', "sh", "\${run.attempt + gpus}"]
    run.args = "env"
  `);
  const [variables] = await fleet.done("variables.1", 60_000);
  if (!variables) throw new Error("no run");
  expect(attemptFiles(fleet.resultsDir, variables).output.toString()).toBe("a 'b' 1\n");
  const { stdout } = await fleet.exp("show", variables.ref, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ command: `sh -c 'echo "$NOTE $1"' sh 1` });
});

test("what fails before the command has a reason of its own", async () => {
  await using fleet = await startFleet({ agents: 1, cpuSlots: 4 });
  const cases: [lines: string, reason: string][] = [
    ['setup = "echo before; exit 3"', "setup failed (exit 3)"],
    ['setup = "exit 0"', "setup failed (exit 0)"],
    ['setup = "true"\nstdin = "none.txt"', "the file that it reads cannot be opened"],
    ['setup = "true"\nvenv = "none"', "its Python is not on the host"],
    ['stdin = "none.txt"', `its input file ${fleet.dir}/none.txt does not exist on this host`],
    ['venv = "none"', `this host has no [run] venv ${fleet.dir}/none, which has no bin/python`],
    ['env = { A = "${node.labels.rack}" }', "host node-1 has no label rack"],
  ];
  for (const [i, [lines]] of cases.entries()) {
    await fleet.submit(`name = "wrong-${i}"\n[run]\ncommand = ["echo", "ran"]\n${lines}\n`);
  }
  for (const [i, [, reason]] of cases.entries()) {
    const [run] = await fleet.done(`wrong-${i}.1`, 60_000);
    expect(run).toMatchObject({ state: "failed" });
    expect(run?.reason).toContain(reason);
  }
});
