/**
 * The house rules as tests, so that nobody has to debate them. Each message says how to mend. Each rule is also shown
 * planted violations.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { LINES_SOFT, longFiles } from "./helpers/tidy/code.ts";
import { RULES, type Sample } from "./helpers/tidy/rules.ts";
import { describeViolation, type SourceFile } from "./helpers/tidy/source.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Tracked files and new ones that git does not ignore; binary and recorded ones aside. */
function readRepository(): SourceFile[] {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const paths = execFileSync("git", list, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 }).split("\0");
  return [...new Set(paths)]
    .filter((path) => path !== "" && !/\.(gz|png|ico|woff2|db)$|^test\/fixtures\/recorded\//.test(path))
    .filter((path) => existsSync(resolve(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(resolve(ROOT, path), "utf8") }));
}

const files = readRepository();
const asFiles = (samples: readonly Sample[]): SourceFile[] => samples.map(([path, text]) => ({ path, text }));

test("the repository is read", () => {
  expect(files.length).toBeGreaterThan(50);
  const long = longFiles(files, LINES_SOFT);
  if (long.length > 0) console.log(`above ${LINES_SOFT} lines:\n${long.map(describeViolation).join("\n")}`);
});

describe.each(RULES)("$name", ({ check, bad, good }) => {
  test("holds", () => {
    expect(check(files).map(describeViolation)).toEqual([]);
  });

  test.each(bad)("reports $files.0.0", ({ files: samples, says }) => {
    const said = check(asFiles(samples)).map(describeViolation);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(says);
  });

  test("lets good files be", () => {
    expect(check(asFiles(good)).map(describeViolation)).toEqual([]);
  });
});
