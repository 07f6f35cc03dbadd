/**
 * A PATH made for one test: a folder with links to the few real tools a script may use and with fake programs, so that
 * what is missing, old or broken on a machine can be tried on any machine.
 */
import { execFileSync, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";

/** What the set-up scripts use of a bare system, beside what they look for. */
const BASIC_TOOLS = [
  ...[
    "sh",
    "cat",
    "cksum",
    "cp",
    "dirname",
    "grep",
    "kill",
    "mkdir",
    "mktemp",
    "mv",
    "readlink",
    "rm",
    "sleep",
    "tail",
  ],
  ...["uname", "touch", "chmod", "ln"],
];

/** A new empty folder for one test; the caller removes it. */
export function createTestFolder(): string {
  return mkdtempSync(join(tmpdir(), "exp-setup-"));
}

/** Before each test a new folder with a `path` of the basic tools in it; both are gone after it. */
export function useToolFolder(): { readonly folder: string; readonly path: string } {
  const made = { folder: "", path: "" };
  beforeEach(() => {
    made.folder = createTestFolder();
    made.path = linkBasicTools(join(made.folder, "path"));
  });
  afterEach(() => rmSync(made.folder, { recursive: true, force: true }));
  return made;
}

/** Makes `folder` hold links to the basic tools; returns it, to be used as PATH. */
export function linkBasicTools(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const tool of BASIC_TOOLS) symlinkSync(pathOfTool(tool), join(folder, tool));
  return folder;
}

/** Absolute path of a real program. */
export function pathOfTool(name: string): string {
  return execFileSync("sh", ["-c", 'PATH=/usr/bin:/bin:$PATH command -v "$1"', "sh", name], {
    encoding: "utf8",
  }).trim();
}

/** Writes an executable shell script, and the folders above it. */
export function writeProgram(path: string, body: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Runs a program with exactly this environment. */
export function runWith(env: Record<string, string>, program: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(program, args, { encoding: "utf8", env, timeout: 30_000 });
}
