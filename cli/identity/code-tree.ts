/**
 * The code of a sweep, as `identity.include = ["code"]` counts it: the content of every file of the git repository that
 * holds the sweep file (tracked, or new and not ignored), else of every file beside and below the sweep file. `.expignore`
 * at the root leaves out more. Names and content count; times, owners and modes do not.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import { CODE_BYTES_MAX, CODE_FILES_MAX } from "../../shared/run/limits.ts";
import { type CodeTree, codeTreeOf, type FileDigest } from "../../shared/spec/code-manifest.ts";
import { type IgnoreRule, isIgnored, parseIgnoreRules } from "./ignore-rules.ts";

const EXPIGNORE = ".expignore";
/** Made by tools beside the code, and never the code: left out unless git tracks them. */
const JUNK = new Set(
  ".git .hg .svn .exp __pycache__ .venv venv node_modules .ipynb_checkpoints .mypy_cache .pytest_cache .ruff_cache".split(
    " ",
  ),
);
/** Files read at once. */
const READERS = 8;

/**
 * `directory`: of the sweep file. `without`: absolute paths that are not code, such as the sweep file itself: adding a
 * value to a grid is no change of code. Throws AppError where there is too much, or what cannot be read.
 */
export async function readCodeTree(directory: string, without: ReadonlySet<string>): Promise<CodeTree> {
  const { root, paths: listed } = await listCode(directory);
  const paths = listed.filter((path) => !without.has(join(root, path)));
  if (paths.length > CODE_FILES_MAX) {
    throw tooMuch(`${paths.length} files, at most ${CODE_FILES_MAX}`, root, heaviest(paths.map((path) => [path, 1])));
  }
  return codeTreeOf(await digests(root, paths));
}

export interface CodeFiles {
  readonly root: string;
  readonly inGit: boolean;
  /** Relative to the root, with "/". */
  readonly paths: readonly string[];
}

/** The files of the code that a directory belongs to. Throws AppError where git cannot list them. */
export async function listCode(directory: string): Promise<CodeFiles> {
  const repository = await gitRoot(directory);
  if (repository === undefined) return { root: directory, inGit: false, paths: await walk(directory) };
  return { root: repository, inGit: true, paths: await gitFiles(repository) };
}

/** Digest of one file that `identity.include` names, or of a directory with all that is in it. */
export async function digestOf(path: string, shown: string): Promise<string> {
  try {
    const facts = await lstat(path);
    if (!facts.isDirectory()) return (await digestFile(path)).digest;
    const names = await readdir(path, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    const paths = files.map((file) => relative(path, file).split(sep).join("/"));
    const found = await inTurn(paths, async (file) => ({ path: file, ...(await digestFile(join(path, file))) }));
    return codeTreeOf(found).hash;
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = systemCode(error) === "ENOENT" ? "there is no such file" : String(systemCode(error) ?? error);
    throw new AppError("invalid", `[identity] include: ${shown} cannot be read: ${why}`, {
      id: "identity.read",
      cause: error,
    });
  }
}

/** Root of the git work tree that a directory is in; undefined where it is in none. */
export async function gitRoot(directory: string): Promise<string | undefined> {
  const result = await git(directory, ["rev-parse", "--show-toplevel"]);
  return result.failed || result.stdout.trim() === "" ? undefined : result.stdout.replace(/\n$/, "");
}

/** Tracked, and new ones that nothing ignores; without those that `.expignore` names. */
async function gitFiles(root: string): Promise<string[]> {
  const ignore = join(root, EXPIGNORE);
  const hasIgnore = await lstat(ignore).then(
    () => true,
    () => false,
  );
  const more = hasIgnore ? [`--exclude-from=${ignore}`] : [];
  const [tracked, fresh, left] = await Promise.all([
    gitList(root, ["--cached", "--recurse-submodules"]),
    gitList(root, ["--others", "--exclude-standard", ...more]),
    hasIgnore ? gitList(root, ["--cached", "--recurse-submodules", "--ignored", ...more]) : [],
  ]);
  const out = new Set(left);
  const isJunk = (path: string) => path.split("/").some((part) => JUNK.has(part));
  return [...tracked.filter((path) => !out.has(path)), ...fresh.filter((path) => !isJunk(path))];
}

async function gitList(root: string, options: readonly string[]): Promise<string[]> {
  const result = await git(root, ["ls-files", "-z", ...options]);
  if (result.failed) {
    throw new AppError("invalid", `git cannot list the code in ${root}: ${result.stderr.trim().split("\n")[0]}`, {
      id: "identity.git",
    });
  }
  return [...new Set(result.stdout.split("\0").filter((path) => path !== ""))];
}

/**
 * Runs git without any lock on the repository, and without programs that its configuration names. Never rejects. Node's own
 * call, since every submit comes here and loading a library for it would take a tenth of a second.
 */
export function git(directory: string, args: readonly string[], options: GitOptions = {}): Promise<GitAnswer> {
  const settings = Object.entries({ GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C", ...options.env });
  // By env(1), which adds to what this process has.
  const all = [
    ...settings.map((pair) => pair.join("=")),
    "git",
    "-C",
    directory,
    "-c",
    "core.fsmonitor=false",
    ...args,
  ];
  return new Promise((resolve) => {
    execFile("env", all, { maxBuffer: options.bytesMax ?? 1 << 28 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, stdout, stderr }),
    );
  });
}

export interface GitAnswer {
  /** Also where there is no git, and where it printed too much. */
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitOptions {
  readonly env?: { readonly [name: string]: string };
  /** What is printed beyond ends it. */
  readonly bytesMax?: number;
}

/** Every file below, without what `.gitignore` and `.expignore` files on the way leave out. */
async function walk(root: string): Promise<string[]> {
  const found: string[] = [];
  const enter = async (path: string, outer: readonly ScopedRules[]): Promise<void> => {
    const entries = await readdir(join(root, path), { withFileTypes: true });
    const scopes = [...outer, ...(await rulesAt(root, path))];
    for (const entry of entries) {
      if (JUNK.has(entry.name)) continue;
      const child = path === "" ? entry.name : `${path}/${entry.name}`;
      if (isLeftOut(scopes, child, entry.isDirectory())) continue;
      if (entry.isDirectory()) await enter(child, scopes);
      else found.push(child);
      if (found.length > CODE_FILES_MAX * 2) return;
    }
  };
  await enter("", []);
  return found;
}

interface ScopedRules {
  /** Directory of the file, relative to the root, with a "/" at its end unless it is the root. */
  readonly prefix: string;
  readonly rules: readonly IgnoreRule[];
}

async function rulesAt(root: string, path: string): Promise<ScopedRules[]> {
  const scopes: ScopedRules[] = [];
  for (const name of [".gitignore", EXPIGNORE]) {
    try {
      const text = await readFile(join(root, path, name), "utf8");
      scopes.push({ prefix: path === "" ? "" : `${path}/`, rules: parseIgnoreRules(text) });
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }
  return scopes;
}

function isLeftOut(scopes: readonly ScopedRules[], path: string, isDirectory: boolean): boolean {
  // The file nearest to the path decides.
  for (const { prefix, rules } of scopes.toReversed()) {
    const said = isIgnored(rules, path.slice(prefix.length), isDirectory);
    if (said !== undefined) return said;
  }
  return false;
}

async function digests(root: string, paths: readonly string[]): Promise<FileDigest[]> {
  let total = 0;
  const sizes: [path: string, bytes: number][] = [];
  const found = await inTurn(paths, async (path) => {
    try {
      const { digest, bytes } = await digestFile(join(root, path), CODE_BYTES_MAX);
      total += bytes;
      sizes.push([path, bytes]);
      if (total > CODE_BYTES_MAX) {
        throw tooMuch(`more than ${CODE_BYTES_MAX / 2 ** 20} MiB`, root, heaviest(sizes));
      }
      return { path, digest };
    } catch (error) {
      // Tracked and deleted: it is not part of the code any more.
      const code = systemCode(error);
      if (code === "ENOENT" || code === "EISDIR") return undefined;
      throw error;
    }
  });
  return found.filter((file) => file !== undefined);
}

/** `bytesMax`: a longer file is not read to its end. */
async function digestFile(path: string, bytesMax = Infinity): Promise<{ digest: string; bytes: number }> {
  const sum = createHash("sha256");
  const facts = await lstat(path);
  if (facts.isSymbolicLink()) return { digest: sum.update(`link ${await readlink(path)}`).digest("hex"), bytes: 0 };
  if (facts.isDirectory()) throw Object.assign(new Error(`${path} is a directory`), { code: "EISDIR" });
  if (!facts.isFile()) return { digest: sum.update("special").digest("hex"), bytes: 0 };
  if (facts.size > bytesMax) return { digest: "", bytes: facts.size };
  for await (const chunk of createReadStream(path)) sum.update(chunk as Buffer);
  return { digest: sum.digest("hex"), bytes: facts.size };
}

/** Results in the order of the items; some at a time. */
export async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const reader = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return results;
}

/** The file or first folder that weighs most. */
function heaviest(sizes: readonly (readonly [path: string, weight: number])[]): string {
  const byTop = new Map<string, number>();
  for (const [path, weight] of sizes) {
    const slash = path.indexOf("/");
    const top = slash < 0 ? path : path.slice(0, slash + 1);
    byTop.set(top, (byTop.get(top) ?? 0) + weight);
  }
  return [...byTop].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

function tooMuch(what: string, root: string, most: string): AppError {
  return new AppError(
    "invalid",
    `the code in ${root} is too much to take as identity: ${what}; most of it is ${most}`,
    {
      id: "identity.too-much",
      hint: `write what is no code into ${join(root, EXPIGNORE)}, one pattern a line, such as ${most}`,
    },
  );
}
