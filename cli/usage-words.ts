/** What is wrong with the words of a command line, as people think of it: yargs speaks of arguments, they of options. */

import type { AppError } from "../shared/kernel/errors.ts";
import { nearest } from "../shared/kernel/nearest.ts";
import { suggest } from "../shared/kernel/suggest.ts";
import { usage } from "./args.ts";
import { LOADERS } from "./command-list.ts";
import { COMMAND_TREE, type CommandLine, usageOf } from "./command-tree.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import type { Option } from "./session.ts";

type Options = { readonly [name: string]: Option };

/** `said`: the message of yargs about `argv`. */
export async function wordsRefusal(said: string, argv: readonly string[]): Promise<AppError> {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  const command = words
    .map((word) => COMMAND_TREE.find(({ name }) => name === word))
    .find((line) => line !== undefined);
  const options: Options = command ? { ...(await LOADERS[command.name]()).options, ...GLOBAL_OPTIONS } : GLOBAL_OPTIONS;
  const unknown = /^Unknown (?:arguments?|commands?): ([^,]*)/.exec(said)?.[1];
  if (unknown !== undefined) return unknownWord(unknown, words, command, options);
  const valueless = /^Not enough arguments following: (.*)$/.exec(said)?.[1];
  if (valueless !== undefined) return usage(`${written(valueless, options)} needs a value`, helpOf(command));
  const got = /^Not enough non-option arguments: got (\d+)/.exec(said)?.[1];
  if (got !== undefined && command) {
    const required = [...command.words.matchAll(/<\w+(?:\.\.)?>/g)].map(([place]) => place);
    return usage(`exp ${command.name} needs ${required[Number(got)] ?? "more"}`, `exp ${usageOf(command)}`);
  }
  const first = words.find((word) => !word.startsWith("-"));
  if (!command && first !== undefined) return unknownCommand(first);
  const option = words
    .map((word) => /^--([\w-]+)/.exec(word)?.[1])
    .find((name) => name && !Object.hasOwn(options, name));
  if (!command && option !== undefined) return unknownWord(option, words, command, options);
  return usage(said.replace(/\n+/g, "; "), helpOf(command));
}

function unknownWord(
  word: string,
  words: readonly string[],
  command: CommandLine | undefined,
  options: Options,
): AppError {
  const isOption = words.some((each) => each === `--${word}` || each.startsWith(`--${word}=`) || /^-[^-]/.test(each));
  if (!isOption || words.includes(word)) {
    if (!command) return unknownCommand(word);
    return usage(`exp ${command.name} has no place for ${JSON.stringify(word)}`, `exp ${usageOf(command)}`);
  }
  const dashed = word.length === 1 ? `-${word}` : `--${word}`;
  const close = word.length === 1 ? undefined : suggest(word, visible(options));
  const whose = command ? `exp ${command.name} has no option` : "there is no option";
  return usage(`${whose} ${dashed}`, close === undefined ? helpOf(command) : `did you mean --${close}?`);
}

function unknownCommand(word: string): AppError {
  const close = nearest(
    word,
    COMMAND_TREE.map(({ name }) => name),
    3,
  ).filter((name) => suggest(word, [name]));
  const hint = close.length > 0 ? `did you mean ${close.join(", ")}?` : "exp --help lists them";
  return usage(`${JSON.stringify(word)} is no command`, hint);
}

function written(name: string, options: Options): string {
  const found = Object.entries(options).find(([long, { alias }]) => long === name || alias === name);
  return `--${found?.[0] ?? name}`;
}

function visible(options: Options): string[] {
  return Object.entries(options).flatMap(([name, { hidden }]) => (hidden ? [] : [name]));
}

function helpOf(command: CommandLine | undefined): string {
  return command ? `exp ${command.name} --help lists its options` : "exp --help lists what there is";
}
