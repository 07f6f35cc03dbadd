/** The code of a sweep by its files: in a git repository, outside of one, and where it is too much. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf, readCodeTree } from "../../../cli/identity/code-tree.ts";
import { CODE_FILES_MAX } from "../../../shared/run/limits.ts";
import { compareManifests, manifestProblem } from "../../../shared/spec/code-manifest.ts";

let dir = "";

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "exp-code-")));
});

afterEach(() => rmSync(dir, { recursive: true }));

function put(path: string, text = path): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

function git(...args: string[]): void {
  const name = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"];
  execFileSync("git", ["-C", dir, ...name, ...args], { stdio: "pipe" });
}

const paths = (manifest: string) =>
  manifest
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line.slice(33)) as string);

async function pathsOf(directory = dir, without: readonly string[] = []): Promise<string[]> {
  return paths((await readCodeTree(directory, new Set(without))).manifest);
}

describe("in a git repository", () => {
  test("tracked files and new ones that are not ignored, of the whole repository", async () => {
    git("init", "-q");
    for (const path of ["train.py", "lib/net.py", "sweeps/a.toml", "data.bin", ".gitignore"]) put(path);
    put(".gitignore", "*.bin\nout/\n");
    put("out/log.txt");
    git("add", "train.py", ".gitignore");
    put("__pycache__/train.pyc");
    expect(await pathsOf(join(dir, "sweeps"))).toEqual([".gitignore", "lib/net.py", "sweeps/a.toml", "train.py"]);
  });

  test("a tracked file that is ignored counts, one that was deleted does not", async () => {
    git("init", "-q");
    for (const path of ["a.py", "b.bin", "c.py"]) put(path);
    git("add", "-f", ".");
    put(".gitignore", "*.bin\n");
    rmSync(join(dir, "c.py"));
    expect(await pathsOf()).toEqual([".gitignore", "a.py", "b.bin"]);
  });

  test(".expignore leaves out more, tracked or not", async () => {
    git("init", "-q");
    for (const path of ["a.py", "docs/x.md", "docs/y.md", "notes.txt"]) put(path);
    git("add", "docs/x.md", "a.py");
    put(".expignore", "docs/\n*.txt\n.expignore\n");
    expect(await pathsOf()).toEqual(["a.py"]);
  });

  test("submodules count by their files", async () => {
    const other = mkdtempSync(join(tmpdir(), "exp-sub-"));
    try {
      const inOther = (...args: string[]) =>
        execFileSync("git", ["-C", other, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args]);
      inOther("init", "-q");
      writeFileSync(join(other, "sub.py"), "1");
      inOther("add", ".");
      inOther("commit", "-qm", "a");
      git("init", "-q");
      git("submodule", "--quiet", "add", other, "sub");
      expect(await pathsOf()).toEqual([".gitmodules", "sub/sub.py"]);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  test("the sweep file itself is left out", async () => {
    git("init", "-q");
    for (const path of ["a.py", "sweep.toml"]) put(path);
    expect(await pathsOf(dir, [join(dir, "sweep.toml")])).toEqual(["a.py"]);
  });
});

describe("outside of a repository", () => {
  test("every file, without junk and what ignore files name", async () => {
    for (const path of ["a.py", "lib/b.py", "lib/c.tmp", "lib/out/d.txt", ".venv/x", "lib/__pycache__/b.pyc"])
      put(path);
    put("lib/.gitignore", "*.tmp\n/out/\n");
    put(".expignore", ".*ignore\n");
    expect(await pathsOf()).toEqual(["a.py", "lib/b.py"]);
  });
});

describe("the hash", () => {
  test("is made from names and content, not from times", async () => {
    put("a.py");
    put("b.py", "1");
    const before = await readCodeTree(dir, new Set());
    expect(manifestProblem(before)).toBeUndefined();
    utimesSync(join(dir, "a.py"), 1, 1);
    expect(await readCodeTree(dir, new Set())).toEqual(before);
    put("b.py", "2");
    put("c.py");
    rmSync(join(dir, "a.py"));
    const after = await readCodeTree(dir, new Set());
    expect(after.hash).not.toBe(before.hash);
    expect(compareManifests(before.manifest, after.manifest)).toEqual({
      changed: ["b.py"],
      added: ["c.py"],
      removed: ["a.py"],
    });
  });

  test("a link counts by where it points, odd names are kept", async () => {
    put('a "b"\n.py');
    symlinkSync("nowhere", join(dir, "link"));
    const before = await readCodeTree(dir, new Set());
    expect(paths(before.manifest)).toEqual(['a "b"\n.py', "link"]);
    rmSync(join(dir, "link"));
    symlinkSync("elsewhere", join(dir, "link"));
    expect((await readCodeTree(dir, new Set())).hash).not.toBe(before.hash);
  });

  test("a manifest that was tampered with is seen", async () => {
    put("a.py");
    const tree = await readCodeTree(dir, new Set());
    expect(manifestProblem({ ...tree, manifest: `${tree.manifest} ` })).toContain("does not have the hash");
  });
});

test("too many files: said at once, with where most of them are", async () => {
  git("init", "-q");
  mkdirSync(join(dir, "images"));
  for (let i = 0; i <= CODE_FILES_MAX; i++) writeFileSync(join(dir, "images", `${i}`), "");
  await expect(readCodeTree(dir, new Set())).rejects.toMatchObject({
    id: "identity.too-much",
    message: expect.stringContaining(`${CODE_FILES_MAX + 1} files, at most ${CODE_FILES_MAX}; most of it is images/`),
    hint: expect.stringContaining(".expignore"),
  });
});

describe("one file or directory that is named", () => {
  test("a file counts by its content, a directory by all that is in it", async () => {
    put("uv.lock", "1");
    put("data/a/b.csv", "2");
    const before = [
      await digestOf(join(dir, "uv.lock"), "lock:uv.lock"),
      await digestOf(join(dir, "data"), "data:data"),
    ];
    put("uv.lock", "3");
    put("data/a/c.csv", "4");
    const after = [
      await digestOf(join(dir, "uv.lock"), "lock:uv.lock"),
      await digestOf(join(dir, "data"), "data:data"),
    ];
    expect(after.filter((digest, i) => digest === before[i])).toEqual([]);
    for (const digest of [...before, ...after]) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test("one that is missing is told", async () => {
    await expect(digestOf(join(dir, "none"), "lock:none")).rejects.toMatchObject({
      message: "[identity] include: lock:none cannot be read: there is no such file",
    });
  });
});
