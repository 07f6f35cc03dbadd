/** Lines as real programs print them (recorded from the packages in their names), and as nobody should print them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LineContent, LineReader } from "../../../agent/capture/parse/line.ts";
import type { OutputForm } from "../../../shared/capture/options.ts";
import { compilePattern } from "../../../shared/capture/pattern.ts";

const RECORDED = join(import.meta.dirname, "../../fixtures/recorded/capture");
const ALL: readonly OutputForm[] = ["json", "dict", "keyvalue", "tqdm"];

function contents(file: string, forms: readonly OutputForm[] = ["json", "dict", "tqdm"]): LineContent[] {
  const reader = new LineReader(forms, []);
  return readFileSync(join(RECORDED, file), "utf8")
    .split(/[\r\n]/)
    .map((line) => reader.read(line));
}

const pointsOf = (found: readonly LineContent[]) =>
  found.flatMap(({ point }) => (point ? [{ step: point.step, ...Object.fromEntries(point.values) }] : []));

test("the Trainer of Hugging Face 5.23, under its own bars", () => {
  const found = contents("hf-trainer-5.23.txt");
  expect(pointsOf(found)).toEqual([
    { step: 0.5, loss: 0.3466, grad_norm: 1.25, learning_rate: 2.5e-5, epoch: 0.5 },
    { step: 0.5, eval_loss: 0.7, eval_accuracy: 0.5, eval_runtime: 0.0123, epoch: 0.5 },
    { step: 1, loss: 0.1733, grad_norm: 1.25, learning_rate: 1.25e-5, epoch: 1 },
    { step: 1, eval_loss: 0.7, eval_accuracy: 0.5, eval_runtime: 0.0123, epoch: 1 },
    { step: 1, train_runtime: 12.35, train_loss: 0.25, epoch: 1 },
  ]);
  const bars = found.flatMap(({ progress }) => (progress ? [`${progress.done}/${progress.total}`] : []));
  expect(new Set(bars)).toEqual(new Set(["0/4", "2/4", "4/4", "0/3", "2/3"]));
});

test("bars of tqdm 4.70: nested, scaled, and without a total", () => {
  const bars = contents("tqdm-4.70.txt").flatMap(({ progress }) => (progress ? [progress] : []));
  expect(bars.find(({ bar }) => bar.startsWith("batches"))).toMatchObject({ done: 0, total: 30, rate: undefined });
  expect(bars.filter(({ bar }) => bar === "batches/30").at(-1)).toMatchObject({ done: 30, rate: 48.68, etaSeconds: 0 });
  expect(bars.filter(({ bar }) => bar === "epochs/2").at(-1)).toMatchObject({ done: 2, total: 2, rate: 1.63 });
  expect(bars.filter(({ bar }) => bar === "/20").at(-1)).toMatchObject({ done: 20, rate: 44.3 });
  expect(bars.filter(({ total }) => total === undefined).at(-1)).toMatchObject({ done: 15, rate: 33.1 });
});

test("Keras prints no pairs alone, so nothing of it is taken by chance", () => {
  expect(pointsOf(contents("keras-3.15.txt", ALL))).toEqual([]);
});

describe("one line", () => {
  const cases: [line: string, values: { [name: string]: number } | undefined, step?: number | undefined][] = [
    [
      "{'loss': 61208.225, 'learning_rate': 1.97e-05, 'epoch': 1.32}",
      { loss: 61208.225, learning_rate: 1.97e-5, epoch: 1.32 },
      1.32,
    ],
    ['{"step": 3, "loss": NaN, "a": {"b": true}}', { loss: Number.NaN, "a/b": 1 }, 3],
    ['{"global_step": 7, "epoch": 1, "acc": 1e-3}', { epoch: 1, acc: 0.001 }, 7],
    ["{'iter': 1, 'loss': nan, 'best': -inf}", { loss: Number.NaN, best: Number.NEGATIVE_INFINITY }, 1],
    ["{'step': np.int64(4), 'loss': tensor(0.5, device='cuda:0', grad_fn=<Mean>)}", { loss: 0.5 }, 4],
    ["{'step': 4, 'shape': (3, 4), 'name': 'x', 'loss': .5}", { loss: 0.5 }, 4],
    ["\u001b[32m{'step': 4, 'loss': 2}\u001b[0m", { loss: 2 }, 4],
    [" 50%|#####     | 5/10 [00:01<00:01, 5.00it/s]{'loss': 1, 'epoch': 2}", { loss: 1, epoch: 2 }, 2],
    // A configuration, a log line, prose.
    ["{'lr': 0.1, 'batch_size': 32, 'epochs': 10}", undefined],
    ['{"level": "info", "msg": "step 3"}', undefined],
    ['{"step": 3}', undefined],
    ["{'epoch': 1}", undefined],
    ["{'epoch': 1, 'loss': }", undefined],
    ["{'epoch': 1, 'loss': 2} and more", undefined],
    ["{'epoch': __import__('os').system('x'), 'loss': 2}", undefined],
    ["loss: 0.5 (step 3)", { loss: 0.5 }, 3],
    ["loss=0.25, acc: 91.2%", { loss: 0.25, acc: 91.2 }, undefined],
    ["Epoch 3/10 | train/loss 0.5", undefined],
    ["Epoch 3/10 | train/loss: 0.5", { epoch: 3, "train/loss": 0.5 }, 3],
    ["[Epoch 3] loss: 0.5", { epoch: 3, loss: 0.5 }, 3],
    ["Loading checkpoint: 3 of 4", undefined],
    ["http://host:80", undefined],
    ["", undefined],
  ];
  test.each(cases)("%s", (line, values, step) => {
    const { point } = new LineReader(ALL, []).read(line);
    expect(point && Object.fromEntries(point.values)).toEqual(values);
    expect(point?.step).toBe(step);
  });

  test("a line that says a step alone counts for those that follow", () => {
    const reader = new LineReader(["keyvalue"], []);
    reader.read("step: 12");
    expect(reader.read("loss: 0.5").point).toMatchObject({ step: 12 });
  });
});

describe("patterns", () => {
  const matches: [pattern: string, line: string, groups: { [name: string]: string } | undefined][] = [
    [
      "epoch (?P<epoch>\\d+).*loss=(?P<loss>\\value)",
      "x epoch 12: foo loss=1.5e-3, z",
      { epoch: "12", loss: "1.5e-3" },
    ],
    ["(?P<_key>\\key): (?P<_val>\\value)", "val/acc: -0.5", { _key: "val/acc", _val: "-0.5" }],
    ["^(?<a>a|ab)(?<b>c?)$", "abc", { a: "ab", b: "c" }],
    ["(?P<x>a{2,3})", "caaaa", { x: "aaa" }],
    ["(?P<x>a+?)a", "aaa", { x: "a" }],
    ["(?P<x>[^\\d\\s-]+)", "12 ab", { x: "ab" }],
    ["\\b(?P<x>\\w+)\\b$", "one two", { x: "two" }],
    ["(?P<x>ü.)", "aüb", { x: "üb" }],
    ["(?P<x>a)", "b", undefined],
    ["(?P<x>1)|(?P<y>2)", "2", { y: "2" }],
  ];
  test.each(matches)("%s", (text, line, groups) => {
    const compiled = compilePattern(text);
    if (!("pattern" in compiled)) throw new Error(compiled.problem);
    const found = compiled.pattern.match(line);
    expect(found && Object.fromEntries(found)).toEqual(groups);
  });

  test.each([
    ["(a", "has a ( without its )"],
    ["(?P<a>x))", "has a ) without its ("],
    ["(?=a)", "has a (? that is none of (?P<name>…), (?<name>…) and (?:…)"],
    ["[a", "has a [ without its ]"],
    ["*a", "has a * with nothing before it"],
    ["(?P<a>x)\\1", "has \\1, which means nothing here"],
    ["(?P<a>x)(?P<a>y)", "has two groups named a"],
    ["loss", "has no group with a name, such as (?P<loss>\\value)"],
    ["(?P<a>(x{200}){200})", "is too large: fewer repetitions, or smaller {m,n}"],
    ["(?P<a>x{3,1})", "has {3,1}, whose end is before its start"],
    ["(?P<a>x)\\", "ends in a \\"],
  ])("%s is refused", (text, problem) => {
    expect(compilePattern(text)).toEqual({ problem });
  });

  test("agree with the engine of JavaScript", () => {
    const part = fc.constantFrom(
      "a",
      "b",
      ".",
      "[ab]",
      "[^a]",
      "\\w",
      "(?:a|b)",
      "(?:ab)?",
      "a*",
      "b+?",
      "(?:a*b)*",
      "a{1,2}",
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.stringMatching(/^[abc]{0,8}$/), (parts, line) => {
        const text = `(?<x>${parts.join("")})`;
        const compiled = compilePattern(text);
        if (!("pattern" in compiled)) throw new Error(compiled.problem);
        expect(compiled.pattern.match(line)?.get("x")).toBe(new RegExp(text).exec(line)?.groups?.x);
      }),
      { numRuns: 500 },
    );
  });

  test("take no longer for what makes others hang", () => {
    const compiled = compilePattern("(?P<x>(a*)*(a|aa)+b)");
    if (!("pattern" in compiled)) throw new Error(compiled.problem);
    const startMs = performance.now();
    expect(compiled.pattern.match("a".repeat(100_000))).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

test("hostile lines never throw", () => {
  const reader = new LineReader(ALL, []);
  const signs = fc.constantFrom(..."{}[]()'\":,%|/<> \\\u001b[0m0159.eE+-naNTrue\u0000é\ud800it[s]".split(""));
  fc.assert(
    fc.property(fc.string({ unit: signs, maxLength: 300 }), (line) => {
      const { point } = reader.read(line);
      for (const value of point?.values.values() ?? []) expect(typeof value).toBe("number");
    }),
    { numRuns: 2_000 },
  );
  expect(reader.read(`{'a': ${"[".repeat(10_000)}`).point).toBeUndefined();
  expect(reader.read(`{'step': 1, '__proto__': 2}`).point?.values.get("__proto__")).toBe(2);
});
