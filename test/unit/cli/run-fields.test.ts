import { describe, expect, test } from "vitest";
import { fieldOf, namesOf, sortedBy, sortKeysOf } from "../../../cli/render/run-fields.ts";
import { groupsOf } from "../../../cli/render/run-groups.ts";
import { chosenColumns } from "../../../cli/render/runs.ts";
import { runFromProto } from "../../../shared/wire/views.ts";
import { AT, aRun } from "../../helpers/control-server.ts";

const runs = [
  [1, { lr: 0.1, model: "b" }, { acc: 0.5 }],
  [2, { lr: 0.01, model: "a" }, { acc: Number.NaN }],
  [10, { lr: 0.1, model: null, node: "mine" }, {}],
  [3, { lr: 1, model: "a", __proto__x: 1 }, { acc: Number.POSITIVE_INFINITY }],
].map(([index, params, metrics]) =>
  runFromProto(
    aRun(index as number, { paramsJson: JSON.stringify(params), metrics: metrics as { [key: string]: number } }),
  ),
);
const options = { nowMs: AT + 120_000, deviceNames: new Map([["GPU-a", "gpu-01:3"]]) };
const tableOptions = { ...options, metrics: ["acc"] };
const sorted = (...texts: string[]) =>
  sortedBy(
    runs,
    sortKeysOf(texts).map(({ key, descending }) => ({ ...fieldOf(key, runs, options), descending })),
  ).map(({ index }) => index);

describe("order", () => {
  test.each([
    [["lr"], [2, 1, 10, 3]],
    [["lr:desc"], [3, 1, 10, 2]],
    // What has no value, or no number, comes last either way.
    [["acc"], [1, 3, 2, 10]],
    [["acc:desc"], [3, 1, 2, 10]],
    [["model,lr:desc"], [3, 2, 1, 10]],
    [
      ["model", "lr"],
      [2, 3, 1, 10],
    ],
    [["ref"], [1, 2, 3, 10]],
    [["name:desc"], [10, 3, 2, 1]],
    [
      ["params.lr", "metrics.acc:asc"],
      [2, 1, 10, 3],
    ],
  ])("%j", (texts, order) => expect(sorted(...texts)).toEqual(order));

  test("a key may have a colon of its own", () => {
    expect(sortKeysOf(["loss:eval", "a:b:desc"])).toEqual([
      { key: "loss:eval", descending: false },
      { key: "a:b", descending: true },
    ]);
  });

  test("a name is not empty", () => expect(() => namesOf("cols", ["lr,,acc"])).toThrow("a name missing"));
});

describe("names", () => {
  test.each([
    ["where", "gpu-01:3"],
    ["took", "1m"],
    ["exit", "0"],
    // A fact goes before a parameter of its name.
    ["node", "gpu-01"],
    ["params.node", "mine"],
    ["metrics.nothing", ""],
    ["params.constructor", ""],
  ])("%s", (key, cell) => {
    const run = runs[2];
    expect(run && fieldOf(key, runs, options).column.cell(run)).toBe(cell);
  });

  test("one that no run has is refused with what is close; without runs any will do", () => {
    expect(() => fieldOf("ac", runs, options)).toThrow('none of the 4 runs has "ac"');
    expect(() => fieldOf("constructor", runs, options)).toThrow("none of");
    expect(fieldOf("anything", [], options).column.title).toBe("anything");
  });
});

describe("columns", () => {
  const titles = (...names: string[]) =>
    chosenColumns(names, runs, runs, tableOptions).columns.map(({ title }) => title);
  test("as asked for, or beside and without the usual ones", () => {
    expect(titles("ref", "lr", "acc")).toEqual(["NAME", "lr", "acc"]);
    const usual = titles();
    expect(usual).toContain("AGE");
    expect(titles("+priority", "-age")).toEqual(
      usual.filter((title) => title !== "AGE").flatMap((title) => (title === "WHERE" ? ["PRIORITY", title] : [title])),
    );
  });
});

describe("groups", () => {
  const groups = (by: string[], sort: string) =>
    groupsOf(
      runs,
      by.map((key) => fieldOf(key, runs, options)),
      [fieldOf("acc", runs, options)],
      sort === "" ? [] : sortKeysOf([sort]),
    );
  test("in the order of what they share, with the means of finite values", () => {
    expect(groups(["lr"], "")).toMatchObject([
      { group: { lr: 0.01 }, runs: 1, metrics: { acc: { n: 0, mean: null, sd: null } } },
      {
        group: { lr: 0.1 },
        runs: 2,
        counts: { succeeded: 2 },
        metrics: { acc: { n: 1, mean: 0.5, sd: null } },
        refs: ["digits.1.1", "digits.1.10"],
      },
      { group: { lr: 1 }, runs: 1 },
    ]);
  });
  test("by number of runs; not by what a group does not have", () => {
    expect(groups(["lr"], "runs:desc")[0]).toMatchObject({ group: { lr: 0.1 } });
    expect(groups(["model"], "acc:desc")[0]).toMatchObject({ group: { model: "b" } });
    expect(() => groups(["lr"], "model")).toThrow('groups cannot be sorted by "model"');
  });
});
