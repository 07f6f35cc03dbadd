/**
 * Takes a snapshot of the code that a directory belongs to: every file of its git repository (tracked, or new and not
 * ignored), else every file beside and below; without what `.gitignore` and `.expignore` leave out.
 */
import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { lstat, readlink, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { CODE_BYTES_MAX, CODE_FILES_MAX } from "../../shared/run/limits.ts";
import type { CodeSnapshot } from "../../shared/run/provenance.ts";
import {
  linkProblem,
  type SnapshotEntry,
  type SnapshotFile,
  snapshotHash,
  snapshotText,
} from "../../shared/run/snapshot.ts";
import { inTurn, listCode } from "../identity/code-tree.ts";
import { uncommitted } from "./git-origin.ts";

export interface TakenSnapshot extends CodeSnapshot {
  /** Where the files lie: the root without symbolic links. */
  readonly place: string;
  readonly text: string;
  readonly entries: readonly SnapshotEntry[];
}

/** How the code is taken: as it lies, or only where all of it is committed. */
export type CodeMode = "snapshot" | "git";

/** Files named in a message. */
const NAMED = 3;

/** Throws AppError (invalid) for code that is too much, that leads outside, or that is not committed where it must be. */
export async function takeSnapshot(directory: string, mode: CodeMode): Promise<TakenSnapshot> {
  const { root, inGit, paths } = await listCode(directory);
  if (mode === "git") await checkCommitted(root, inGit);
  const found = await look(root, paths);
  checkSize(root, found);
  const entries = await inTurn(found, (file) => entryOf(root, file));
  const text = snapshotText(entries);
  return { hash: snapshotHash(text), root: await asTyped(root, directory), place: root, text, entries };
}

/** Contents of a snapshot, each once. */
export function contentsOf(entries: readonly SnapshotEntry[]): SnapshotFile[] {
  const files = entries.filter((entry) => entry.kind === "file");
  return [...new Map(files.map((file) => [file.sha256, file])).values()];
}

interface Found {
  readonly path: string;
  readonly facts: Stats;
}

async function look(root: string, paths: readonly string[]): Promise<Found[]> {
  const found = await inTurn(paths, async (path): Promise<Found | undefined> => {
    try {
      const facts = await lstat(join(root, path));
      return facts.isFile() || facts.isSymbolicLink() ? { path, facts } : undefined;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
      // Tracked and deleted: it is not part of the code any more.
      if (!path.includes("\ufffd")) return undefined;
      throw refusal(`the name of ${JSON.stringify(path)} is no UTF-8`, "rename it");
    }
  });
  return found.filter((file) => file !== undefined);
}

function checkSize(root: string, found: readonly Found[]): void {
  const bytes = found.reduce((sum, { facts }) => sum + (facts.isFile() ? facts.size : 0), 0);
  const tooMany = found.length > CODE_FILES_MAX;
  if (!tooMany && bytes <= CODE_BYTES_MAX) return;
  const what = tooMany
    ? `${found.length.toLocaleString("en")} files, at most ${CODE_FILES_MAX.toLocaleString("en")}`
    : `${formatBytes(bytes)}, at most ${formatBytes(CODE_BYTES_MAX)}`;
  const most = tooMany ? fullest(found) : largest(found);
  throw refusal(
    `the code in ${root} is too much for a snapshot: ${what}; ${most}`,
    `write what is no code into ${join(root, ".expignore")}, one pattern a line`,
  );
}

/** "the largest: data/train.bin (1.2GB), …" */
function largest(found: readonly Found[]): string {
  const files = found.toSorted((a, b) => b.facts.size - a.facts.size).slice(0, NAMED);
  return `the largest: ${files.map(({ path, facts }) => `${path} (${formatBytes(facts.size)})`).join(", ")}`;
}

function fullest(found: readonly Found[]): string {
  const folders = new Map<string, number>();
  for (const { path } of found) {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "./";
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }
  const most = [...folders].sort((a, b) => b[1] - a[1]).slice(0, NAMED);
  return `the fullest folders: ${most.map(([folder, count]) => `${folder} (${count.toLocaleString("en")})`).join(", ")}`;
}

async function entryOf(root: string, { path, facts }: Found): Promise<SnapshotEntry> {
  const full = join(root, path);
  if (facts.isSymbolicLink()) {
    const target = await readlink(full);
    const problem = linkProblem(path, target);
    if (problem !== undefined) {
      throw refusal(`the symbolic link ${path} ${problem}`, `write ${path} into ${join(root, ".expignore")}`);
    }
    return { kind: "link", path, target };
  }
  const sum = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(full)) {
    sum.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { kind: "file", path, sha256: sum.digest("hex"), bytes, executable: (facts.mode & 0o100) !== 0 };
}

async function checkCommitted(root: string, inGit: boolean): Promise<void> {
  if (!inGit) {
    throw refusal(`run.code = "git", and ${root} is in no git repository`, 'write code = "snapshot"');
  }
  const [first, ...others] = await uncommitted(root);
  if (first === undefined) return;
  const rest = others.length === 0 ? "" : ` and ${others.length} more`;
  throw refusal(`run.code = "git", and not all is committed: ${first}${rest}`, 'commit it, or write code = "snapshot"');
}

/** The root as whoever typed the directory sees it: git knows only the place without symbolic links. */
async function asTyped(root: string, directory: string): Promise<string> {
  const real = await realpath(directory);
  if (real === root) return directory;
  const below = real.startsWith(root + sep) ? real.slice(root.length) : "";
  return below !== "" && directory.endsWith(below) ? directory.slice(0, -below.length) : root;
}

function refusal(message: string, hint: string): AppError {
  return new AppError("invalid", message, { id: "code.snapshot", hint });
}
