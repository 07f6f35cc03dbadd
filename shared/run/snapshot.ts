/**
 * [P] A snapshot of code as text: one JSON line for each file or symbolic link, sorted by path. The SHA-256 of the text
 * names the snapshot, and the text itself is kept like any other content. What comes from outside is checked here: a
 * snapshot that is laid out in a directory can never touch anything outside of it.
 */
import { hash } from "node:crypto";

export interface SnapshotFile {
  readonly kind: "file";
  /** Relative to the root, with "/". */
  readonly path: string;
  /** Of the content: 64 hex digits. */
  readonly sha256: string;
  readonly bytes: number;
  readonly executable: boolean;
}

export interface SnapshotLink {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

export type SnapshotEntry = SnapshotFile | SnapshotLink;

const HASH = /^[0-9a-f]{64}$/;
/** Of one path, in UTF-16 units; Linux takes 4,096 bytes. */
const PATH_CHARS_MAX = 4_000;

/** True for the name of a content: 64 hex digits of SHA-256. */
export function isContentHash(text: string): boolean {
  return HASH.test(text);
}

export function snapshotText(entries: readonly SnapshotEntry[]): string {
  return [...entries]
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map((entry) => `${JSON.stringify(lineOf(entry))}\n`)
    .join("");
}

export function snapshotHash(text: string): string {
  return hash("sha256", text, "hex");
}

/** Entries of a text, or why it is no snapshot: the first thing that is wrong with it. */
export function parseSnapshot(text: string): readonly SnapshotEntry[] | { readonly problem: string } {
  const entries: SnapshotEntry[] = [];
  // Paths that are files or links: nothing can lie below them.
  const leaves = new Set<string>();
  const folders = new Set<string>();
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = entryOf(line);
    if (!entry) return { problem: `a line of another form: ${line.slice(0, 100)}` };
    const { path } = entry;
    const problem = pathProblem(path) ?? (entry.kind === "link" ? linkProblem(path, entry.target) : undefined);
    if (problem !== undefined) return { problem: `${JSON.stringify(path)} ${problem}` };
    const parents = parentsOf(path);
    if (leaves.has(path) || folders.has(path) || parents.some((parent) => leaves.has(parent))) {
      return { problem: `${JSON.stringify(path)} is there twice` };
    }
    leaves.add(path);
    for (const parent of parents) folders.add(parent);
    entries.push(entry);
  }
  return entries;
}

/**
 * Why a symbolic link may point outside of the tree; undefined where it cannot. ".." counts only at the start of the target:
 * behind the name of another link it would mean something else than it says.
 */
export function linkProblem(path: string, target: string): string | undefined {
  if (target.startsWith("/")) return `points outside of the code: ${target}`;
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const first = parts.findIndex((part) => part !== "..");
  const ups = first < 0 ? parts.length : first;
  if (ups > parentsOf(path).length) return `points outside of the code: ${target}`;
  if (parts.slice(ups).includes("..")) return `points to a place that is not certain: ${target}`;
  if (target === "" || target.includes("\0")) return "points nowhere";
  return undefined;
}

function lineOf(entry: SnapshotEntry): readonly (string | number)[] {
  if (entry.kind === "link") return ["l", entry.path, entry.target];
  return [entry.executable ? "x" : "f", entry.path, entry.sha256, entry.bytes];
}

function entryOf(line: string): SnapshotEntry | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields)) return undefined;
  const [kind, path, content, bytes] = fields as unknown[];
  if (typeof path !== "string" || typeof content !== "string") return undefined;
  if (kind === "l" && fields.length === 3) return { kind: "link", path, target: content };
  const isFile = (kind === "f" || kind === "x") && fields.length === 4;
  if (!isFile || !isContentHash(content) || !Number.isSafeInteger(bytes) || (bytes as number) < 0) return undefined;
  return { kind: "file", path, sha256: content, bytes: bytes as number, executable: kind === "x" };
}

function pathProblem(path: string): string | undefined {
  if (path === "" || path.length > PATH_CHARS_MAX) return "is no path";
  const isPlain = path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  return isPlain && !path.includes("\0") ? undefined : "is no path within the code";
}

/** "a/b/c" has "a" and "a/b". */
function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) parents.push(path.slice(0, at));
  return parents;
}
