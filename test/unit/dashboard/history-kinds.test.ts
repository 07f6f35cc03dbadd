import { expect, test } from "vitest";
import type { HistoryKind } from "../../../coordinator/core/changes.ts";
import { HISTORY_KINDS } from "../../../shared/run/history-kinds.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

test("the filter of events knows every kind that a coordinator writes", () => {
  // Checked by the compiler: a kind that is missing on either side is an error of types.
  const isSame: Same<HistoryKind, (typeof HISTORY_KINDS)[number]> = true;
  expect(isSame).toBe(true);
  expect(new Set(HISTORY_KINDS).size).toBe(HISTORY_KINDS.length);
});
