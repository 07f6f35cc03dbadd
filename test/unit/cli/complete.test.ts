/** What completion knows of each command: every word and every option has something to offer, or is the user's own. */
import { describe, expect, test } from "vitest";
import { LOADERS } from "../../../cli/command-list.ts";
import { COMMAND_TREE, type CommandLine, type CommandName } from "../../../cli/command-tree.ts";
import { positionOf, valuesOf, wantedAt } from "../../../cli/complete/wanted.ts";
import { GLOBAL_OPTIONS } from "../../../cli/global-options.ts";

/** Numbers, times, addresses, names that are made up, texts. */
const OWN_OPTIONS: ReadonlySet<string> = new Set(
  `server timeout limit priority tag note since name lines attempt where sort cols group rows show older-than keep-best set
   gpus cpus time env param port cpu-slots host expires rank`.split(/\s+/),
);
/** By command and word. */
const OWN_WORDS: ReadonlySet<string> = new Set(["pull pattern", "login address"]);

const optionsOf = async (name: string) => ({
  ...GLOBAL_OPTIONS,
  ...(await LOADERS[name as CommandName]()).options,
});

describe.each(COMMAND_TREE.map((line): [string, CommandLine] => [line.name, line]))("exp %s", (name, line) => {
  test("each word", () => {
    const words = [...line.words.matchAll(/[<[](\w+)/g)].map(([, word]) => word);
    const unknown = words.filter((word, at) => {
      const before = Array.from({ length: at }, () => "x");
      return positionOf(line, before) === undefined && !OWN_WORDS.has(`${name} ${word}`);
    });
    expect(unknown).toEqual([]);
  });

  test("each option that takes a value", async () => {
    const options = Object.entries(await optionsOf(name)).filter(([, { type }]) => type !== "flag");
    const unknown = options.filter(([option, about]) => !valuesOf(option, about) && !OWN_OPTIONS.has(option));
    expect(unknown.map(([option]) => option)).toEqual([]);
  });
});

test.each<[line: string, values: string[] | string]>([
  ["import ", ["exp", "ztxexp", "tensorboard"]],
  ["diff ", "refs"],
  ["diff digits.1.1 ", "refs"],
  ["convert --from ", ["wandb", "determined", "guild", "exp"]],
  ["init --from ", "files"],
  ["best digits.1 --reduce ", ["best", "last", "min", "max"]],
  ["best digits.1 --metric ", "metrics"],
  ["pivot digits.1 --value=", "metrics"],
  ["export --format ", ["csv", "jsonl", "xlsx", "parquet", "exp", "ztxexp"]],
  ["export --metrics ", ["last", "all"]],
  ["submit --code ", ["snapshot", "git", "none"]],
  ["token ", ["create", "join", "ls", "revoke"]],
  ["token join ", "nodes"],
  ["token revoke ", "tokens"],
  ["token join --for ", []],
  ["pull digits.1.1 --kind ", ["checkpoint", "file"]],
])("exp %s", async (line, values) => {
  const words = line.split(" ");
  const wanted = wantedAt(words, await optionsOf(words[0] ?? ""));
  expect(wanted.names ?? wanted.known.map(({ value }) => value)).toEqual(values);
  if (values === "metrics") expect(wanted.ref).toBe("digits.1");
});

test("each kind of event is offered", async () => {
  const { known } = wantedAt(["events", "--kind", ""], await optionsOf("events"));
  expect(known.map(({ value }) => value)).toContain("node-joined");
});
