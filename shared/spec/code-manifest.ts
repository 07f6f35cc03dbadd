/**
 * The code of a sweep by its files: a manifest that names each file with its digest, and one hash of it. Two trees with the
 * same hash hold the same files; two manifests tell which files differ.
 */
import { hash } from "node:crypto";

export interface FileDigest {
  /** Relative to the root of the tree, with "/". */
  readonly path: string;
  /** Hex digits of SHA-256; only the first 32 are kept. */
  readonly digest: string;
}

export interface CodeTree {
  /** SHA-256 of the manifest, 64 hex digits. */
  readonly hash: string;
  /** A line for each file, sorted by path: 32 hex digits, a space, and the path as JSON text. */
  readonly manifest: string;
}

/** What became of the files of a tree. */
export interface TreeDifference {
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const DIGEST_CHARS = 32;
const LINE = /^[0-9a-f]{32} "/;

export function codeTreeOf(files: readonly FileDigest[]): CodeTree {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const lines = sorted.map(({ path, digest }) => `${digest.slice(0, DIGEST_CHARS)} ${JSON.stringify(path)}\n`);
  const manifest = lines.join("");
  return { hash: hash("sha256", manifest, "hex"), manifest };
}

/** Why a text from outside is no manifest of the tree of that hash; undefined when it is. */
export function manifestProblem({ hash: wanted, manifest }: CodeTree): string | undefined {
  if (hash("sha256", manifest, "hex") !== wanted) return "the manifest does not have the hash of the tree";
  const lines = manifest.split("\n").slice(0, -1);
  return lines.every((line) => LINE.test(line)) ? undefined : "the manifest has lines of another form";
}

/** Paths that differ, each list sorted. */
export function compareManifests(before: string, after: string): TreeDifference {
  const old = entriesOf(before);
  const now = entriesOf(after);
  const changed: string[] = [];
  const added: string[] = [];
  for (const [path, digest] of now) {
    const was = old.get(path);
    if (was === undefined) added.push(path);
    else if (was !== digest) changed.push(path);
  }
  return { changed, added, removed: [...old.keys()].filter((path) => !now.has(path)) };
}

function entriesOf(manifest: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of manifest.split("\n")) {
    if (LINE.test(line)) entries.set(JSON.parse(line.slice(DIGEST_CHARS + 1)) as string, line.slice(0, DIGEST_CHARS));
  }
  return entries;
}
