/**
 * What git knows of the code at this moment: commit, branch, remote, and what is not committed. HEAD, the index and the
 * work tree stay as they are: git gets a copy of the index, takes no lock, and runs none of the configured programs.
 */
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { systemCode } from "../../shared/kernel/errors.ts";
import { CODE_DIFF_BYTES_MAX, UNTRACKED_NAMES_MAX } from "../../shared/run/limits.ts";
import { type CodeOrigin, type GitOrigin, withoutCredentials } from "../../shared/run/provenance.ts";
import { git, gitRoot } from "../identity/code-tree.ts";

/** Never throws: what cannot be known is said in `problem`. */
export async function readCodeOrigin(directory: string): Promise<CodeOrigin> {
  const root = await gitRoot(directory);
  if (root === undefined) return { root: directory, git: null, problem: null };
  const problems: string[] = [];
  const state = await readGit(root, (problem) => problems.push(problem));
  return { root, git: state, problem: problems[0] ?? null };
}

/** Files that differ from the last commit, or are new and not ignored. */
export async function uncommitted(root: string): Promise<string[]> {
  const { stdout } = await withIndex(root, (env) =>
    git(root, ["status", "--porcelain", "-z", "--no-renames"], { env }),
  );
  return stdout.split("\0").flatMap((entry) => (entry.length > 3 ? [entry.slice(3)] : []));
}

async function readGit(root: string, tell: (problem: string) => void): Promise<GitOrigin> {
  const [commit, branch, remote] = await Promise.all([
    one(root, ["rev-parse", "--verify", "--quiet", "HEAD"]),
    one(root, ["symbolic-ref", "--short", "--quiet", "HEAD"]),
    one(root, ["config", "--get", "remote.origin.url"]),
  ]);
  const difference = commit === null ? { diff: "", diffBytes: 0 } : await differenceTo(root, tell);
  const listed = await git(root, ["ls-files", "-z", "--others", "--exclude-standard"]);
  if (listed.failed) tell(`git cannot list new files: ${firstLine(listed.stderr)}`);
  const untracked = listed.stdout.split("\0").filter((path) => path !== "");
  return {
    commit,
    branch,
    remote: remote === null ? null : withoutCredentials(remote),
    ...difference,
    untracked: untracked.slice(0, UNTRACKED_NAMES_MAX),
    untrackedCount: untracked.length,
  };
}

async function differenceTo(
  root: string,
  tell: (problem: string) => void,
): Promise<Pick<GitOrigin, "diff" | "diffBytes">> {
  const args = ["diff-index", "-p", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD"];
  const result = await withIndex(root, async (env) => {
    // In the copy: files that only look changed, as their times are new, are no difference.
    await git(root, ["-c", "core.splitIndex=false", "update-index", "-q", "--refresh"], { env });
    return git(root, args, { env });
  });
  if (result.failed) tell(`git cannot tell what is not committed: ${firstLine(result.stderr)}`);
  const bytes = Buffer.from(result.stdout);
  if (bytes.length <= CODE_DIFF_BYTES_MAX) return { diff: result.stdout, diffBytes: bytes.length };
  // Whole lines only.
  const cut = bytes.lastIndexOf(10, CODE_DIFF_BYTES_MAX - 1) + 1;
  return { diff: bytes.toString("utf8", 0, cut), diffBytes: bytes.length };
}

/** Gives `work` a copy of the index, which goes afterwards. */
async function withIndex<T>(root: string, work: (env: { readonly GIT_INDEX_FILE: string }) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "exp-index-"));
  try {
    const copy = join(folder, "index");
    const path = await one(root, ["rev-parse", "--git-path", "index"]);
    await copyFile(resolve(root, path ?? ".git/index"), copy).catch((error: unknown) => {
      // Nothing was ever added: an index that is not there is an empty one.
      if (systemCode(error) !== "ENOENT") throw error;
    });
    return await work({ GIT_INDEX_FILE: copy });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function one(root: string, args: readonly string[]): Promise<string | null> {
  const { failed, stdout } = await git(root, args);
  const text = stdout.replace(/\n$/, "");
  return failed || text === "" ? null : text;
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
