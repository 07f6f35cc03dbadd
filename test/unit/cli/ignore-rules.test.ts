/** Lines of ignore files against what git says of them: the tables were made with `git check-ignore`, and git is asked again. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { isIgnored, parseIgnoreRules } from "../../../cli/identity/ignore-rules.ts";

const PATHS = [
  "a.txt",
  "a.log",
  "logs/a.log",
  "logs/deep/b.log",
  "src/logs/c.txt",
  "src/x.py",
  "src/data/x.csv",
  "data/x.csv",
  "data/keep.csv",
  "#hash",
  "!bang",
  "b c.txt",
  "x[1].txt",
  "x1.txt",
  "x^.txt",
  "foo.bar",
  "fooXbar",
  "ä.txt",
];

const FILES: readonly string[] = [
  "*.log",
  "/*.log",
  "logs",
  "logs/",
  "/logs",
  "logs/*",
  "logs/**",
  "**/logs",
  "**/x.csv",
  "src/**/x.csv",
  "data/*\n!data/keep.csv",
  "data\n!data/keep.csv",
  "*.csv\n!keep.csv\n*.csv",
  "# comment\n\n\\#hash",
  "\\!bang",
  "b c.txt  ",
  "x[0-9].txt",
  "x[!0-9].txt",
  "x[^0-9].txt",
  "x\\[1\\].txt",
  "x[",
  "?.log",
  "foo.bar",
  "foo*bar",
  "*",
  "*\n!*.py",
  "*/x.csv",
  "/",
  "a.txt/",
  "**",
  "a**t",
  "ä.*",
  "*.txt\r\n!a.txt\r\n",
];

describe("ignore files", () => {
  test.each(FILES)("%j", (text) => {
    const dir = mkdtempSync(join(tmpdir(), "exp-ignore-"));
    try {
      for (const path of PATHS) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), "");
      }
      writeFileSync(join(dir, ".gitignore"), text.replaceAll("\r", ""));
      const git = (...args: string[]) =>
        execFileSync("git", ["-C", dir, "-c", "core.excludesFile=", "-c", "core.quotePath=false", ...args], {
          encoding: "utf8",
          env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
        });
      git("init", "-q");
      const kept = new Set(git("ls-files", "-z", "--others", "--exclude-standard").split("\0"));
      const rules = parseIgnoreRules(text);
      for (const path of PATHS) expect([path, isLeftOut(rules, path)]).toEqual([path, !kept.has(path)]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

/** As a walk from the top does it. */
function isLeftOut(rules: ReturnType<typeof parseIgnoreRules>, path: string): boolean {
  const parts = path.split("/");
  return parts.some((_, i) => isIgnored(rules, parts.slice(0, i + 1).join("/"), i < parts.length - 1) === true);
}
