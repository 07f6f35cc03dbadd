/** Which checkpoints of a run are kept. */
import { expect, test } from "vitest";
import { type KeepRule, superfluous } from "../../../coordinator/artifacts/retention.ts";

const checkpoints = (...scores: (number | null)[]) => scores.map((score, i) => ({ id: i + 1, score }));
const rule = (patch: Partial<KeepRule>): KeepRule => ({
  keepLast: undefined,
  keepBest: undefined,
  goal: undefined,
  ...patch,
});

test.each<[string, (number | null)[], Partial<KeepRule>, boolean, number[]]>([
  ["nothing is said", [1, 2, 3], {}, true, []],
  ["the newest", [null, null, null, null], { keepLast: 2 }, false, [1, 2]],
  ["fewer than that", [null], { keepLast: 2 }, false, []],
  ["the best, and always the last", [3, 1, 2], { keepBest: 1, goal: "maximize" }, true, [2]],
  ["the lowest", [3, 1, 2], { keepBest: 1, goal: "minimize" }, true, [1]],
  ["both", [9, 1, 2, 3, 4], { keepLast: 2, keepBest: 1, goal: "maximize" }, true, [2, 3]],
  ["of equal ones the newer", [5, 5, 1], { keepBest: 1, goal: "maximize" }, true, [1]],
  ["a value that may still come", [3, null, 1, 2], { keepBest: 1, goal: "maximize" }, false, [3]],
  ["a value that never came", [3, null, 1, 2], { keepBest: 1, goal: "maximize" }, true, [2, 3]],
])("%s", (_, scores, patch, isFinal, gone) => {
  expect(superfluous(checkpoints(...scores), rule(patch), isFinal)).toEqual(gone);
});
