/** Differences of texts, held to what `diff -u` writes and to `patch`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { unifiedDiff } from "../../../cli/render/unified-diff.ts";

const NAMES = ["a", "b"] as const;

test.each([
  ["equal", "x\n", "x\n", []],
  ["one line of three", "1\n2\n3\n", "1\nzwei\n3\n", ["--- a", "+++ b", "@@ -1,3 +1,3 @@", " 1", "-2", "+zwei", " 3"]],
  ["from nothing", "", "1\n", ["--- a", "+++ b", "@@ -0,0 +1 @@", "+1"]],
  ["to nothing", "1\n", "", ["--- a", "+++ b", "@@ -1 +0,0 @@", "-1"]],
  [
    "the end of the last line",
    "1",
    "1\n",
    ["--- a", "+++ b", "@@ -1 +1 @@", "-1", "\\ No newline at end of file", "+1"],
  ],
])("%s", (_what, before, after, lines) => {
  expect(unifiedDiff(before, after, NAMES)).toEqual(lines);
});

test("far changes are apart, near ones together", () => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i}`);
  const after = lines.with(2, "two").with(7, "seven").with(30, "thirty");
  const heads = unifiedDiff(`${lines.join("\n")}\n`, `${after.join("\n")}\n`, NAMES).filter((line) =>
    line.startsWith("@@"),
  );
  expect(heads).toEqual(["@@ -1,11 +1,11 @@", "@@ -28,7 +28,7 @@"]);
});

test("git applies what it says, for any two texts", () => {
  const dir = mkdtempSync(join(tmpdir(), "exp-diff-"));
  try {
    const text = fc
      .array(fc.constantFrom("a", "b", "c", "d", ""), { maxLength: 30 })
      .map((lines) => lines.map((line) => `${line}\n`).join(""));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = unifiedDiff(before, after, ["a/f", "b/f"]);
        expect(lines.length === 0).toBe(before === after);
        if (before === after || before === "" || after === "") return;
        writeFileSync(join(dir, "f"), before);
        execFileSync("git", ["apply", "-"], {
          cwd: dir,
          input: `${lines.join("\n")}\n`,
          stdio: ["pipe", "ignore", "pipe"],
        });
        expect(readFileSync(join(dir, "f"), "utf8")).toBe(after);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("texts that have nothing in common do not take long", () => {
  const text = (word: string) => Array.from({ length: 20_000 }, (_, i) => `${word}${i}\n`).join("");
  const started = performance.now();
  expect(unifiedDiff(text("a"), text("b"), NAMES)).toHaveLength(40_003);
  expect(performance.now() - started).toBeLessThan(10_000);
});
