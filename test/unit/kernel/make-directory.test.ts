import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeDirectory } from "../../../shared/make-directory.ts";

const root = mkdtempSync(join(tmpdir(), "make-directory-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("makes what is missing, with the mode, and leaves what is there", () => {
  makeDirectory(join(root, "a/b/c"), 0o700);
  expect(statSync(join(root, "a/b/c")).mode & 0o777).toBe(0o700);
  expect(statSync(join(root, "a")).mode & 0o777).toBe(0o700);
  mkdirSync(join(root, "open"), 0o755);
  makeDirectory(join(root, "open"), 0o700);
  expect(statSync(join(root, "open")).mode & 0o777).toBe(0o755);
});

test("throws what the system says", () => {
  writeFileSync(join(root, "file"), "");
  symlinkSync("nothing", join(root, "link"));
  expect(() => makeDirectory(join(root, "file"))).toThrow("ENOTDIR");
  expect(() => makeDirectory(join(root, "file/below"))).toThrow("ENOTDIR");
  expect(() => makeDirectory(join(root, "link"))).toThrow("EEXIST");
  // Where mkdir's own `recursive` would try for ever.
  expect(() => makeDirectory("/proc/nowhere/below")).toThrow("ENOENT");
});
