/** scripts/setup.sh with a fake npm: when it installs, with which switches, and what a failure leaves behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestFolder, linkBasicTools, runWith, writeProgram } from "../../helpers/fake-tools.ts";

const SCRIPTS = resolve(import.meta.dirname, "../../../scripts");

let folder: string;
let repository: string;
let env: Record<string, string>;

beforeEach(() => {
  folder = createTestFolder();
  repository = join(folder, "repository");
  cpSync(SCRIPTS, join(repository, "scripts"), { recursive: true });
  writeFileSync(join(repository, "package-lock.json"), "{}\n");
  const path = linkBasicTools(join(folder, "path"));
  const server = writeProgram(join(folder, "nats-server"), "echo 'nats-server: v2.15.1'");
  env = { PATH: path, EXP_NATS_SERVER: server, EXP_CACHE_DIR: join(folder, "cache") };
  fakeNpm("");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An npm that writes its arguments and its PATH down, and makes node_modules with a Node that writes down what it ran. */
function fakeNpm(more: string): void {
  const node = writeProgram(join(folder, "fake-node"), `echo "$*" >>${folder}/node-calls`);
  const note = `echo "$*" >>${folder}/calls\necho "$PATH" >${folder}/npm-path`;
  const packages = `rm -rf node_modules\nmkdir -p node_modules/.bin\nln -s ${node} node_modules/.bin/node`;
  writeProgram(join(folder, "path", "npm"), `${note}\n${packages}\n${more}`);
}

function setUp() {
  return runWith(env, "/bin/sh", join(repository, "scripts/setup.sh"));
}

function npmCalls(): string[] {
  const file = join(folder, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

test("installs once, from the lock file and without install scripts; then it is quiet", () => {
  const first = setUp();
  expect(first).toMatchObject({ status: 0, stdout: "", stderr: "set-up: installing packages\n" });
  expect(npmCalls()).toHaveLength(1);
  expect(npmCalls()[0]).toMatch(/^ci --ignore-scripts --include=dev --include=optional /);
  expect(readFileSync(join(folder, "node-calls"), "utf8")).toBe("scripts/dashboard.ts\n");
  const startedMs = performance.now();
  expect(setUp()).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(performance.now() - startedMs).toBeLessThan(2000);
  expect(npmCalls()).toHaveLength(1);
});

test("installs again when the lock file has changed or the packages are gone", () => {
  setUp();
  appendFileSync(join(repository, "package-lock.json"), "\n");
  setUp();
  expect(npmCalls()).toHaveLength(2);
  rmSync(join(repository, "node_modules"), { recursive: true });
  setUp();
  expect(npmCalls()).toHaveLength(3);
});

test("an installation that failed is told of, and tried again the next time", () => {
  fakeNpm("echo 'npm error: no such package' >&2\nexit 1");
  const failed = setUp();
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain("npm error: no such package\nset-up: npm ci failed");
  fakeNpm("");
  expect(setUp().status).toBe(0);
  expect(npmCalls()).toHaveLength(2);
});

test("npm runs under the Node outside of node_modules, which npm ci deletes", () => {
  env.PATH = `${repository}/node_modules/.bin:${env.PATH}`;
  expect(setUp().status).toBe(0);
  expect(readFileSync(join(folder, "npm-path"), "utf8").trim()).toBe(join(folder, "path"));
});

test("says so where npm is missing", () => {
  rmSync(join(folder, "path", "npm"));
  expect(setUp()).toMatchObject({ status: 1, stderr: "set-up: npm is missing: install Node 20 or newer with npm.\n" });
});

test("fails where there is no nats-server", () => {
  env.EXP_NATS_SERVER = join(folder, "none");
  const result = setUp();
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("does not run as a nats-server");
});

test("a second set-up at the same time waits for the first, and installs nothing again", async () => {
  fakeNpm(`while [ ! -e ${folder}/go ]; do sleep 0.05; done`);
  const start = () =>
    spawn("/bin/sh", [join(repository, "scripts/setup.sh")], { env, stdio: ["ignore", "ignore", "pipe"] });
  const children = [start(), start()];
  const exits = children.map((child) => once(child, "exit"));
  // One of the two says that it waits; only then the fake npm of the other may end.
  const waits = children.map(async (child) => {
    for await (const chunk of child.stderr) if (String(chunk).includes("waiting for another set-up")) return;
    throw new Error("ended without waiting");
  });
  await Promise.any(waits);
  writeFileSync(join(folder, "go"), "");
  await Promise.allSettled(waits);
  expect(await Promise.all(exits)).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(npmCalls()).toHaveLength(1);
});

test("the lock of a set-up that died does not hold up the next", () => {
  mkdirSync(join(repository, ".cache/setup.lock"), { recursive: true });
  // No process has a pid above the kernel's bound of 2^22.
  writeFileSync(join(repository, ".cache/setup.lock/pid"), "4194305\n");
  expect(setUp().status).toBe(0);
  expect(existsSync(join(repository, ".cache/setup.lock"))).toBe(false);
});
