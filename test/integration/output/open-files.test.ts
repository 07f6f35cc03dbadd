/** What is synced, and how often; watched at the system calls, as a file system in good health shows no difference. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OpenFiles, SyncFailure } from "../../../coordinator/stream/open-files.ts";

const { synced } = vi.hoisted(() => ({ synced: [] as string[] }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const watched = (sync: typeof real.fsync): typeof real.fsync =>
    ((file, done) => {
      synced.push(real.readlinkSync(`/proc/self/fd/${file}`));
      sync(file, done);
    }) as typeof real.fsync;
  return { ...real, fsync: watched(real.fsync), fdatasync: watched(real.fdatasync as typeof real.fsync) };
});

let dir: string;
let files: OpenFiles;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "exp-open-files-"));
  files = new OpenFiles(2);
  synced.length = 0;
});
afterEach(() => {
  files.closeAll();
  expect(openNames()).toEqual([]);
  rmSync(dir, { recursive: true });
});

/** Descriptors of this process below `dir`. */
function openNames(): string[] {
  const targets = readdirSync("/proc/self/fd").map((file) => {
    try {
      return readlinkSync(`/proc/self/fd/${file}`);
    } catch {
      return ""; // The one that listed them.
    }
  });
  return targets.filter((target) => target.startsWith(`${dir}/`)).map((target) => target.slice(dir.length + 1));
}

const write = (name: string, text: string, offset = 0) => files.write(join(dir, name), offset, [Buffer.from(text)]);
const content = (name: string) => readFileSync(join(dir, name), "utf8");

/** Paths below `dir` that the next sync puts on the disk, "" for `dir` itself. */
async function syncedNext(): Promise<string[]> {
  synced.length = 0;
  await files.sync();
  return synced.map((path) => path.slice(dir.length + 1)).sort();
}

describe("sync", () => {
  it("takes each file, and each directory with a new name, once", async () => {
    await Promise.all([write("a/one/x", "x"), write("a/one/y", "y"), write("a/two/z", "z")]);
    expect(synced).toEqual([]);
    expect(await syncedNext()).toEqual(["", "a", "a/one", "a/one/x", "a/one/y", "a/two", "a/two/z"]);
    await write("a/one/x", "xx", 1);
    expect(await syncedNext()).toEqual(["a/one/x"]);
    expect(await syncedNext()).toEqual([]);
    expect(content("a/one/x")).toBe("xxx");
  });

  it("takes more than go on at once", async () => {
    const names = Array.from({ length: 100 }, (_, i) => `f${i}`);
    await Promise.all(names.map((name) => write(name, name)));
    expect(await syncedNext()).toEqual(["", ...names].sort());
    for (const name of names) expect(content(name)).toBe(name);
    files.trim();
  });

  it("takes the directories that were made for a file that could not be", async () => {
    await expect(write(`a/one/${"n".repeat(300)}`, "x")).rejects.toThrow("ENAMETOOLONG");
    await write("a/one/x", "x");
    expect(await syncedNext()).toEqual(["", "a", "a/one", "a/one/x"]);
  });

  it("rejects where a file cannot be made durable", async () => {
    symlinkSync("/dev/null", join(dir, "x"));
    await write("x", "lost");
    await expect(files.sync()).rejects.toThrow(SyncFailure);
  });
});

describe("files", () => {
  it("are closed when they were not used for longest, and opened again", async () => {
    for (const name of ["x", "y", "z"]) await write(name, name);
    await write("x", "x", 1);
    await files.sync();
    files.trim();
    expect(openNames().sort()).toEqual(["x", "z"]);
    files.close(join(dir, "z"));
    files.close(join(dir, "never opened"));
    expect(openNames()).toEqual(["x"]);
    await write("y", "y", 1);
    expect(await syncedNext()).toEqual(["y"]);
    expect(content("y")).toBe("yy");
  });

  it.each([
    { count: 3_000, bytes: 3 },
    { count: 5, bytes: 50_000 },
    { count: 1, bytes: 64 * 1024 + 1 },
  ])("take $count parts of $bytes bytes in order", async ({ count, bytes }) => {
    const parts = Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, i % 251));
    await files.write(join(dir, "x"), 0, [Buffer.from("head")]);
    await files.write(join(dir, "x"), 4, parts);
    const whole = Buffer.concat([Buffer.from("head"), ...parts]);
    expect(readFileSync(join(dir, "x")).equals(whole)).toBe(true);
    expect((await files.read(join(dir, "x"), 2, 6)).equals(whole.subarray(2, 6))).toBe(true);
  });
});
