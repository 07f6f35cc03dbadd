/** What docs/command.md says holds: its tables are those of the code, and its examples are sweep files. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PASSED_NAMES } from "../../../shared/run/host-variables.ts";
import { renderArgs, STYLE_CHOICES, STYLE_WORDS } from "../../../shared/spec/args.ts";
import { ARGS_NAME, BUILTIN_NAMES, RESUME_NAME } from "../../../shared/spec/placeholders.ts";
import { quoteWords } from "../../../shared/spec/shell.ts";
import { argvOrProblem } from "../../../shared/spec/shown-command.ts";
import { type ArgsOptions, type ArgsStyle, FloatParam, type ParamValue } from "../../../shared/spec/types.ts";
import { problemLinesOf, sweepOf } from "../../helpers/spec-source.ts";

const PAGE = readFileSync(new URL("../../../docs/command.md", import.meta.url), "utf8");
const EXAMPLES = Array.from(PAGE.matchAll(/^```toml\n(.*?)^```$/gms), ([, text = ""]) => text);
const ROWS = PAGE.split("\n").flatMap((line) => (line.startsWith("| ") ? [line.slice(2, -2).split(" | ")] : []));

/** The row that begins with this cell, of the table with this head. */
function rowOf(first: string, head = ""): string[] {
  const from = head === "" ? 0 : ROWS.findIndex(([cell]) => cell === head);
  const found = ROWS.slice(from).find(([cell]) => cell === first);
  if (!found) throw new Error(`no row ${first}`);
  return found;
}

function written(args: ArgsStyle, options: ArgsOptions, params: Record<string, ParamValue>): string {
  const rendered = renderArgs(args, options, new Map(Object.entries(params)), "/run");
  if ("problem" in rendered) throw new Error(rendered.problem);
  return quoteWords(rendered.words);
}

describe("examples", () => {
  test("there are some", () => expect(EXAMPLES.length).toBeGreaterThanOrEqual(3));

  test.each(EXAMPLES)("%s", (text) => {
    expect(problemLinesOf(text)).toEqual([]);
    const { shapes, points } = sweepOf(text);
    for (const { params, shape, index } of points) {
      const template = shapes[shape]?.template;
      if (!template) throw new Error("no shape");
      expect(argvOrProblem(template, params, { id: "run_1", name: "a.1.1", index, sweep: "a.1" })).not.toHaveProperty(
        "problem",
      );
    }
  });
});

test.each(STYLE_WORDS)("the row of %s", (word) => {
  const style = word === "file" ? "file:params.yaml" : word;
  const [, example = "", bool, list, dash] = rowOf(`\`"${style}"\``);
  const choices = STYLE_CHOICES[word];
  const cell = ([first, ...others]: readonly string[]) => [`**${first}**`, ...others].join(", ");
  if (choices.bool.length > 0) expect(bool).toBe(cell(choices.bool));
  if (choices.list.length > 0) expect(list).toBe(cell(choices.list));
  if (word === "none") expect(example).toBe("nothing");
  else expect(dash).toBe(choices.dash ? "yes" : "no");
  const params = { lr: new FloatParam(0.1), "optim.name": "ada m" };
  const bare = (text: string) => text.replaceAll(/[`'\\]/g, "");
  if (word !== "env" && word !== "file" && word !== "none")
    expect(bare(example)).toContain(bare(written(style, {}, params)));
});

test.each(STYLE_CHOICES.flags.bool)("the row of bool = %s", (bool) => {
  const [, on = "", off = ""] = rowOf(`\`"${bool}"\``, "`bool`");
  const cells = [true, false].map((amp) => written("flags", { bool }, { amp }) || "nothing");
  expect([on, off].map((cell) => cell.replaceAll("`", ""))).toEqual(cells);
});

test.each(STYLE_CHOICES.flags.list)("the row of list = %s", (list) => {
  const [, some = "", none = ""] = rowOf(`\`"${list}"\``, "`list`");
  const cells = [[new FloatParam(0.9), new FloatParam(0.999)], []].map(
    (betas) => written("flags", { list }, { betas }) || "nothing",
  );
  expect([some, none].map((cell) => cell.replaceAll("`", ""))).toEqual(cells);
});

test("every name that may stand in a placeholder", () => {
  for (const name of [...BUILTIN_NAMES, ARGS_NAME, RESUME_NAME]) expect(rowOf(`\`${name}\``).length).toBeGreaterThan(1);
});

test("every variable that hosts hand on", () => {
  const named = PAGE.split("Hosts hand these")[1]?.split("Another name")[0] ?? "";
  for (const name of PASSED_NAMES)
    if (!/proxy$/i.test(name)) expect(named).toMatch(new RegExp(`[\`\\s]${name}[\`\\s]`));
});
