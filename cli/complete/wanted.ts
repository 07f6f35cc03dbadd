/**
 * [P] What may stand where the cursor is: words that are known here, or a kind of name that only the coordinator knows. From
 * the words typed so far, the last of which is the one to complete.
 */
import { RUN_STATES } from "../../shared/run/states.ts";
import { COMMAND_TREE, type CommandLine } from "../command-tree.ts";
import { FORMATS } from "../config.ts";
import type { NameKind, Option } from "../session.ts";

export interface Candidate {
  readonly value: string;
  /** Shown beside it where the shell can. */
  readonly summary: string;
}

export interface Wanted {
  /** What is typed already of the word; candidates begin with it. */
  readonly typed: string;
  /** Stands before each candidate in the word: "--output=". */
  readonly before: string;
  readonly known: readonly Candidate[];
  readonly names: NameKind | undefined;
  /** Reference among the words before, for names of its metrics. */
  readonly ref: string | undefined;
}

type Options = { readonly [name: string]: Option };

/** `options`: those of the command that is typed, with the global ones. */
export function wantedAt(words: readonly string[], options: Options): Wanted {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  const given = positionals(before, options).slice(1);
  const nothing = { typed, before: "", known: [], names: undefined, ref: given[0] };
  // What follows is the user's own command.
  if (before.includes("--")) return { ...nothing, names: "files" };
  const assignment = /^(--[\w-]+=)(.*)$/s.exec(typed);
  if (assignment) {
    const option = optionOf(assignment[1]?.slice(0, -1) ?? "", options);
    return {
      ...nothing,
      before: assignment[1] ?? "",
      typed: assignment[2] ?? "",
      ...(option ? valuesOf(...option) : {}),
    };
  }
  const last = optionOf(before.at(-1) ?? "", options);
  if (last && last[1].type !== "flag") return { ...nothing, ...valuesOf(...last) };
  const command = commandOf(words);
  if (typed.startsWith("-")) return { ...nothing, known: optionCandidates(options) };
  if (!command) return { ...nothing, known: COMMAND_TREE.map(({ name, summary }) => ({ value: name, summary })) };
  return { ...nothing, ...positionOf(command, given) };
}

/** The command among the words before the last. */
export function commandOf(words: readonly string[]): CommandLine | undefined {
  const names = new Map<string, CommandLine>(COMMAND_TREE.map((line) => [line.name, line]));
  for (const word of words.slice(0, -1)) {
    const found = names.get(word);
    if (found) return found;
  }
  return undefined;
}

/** Words that are neither options nor their values. */
function positionals(words: readonly string[], options: Options): string[] {
  return words.filter((word, at) => {
    if (word.startsWith("-") && word !== "-") return false;
    const last = optionOf(words[at - 1] ?? "", options);
    return !last || last[1].type === "flag";
  });
}

function optionOf(word: string, options: Options): [name: string, option: Option] | undefined {
  if (!word.startsWith("-")) return undefined;
  return Object.entries(options).find(([name, { alias }]) => word === `--${name}` || (alias && word === `-${alias}`));
}

function optionCandidates(options: Options): Candidate[] {
  return Object.entries(options)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { describe }]) => ({ value: `--${name}`, summary: describe }))
    .concat({ value: "--help", summary: "what the command does" });
}

type Values = Pick<Wanted, "known" | "names">;

const words = (...values: string[]): Values => ({
  known: values.map((value) => ({ value, summary: "" })),
  names: undefined,
});
const named = (names: NameKind): Values => ({ known: [], names });

/** By name of the option, where it is the same for every command; others say it themselves. */
const OPTION_VALUES: { readonly [name: string]: Values } = {
  output: words(...FORMATS),
  state: words(...RUN_STATES),
  goal: words("maximize", "minimize"),
  for: words("succeeded", "terminal"),
  context: named("contexts"),
  run: named("refs"),
  sweep: named("refs"),
  node: named("nodes"),
  dir: named("files"),
  "token-file": named("files"),
  out: named("files"),
};

/** Undefined for what only the user knows. */
export function valuesOf(name: string, { values }: Option): Values | undefined {
  if (values !== undefined) return typeof values === "string" ? named(values) : words(...values);
  return Object.hasOwn(OPTION_VALUES, name) ? OPTION_VALUES[name] : undefined;
}

/** By name of the word in the command's usage. */
const POSITION_VALUES: { readonly [name: string]: Values } = {
  ref: named("refs"),
  refs: named("refs"),
  sweep: named("refs"),
  sweeps: named("refs"),
  other: named("refs"),
  node: named("nodes"),
  nodes: named("nodes"),
  file: named("files"),
  path: named("files"),
  directory: named("files"),
  keys: named("metrics"),
  topic: named("topics"),
  shell: words("bash", "zsh", "fish"),
  tool: words("exp", "ztxexp", "tensorboard"),
  left: named("refs"),
  right: named("refs"),
};

/** Undefined for what only the user knows. */
export function positionOf(command: CommandLine, given: readonly string[]): Values | undefined {
  if (command.name === "token") {
    if (given.length === 0) return words("create", "join", "ls", "revoke");
    return named(given[0] === "join" ? "nodes" : "tokens");
  }
  if (command.name === "context") return given.length === 0 ? words("ls", "use", "rm") : named("contexts");
  const places = [...command.words.matchAll(/[<[](\w+)(\.\.)?[\]>]/g)];
  const place = places[given.length] ?? places.find(([, , many]) => many !== undefined);
  const name = place?.[1] ?? "";
  return Object.hasOwn(POSITION_VALUES, name) ? POSITION_VALUES[name] : undefined;
}
