/** scripts/quickstart.sh with a fake `exp`: the order of the tour, and that the fleet is stopped however the tour ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestFolder, linkBasicTools, runWith, writeProgram } from "../../helpers/fake-tools.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const SCRIPTS = resolve(import.meta.dirname, "../../../scripts");
const UP = /^up --detach --port 0 --dir \.exp --gpus none --cpu-slots \d+$/;
const SUBMIT = "submit examples/digits/sweep.toml --dir .exp --wait --json";
const DOWN = "down --dir .exp --yes";

let folder: string;
let env: Record<string, string>;
let running: ChildProcess | undefined;

beforeEach(() => {
  folder = createTestFolder();
  cpSync(SCRIPTS, join(folder, "scripts"), { recursive: true });
  writeProgram(join(folder, "scripts/setup.sh"), "");
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(process.execPath, join(folder, "node_modules/.bin/node"));
  env = { PATH: linkBasicTools(join(folder, "path")) };
});

afterEach(() => {
  running?.kill("SIGKILL");
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** An `exp` that writes down how it is called; `cases` says what it does for which first word. */
function fakeExp(cases: string): void {
  writeProgram(join(folder, "bin/exp"), `echo "$*" >>${folder}/calls\ncase $1 in\n${cases}\nesac`);
}

function calls(): string[] {
  const file = join(folder, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

const tour = () => runWith(env, "/bin/sh", join(folder, "scripts/quickstart.sh"));

test("up, submit with progress, the leaderboard of that sweep, down", () => {
  fakeExp(
    `submit) echo '{"sweep":"digits.3","total":12,"new":12,"reused":0}'; echo 12/12 >&2 ;;\nbest) echo leaders ;;`,
  );
  expect(tour()).toMatchObject({ status: 0, stdout: "leaders\n", stderr: "12/12\n" });
  expect(calls()).toEqual([expect.stringMatching(UP), SUBMIT, "best digits.3 --dir .exp", DOWN]);
});

test("a second tour says that nothing was run again, and shows the leaderboard", () => {
  fakeExp(`submit) echo '{"sweep":"digits.4","total":12,"new":0,"reused":12}' ;;\nbest) echo leaders ;;`);
  const result = tour();
  expect(result).toMatchObject({ status: 0, stdout: "leaders\n" });
  expect(result.stderr).toContain("all 12 runs were done by an earlier tour");
});

test.each([
  ["submit) exit 2 ;;", 2, DOWN],
  [`submit) echo '{"sweep":"digits.3","total":1,"new":1,"reused":0}' ;;\nbest) exit 5 ;;`, 5, DOWN],
  ["up) exit 5 ;;", 5, DOWN],
])("stops the fleet after a failure (%s) and keeps its exit code", (cases, code, last) => {
  fakeExp(cases);
  expect(tour().status).toBe(code);
  expect(calls().at(-1)).toBe(last);
});

test("leaves a fleet alone that was up before", () => {
  fakeExp("up) exit 6 ;;");
  expect(tour().status).toBe(6);
  expect(calls()).toHaveLength(1);
});

test("tells of a fleet that could not be stopped", () => {
  fakeExp(`submit) echo '{"sweep":"digits.3","total":1,"new":1,"reused":0}' ;;\ndown) exit 1 ;;`);
  expect(tour().status).toBe(1);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("stops the fleet on %s", async (signal, code) => {
  // As from a terminal, the signal goes to the whole group.
  fakeExp(
    `submit) touch ${folder}/waiting; exec sleep 60 ;;\ndown) sleep 0.1; echo "down is done" >>${folder}/calls ;;`,
  );
  const script = join(folder, "scripts/quickstart.sh");
  running = spawn("/bin/sh", [script], { env, cwd: folder, stdio: "ignore", detached: true });
  const exit = once(running, "exit");
  await waitUntil("the tour waits for its sweep", () => existsSync(join(folder, "waiting")));
  if (running.pid !== undefined) process.kill(-running.pid, signal);
  expect(await exit).toEqual([code, null]);
  expect(calls().slice(-2)).toEqual([DOWN, "down is done"]);
});

test("without the set-up there is no tour", () => {
  writeFileSync(join(folder, "scripts/setup.sh"), "exit 1\n");
  fakeExp("");
  expect(tour().status).toBe(1);
  expect(calls()).toEqual([]);
});
