/** Keys in addresses and expressions; what differs between texts and between runs. */
import { describe, expect, test } from "vitest";
import { completionsAt } from "../../../dashboard/app/complete.ts";
import { conditionOf, joinKeys, splitKeys, titleOf } from "../../../dashboard/app/keys.ts";
import type { Brush } from "../../../dashboard/app/stats/axis-scale.ts";
import { compareTables, compareWords } from "../../../dashboard/app/stats/compare-runs.ts";
import { gitDiffLines, sizeOfDiff } from "../../../dashboard/app/stats/git-diff.ts";
import { lineDiff, nearChanges } from "../../../dashboard/app/stats/line-diff.ts";
import { cudaOf, packagesWith } from "../../../dashboard/app/stats/packages.ts";
import { createRunCondition } from "../../../shared/expression/run-condition.ts";

describe("keys", () => {
  test.each<[string[], string]>([
    [[], ""],
    [["ref", "param:lr"], "ref,param:lr"],
    [["metric:a,b", "param:c\\d"], "metric:a\\,b,param:c\\\\d"],
  ])("%j as %j and back", (keys, text) => {
    expect(joinKeys(keys)).toBe(text);
    expect(splitKeys(text)).toEqual(keys);
  });

  test("titles are the user's own names", () => {
    expect(["state", "param:optim.lr", "metric:val/acc"].map(titleOf)).toEqual(["state", "optim.lr", "val/acc"]);
  });

  test.each<[string, Brush, string]>([
    ["param:lr", { low: 1e-7, high: 0.1 }, "1e-7 <= lr <= 0.1"],
    ["param:optim.name", { values: ['a"b', true, null] }, 'optim.name in ["a\\"b", True, None]'],
    ["param:state", { values: ["x"] }, 'params["state"] in ["x"]'],
    ["param:weight-decay", { low: 0, high: 1 }, '0 <= params["weight-decay"] <= 1'],
    ["metric:val/acc", { low: 0.5, high: 0.5 }, '0.5 <= metrics["val/acc"] <= 0.5'],
    ["duration", { low: 500, high: 2_000 }, "0.5 <= seconds <= 2"],
  ])("the mark on %s is an expression of the language", (key, brush, expected) => {
    const text = conditionOf(new Map([[key, brush]]));
    expect(text).toBe(expected);
    expect(() => createRunCondition(text, 0)).not.toThrow();
  });

  test("all marks must hold", () => {
    const marks: [string, Brush][] = [
      ["param:lr", { low: 0, high: 1 }],
      ["param:kind", { values: ["a"] }],
    ];
    expect(conditionOf(new Map(marks))).toBe('0 <= lr <= 1 and kind in ["a"]');
  });
});

describe("difference of texts", () => {
  const kinds = (before: string, after: string) =>
    lineDiff(before, after)?.map(({ kind, text }) => `${{ same: " ", added: "+", removed: "-" }[kind]}${text}`);

  test.each<[string, string, string, string[]]>([
    ["nothing", "a\nb", "a\nb", [" a", " b"]],
    ["a line more", "a\nc", "a\nb\nc", [" a", "+b", " c"]],
    ["a line less", "a\nb\nc", "a\nc", [" a", "-b", " c"]],
    ["another line", "a\nb\nc", "a\nx\nc", [" a", "-b", "+x", " c"]],
    ["everything", "a", "b", ["-a", "+b"]],
    ["a move", "a\nb\nc", "b\nc\na", ["-a", " b", " c", "+a"]],
  ])("%s", (_, before, after, expected) => {
    expect(kinds(before, after)).toEqual(expected);
  });

  test("too long to compare", () => {
    const many = (word: string) => Array.from({ length: 3_001 }, (_, i) => `${word}${i}`).join("\n");
    expect(lineDiff(many("a"), many("b"))).toBeUndefined();
  });

  test("only what is near to a change", () => {
    const lines = lineDiff("1\n2\n3\n4\n5\n6\n7", "1\n2\n3\nx\n5\n6\n7") ?? [];
    expect(nearChanges(lines, 1).map((line) => line?.text)).toEqual([undefined, "3", "4", "x", "5", undefined]);
  });
});

describe("difference of runs", () => {
  test("by key, members of tables too", () => {
    const rows = compareTables([
      { lr: 1, optim: { name: "adam", betas: [0.9, 0.99] }, seed: 0 },
      { lr: 1, optim: { name: "sgd", betas: [0.9, 0.99] }, extra: {} },
    ]);
    expect(rows).toEqual([
      { key: "lr", values: [1, 1], differs: false },
      { key: "optim.name", values: ["adam", "sgd"], differs: true },
      {
        key: "optim.betas",
        values: [
          [0.9, 0.99],
          [0.9, 0.99],
        ],
        differs: false,
      },
      { key: "seed", values: [0, undefined], differs: true },
      { key: "extra", values: [undefined, {}], differs: true },
    ]);
  });

  test("null and nothing are different", () => {
    expect(compareTables([{ a: null }, {}])[0]?.differs).toBe(true);
  });

  test("what is not known of a run differs from nothing", () => {
    expect(compareTables([{ a: 1, b: 1 }, undefined, { a: 1 }])).toEqual([
      { key: "a", values: [1, undefined, 1], differs: false },
      { key: "b", values: [1, undefined, undefined], differs: true },
    ]);
  });

  test("words of commands", () => {
    const marked = compareWords([
      ["python", "a.py", "--lr", "1"],
      ["python", "a.py", "--lr", "2", "-v"],
    ]);
    expect(marked.map((words) => words.filter(({ differs }) => differs).map(({ text }) => text))).toEqual([
      ["1"],
      ["2", "-v"],
    ]);
  });
});

describe("completion of a filter", () => {
  const columns = ["ref", "param:lr", "param:optim.lr", "param:weight-decay", "metric:loss", "metric:val/loss"].map(
    (key) => ({ key, kind: "number" as const }),
  );
  /** "|" is the caret. */
  const offered = (marked: string) => {
    const caret = marked.indexOf("|");
    const text = marked.replace("|", "");
    return completionsAt(text, caret, columns).map(
      ({ from, to, text: name }) => text.slice(0, from) + name + text.slice(to),
    );
  };

  test.each<[string, string[]]>([
    ["l|", ["lr", 'metrics["loss"]', "optim.lr", 'metrics["val/loss"]']],
    ["lr > 1 and wei| > 2", ['lr > 1 and params["weight-decay"] > 2']],
    ["lr|", ["optim.lr"]],
    ["state == 'f|", ["state == 'failed"]],
    ["state in ['failed', 's|", ["state in ['failed', 'succeeded", "state in ['failed', 'skipped"]],
    ["node == 's|", []],
    ["lr > |", []],
    ["|", []],
  ])("%s", (text, expected) => {
    expect(offered(text)).toEqual(expected);
  });
});

describe("what git wrote of what was not committed", () => {
  const DIFF = `diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -1,3 +1,4 @@ def main():
 same
-- a list item that went
+++ i, which came
+two
\\ No newline at end of file
diff --git a/new b/new
new file mode 100644
--- /dev/null
+++ b/new
@@ -0,0 +1 @@
+x
`;

  test("each line is known for what it is", () => {
    const marks = { file: "f", hunk: "@", added: "+", removed: "-", same: " " };
    expect(
      gitDiffLines(DIFF)
        .map(({ kind }) => marks[kind])
        .join(""),
    ).toBe("ffff@ -++ ffff@+");
    expect(sizeOfDiff(gitDiffLines(DIFF))).toEqual({ files: 2, added: 3, removed: 1 });
  });
});

describe("packages", () => {
  test.each<[string[], string]>([
    [["numpy==2.1.0", "nvidia-cuda-runtime-cu12==12.4.127", "torch==2.5.1+cu121"], "12.4.127"],
    [["nvidia-cuda-runtime==13.0.48"], "13.0.48"],
    [["torch==2.5.1+cu121"], "12.1"],
    [["torch==2.5.1+cpu"], ""],
    [[], ""],
  ])("%j brings CUDA %j", (packages, version) => {
    expect(cudaOf(packages)).toBe(version);
  });

  test("by a part of the name or the version", () => {
    const packages = ["numpy==2.1.0", "Torch==2.5.1", "torchvision==0.20"];
    expect(packagesWith(packages, " torch")).toEqual(["Torch==2.5.1", "torchvision==0.20"]);
    expect(packagesWith(packages, "2.1")).toEqual(["numpy==2.1.0"]);
    expect(packagesWith(packages, "")).toBe(packages);
  });
});
