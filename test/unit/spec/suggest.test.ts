import { expect, test } from "vitest";
import { suggest } from "../../../shared/kernel/suggest.ts";

test.each([
  ["grdi", ["base", "grid", "run"], "grid"],
  ["GRID", ["base", "grid"], "grid"],
  ["batch_sise", ["batch", "batch_size"], "batch_size"],
  ["lrr", ["wd", "lr"], "lr"],
  ["lr", ["wd", "bs"], undefined],
  ["x", ["lr"], undefined],
  ["", ["lr"], undefined],
  ["grid", [], undefined],
  ["callbacks", ["base", "grid", "run"], undefined],
  ["aab", ["aax", "aay"], "aax"],
])("%s among %j", (word, candidates, expected) => expect(suggest(word, candidates)).toBe(expected));
