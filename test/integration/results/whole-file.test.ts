/** Files that appear whole: what is written anew, and what stays as it is. */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeWhole } from "../../../coordinator/results/whole-file.ts";

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whole-file-"));
  path = join(folder, "a.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the same text again leaves the file as it is; another takes its place", () => {
  writeWhole(path, "{}\n");
  const first = lstatSync(path);
  writeWhole(path, Buffer.from("{}\n"));
  expect(lstatSync(path)).toMatchObject({ ino: first.ino, mtimeMs: first.mtimeMs });
  for (const text of ["[]\n", "longer than before\n", ""]) {
    writeWhole(path, text);
    expect(readFileSync(path, "utf8")).toBe(text);
  }
  expect(readdirSync(folder)).toEqual(["a.json"]);
});

test("a link to the same text is no file, and is replaced", () => {
  writeFileSync(join(folder, "elsewhere"), "x");
  symlinkSync("elsewhere", path);
  writeWhole(path, "x");
  expect(lstatSync(path).isFile()).toBe(true);
});
