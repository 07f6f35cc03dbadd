/** shellcheck over every shell script of the repository; its own message says how to mend. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Tracked and new files that are shell scripts by name or by first line. */
function shellScripts(): string[] {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return files.split("\n").filter((file) => {
    if (file.endsWith(".sh")) return true;
    if (!/^(bin|\.ci|deploy)\//.test(file)) return false;
    return /^#!.*\b(sh|bash)\b|^# shellcheck shell=/.test(readFileSync(resolve(ROOT, file), "utf8").slice(0, 100));
  });
}

test("shellcheck finds nothing", { timeout: 120_000 }, () => {
  const shellcheck = execFileSync("sh", ["scripts/shellcheck.sh"], { cwd: ROOT, encoding: "utf8" }).trim();
  const scripts = shellScripts();
  expect(scripts).toContain("scripts/setup.sh");
  expect(scripts).toContain("bin/exp");
  const { stdout } = spawnSync(shellcheck, ["-x", ...scripts], { cwd: ROOT, encoding: "utf8" });
  expect(stdout).toBe("");
});
