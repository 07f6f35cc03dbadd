/** The words of the page: the same keys, holes and completeness in both languages; none that nothing shows. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type AttemptWords, attemptWords, outcomeWords } from "../../../dashboard/app/attempt-words.ts";
import { en } from "../../../dashboard/app/i18n/en.ts";
import { zh } from "../../../dashboard/app/i18n/zh.ts";
import { describeOutcome, FAILED_STAGES, type LostReason, type Outcome } from "../../../shared/run/states.ts";

const APP = join(import.meta.dirname, "../../../dashboard/app");
const words: { readonly [key: string]: string } = en;
const chinese: { readonly [key: string]: string } = zh;
/** Words that are the same everywhere. */
const SAME = new Set(["app.name", "common.csv", "runs.filter-hint", "act.done"]);

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("both languages have the same keys, and each has words", () => {
  expect(Object.keys(chinese).sort()).toEqual(Object.keys(words).sort());
  for (const dictionary of [words, chinese]) {
    expect(Object.entries(dictionary).filter(([, text]) => text.trim() === "")).toEqual([]);
  }
});

test("the same values go into both", () => {
  const different = Object.keys(words).filter(
    (key) => holes(words[key] ?? "").join() !== holes(chinese[key] ?? "").join(),
  );
  expect(different).toEqual([]);
});

test("what is said in Chinese is Chinese", () => {
  const left = Object.keys(words).filter((key) => chinese[key] === words[key] && !SAME.has(key));
  expect(left).toEqual([]);
});

test("each key is shown somewhere", () => {
  const files = globSync("**/*.{ts,tsx}", { cwd: APP, exclude: ["i18n/en*", "i18n/zh*"] });
  const source = files.map((name) => readFileSync(join(APP, name), "utf8")).join("\n");
  const whole = new Set([...source.matchAll(/"([\w.-]+)"/g)].map(([, key]) => key));
  const made = [...source.matchAll(/`([\w-]+\.[\w-]*)\$\{[^`}]*\}([\w-]*)`/g)].map(
    ([, before = "", after = ""]) => new RegExp(`^${before.replace(".", "\\.")}[\\w-]+${after}$`),
  );
  expect(made.length).toBeGreaterThan(5);
  expect(Object.keys(words).filter((key) => !whole.has(key) && !made.some((form) => form.test(key)))).toEqual([]);
});

describe("how attempts end", () => {
  const LOST: { readonly [reason in LostReason]: true } = {
    lease: true,
    reboot: true,
    shim_died: true,
    start_failed: true,
    stopped: true,
    node_lost: true,
  };
  const outcomes: Outcome[] = [
    { kind: "succeeded" },
    { kind: "failed", exitCode: 3 },
    ...FAILED_STAGES.map((stage): Outcome => ({ kind: "failed", exitCode: 1, stage })),
    { kind: "signalled", signal: 9 },
    { kind: "oom" },
    { kind: "timeout" },
    { kind: "idle" },
    { kind: "cancelled" },
    { kind: "skipped" },
    ...Object.keys(LOST).map((reason): Outcome => ({ kind: "lost", reason: reason as LostReason })),
    { kind: "rejected", reason: "no room" },
    { kind: "superseded" },
  ];

  const fill = (dictionary: typeof words, [key, values = {}]: AttemptWords) =>
    (dictionary[key] ?? "").replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));

  test("as the terminal says it, and in Chinese", () => {
    expect(outcomes.map((outcome) => fill(words, outcomeWords(outcome)))).toEqual(outcomes.map(describeOutcome));
    const said = outcomes.map((outcome) => fill(chinese, outcomeWords(outcome)));
    expect(said.join()).not.toContain("undefined");
    expect(said.filter((text) => !/\p{Script=Han}/u.test(text))).toEqual([]);
  });

  test("and how they stand", () => {
    expect(fill(chinese, attemptWords({ phase: "running", outcome: null }))).toBe("运行中");
    expect(fill(words, attemptWords({ phase: "ended", outcome: { kind: "oom" } }))).toBe("killed: out of memory");
  });
});
