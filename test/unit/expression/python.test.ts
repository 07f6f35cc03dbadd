/** Expressions mean what they mean in Python: a table made with CPython, and a fresh one where python3 is at hand. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { differences, readTable } from "./table.ts";

const FOLDER = resolve(import.meta.dirname, "../../fixtures/expression");
const FRESH_CASES = 1_000;
/** The last digit of these is up to the C library of each Python. */
const UP_TO_LIBRARY = /\b(?:exp|log|log2|log10)\(/;

test("thousands of random expressions have CPython's results", () => {
  const table = readTable(readFileSync(resolve(FOLDER, "table.jsonl"), "utf8"));
  expect(table.cases.length).toBeGreaterThanOrEqual(4_000);
  expect(differences(table).slice(0, 20)).toEqual([]);
});

test("so have fresh ones, where there is a python3", async () => {
  const seed = String(Date.now() % 1_000_000_007);
  const made = await promisify(execFile)("python3", [resolve(FOLDER, "make_table.py"), seed, String(FRESH_CASES)], {
    maxBuffer: 1 << 26,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (made === undefined) return;
  const { names, cases } = readTable(made.stdout);
  const certain = cases.filter(([text]) => !UP_TO_LIBRARY.test(text));
  expect(certain.length).toBeGreaterThan(FRESH_CASES / 2);
  expect(differences({ names, cases: certain }).slice(0, 20), `seed ${seed}`).toEqual([]);
});

test("a wrong result would be seen", () => {
  const table = readTable('{"a":1}\n["a + 1",2]\n["a + 1",{"f":"2.0"}]\n["a / 0",{"e":"type"}]\n["[a]",[2]]');
  expect(differences(table)).toHaveLength(3);
});
