/** What `identity.include` counts besides the command, as this machine has it: digests of code, lock files and data. */
import { lstat } from "node:fs/promises";
import { resolve } from "node:path";
import type { SourceDigests } from "../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Identity } from "../../shared/spec/types.ts";
import { digestOf, readCodeTree } from "./code-tree.ts";

export const NO_DIGESTS: SourceDigests = { code: "", codeManifest: "", env: "", data: "" };

/** What stands for "env" where no file is named: the first of these beside the sweep file. */
const LOCK_FILES = [
  "uv.lock",
  "poetry.lock",
  "pdm.lock",
  "Pipfile.lock",
  "pixi.lock",
  "conda-lock.yml",
  "environment.yml",
  "requirements.txt",
] as const;

/**
 * `directory`: of the sweep file; paths start there. `ownFiles`: the sweep file and those that it names, which are no code.
 * Throws AppError for what is named and cannot be read.
 */
export async function sourceDigests(
  directory: string,
  identity: Identity,
  ownFiles: ReadonlySet<string>,
): Promise<SourceDigests> {
  const { include, envFiles = [], dataFiles = [] } = identity;
  const tree = include.includes("code") ? await readCodeTree(directory, ownFiles) : { hash: "", manifest: "" };
  const locks = include.includes("env") && envFiles.length === 0 ? [await findLock(directory)] : envFiles;
  return {
    code: tree.hash,
    codeManifest: tree.manifest,
    env: await listed(directory, "env", locks),
    data: await listed(directory, "data", dataFiles),
  };
}

/** A line for each path with its digest, sorted; empty for no path. */
async function listed(directory: string, part: string, paths: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const path of [...new Set(paths)].sort()) {
    lines.push(`${path}=${await digestOf(resolve(directory, path), `${part}:${path}`)}`);
  }
  return lines.join("\n");
}

async function findLock(directory: string): Promise<string> {
  for (const name of LOCK_FILES) {
    const isThere = await lstat(resolve(directory, name)).then(
      (facts) => facts.isFile(),
      () => false,
    );
    if (isThere) return name;
  }
  throw new AppError("invalid", `[identity] include: "env" finds no lock file in ${directory}`, {
    id: "identity.no-lock",
    hint: `name it, as "env:PATH", or have one of ${LOCK_FILES.slice(0, 3).join(", ")} beside the sweep file`,
  });
}
