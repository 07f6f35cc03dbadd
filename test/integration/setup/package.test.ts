/** What is published: built, packed, unpacked elsewhere, its commands run without the sources and bring what they need. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VERSION } from "../../../shared/version.ts";
import { createTestFolder, runWith } from "../../helpers/fake-tools.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const folder = createTestFolder();
/** As a package manager lays it out: the packages beside it. */
const installed = join(folder, "node_modules/expfleet");

beforeAll(() => {
  execFileSync("sh", ["scripts/build.sh"], { cwd: ROOT });
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: ROOT });
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, archive), "--strip-components=1", "-C", installed]);
  symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("holds no sources, tests or secrets", () => {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter(
    (path) => !path.startsWith("node_modules"),
  );
  expect(files).toContain("LICENSE");
  expect(files.filter((path) => path.endsWith(".ts"))).toEqual([]);
  expect(files.filter((path) => /^(test|deploy\/secrets|\.)/.test(path))).toEqual([]);
});

test.each(["exp", "exp-agent", "exp-coordinator"])("%s says its version", (command) => {
  const result = runWith({ PATH: "/usr/bin:/bin", HOME: folder }, join(installed, "bin", command), "--version");
  expect(result).toMatchObject({ status: 0, stdout: `${VERSION}\n`, stderr: "" });
});

test("the shell scripts that run beside the programs are there", () => {
  for (const script of ["agent/process/shim.sh", "agent/process/warden.sh", "scripts/nats-server.sh"]) {
    expect(readFileSync(join(installed, "dist", script), "utf8")).toBe(readFileSync(join(ROOT, script), "utf8"));
  }
});

test("the version is told in one way", () => {
  expect(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))).toMatchObject({ version: VERSION });
});
