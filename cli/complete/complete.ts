/**
 * `exp __complete SHELL WORD...`: what may stand in the place of the last word, one candidate a line, a tab before what it
 * means. ":files" alone: names of files. What the completion scripts of `exp completion` call.
 */
import { Args } from "../args.ts";
import { LOADERS } from "../command-list.ts";
import type { CommandName } from "../command-tree.ts";
import { type Environment, loadConfig, type TerminalFacts } from "../config.ts";
import { GLOBAL_OPTIONS } from "../global-options.ts";
import { escapeControl } from "../render/text.ts";
import { namesOf } from "./names.ts";
import { commandOf, wantedAt } from "./wanted.ts";

export interface Surroundings {
  readonly env: Environment;
  readonly terminal: TerminalFacts;
  readonly cwd: string;
  readonly nowMs: number;
}

/** Empty where there is nothing to offer; never throws. */
export async function complete(shell: string, typed: readonly string[], around: Surroundings): Promise<string> {
  const words = joined(typed.length === 0 ? [""] : typed);
  const command = commandOf(words);
  const own = command ? (await LOADERS[command.name as CommandName]()).options : {};
  const options = { ...GLOBAL_OPTIONS, ...own };
  const wanted = wantedAt(words, options);
  const config = loadConfig(new Args(targetFlags(words)), around.env, around.terminal, around.cwd);
  if (wanted.names === "files") return ":files\n";
  const names = wanted.names ? await namesOf(wanted.names, config, around.nowMs, wanted.typed, wanted.ref) : [];
  // bash takes "=" as the end of a word: there the value alone is completed.
  const before = shell === "bash" ? "" : wanted.before;
  return [...wanted.known, ...names]
    .filter(({ value }) => value.startsWith(wanted.typed))
    .map(({ value, summary }) => `${escapeControl(before + value)}\t${escapeControl(summary)}\n`)
    .join("");
}

/** "--output", "=", "js" of bash are one word. */
function joined(typed: readonly string[]): string[] {
  const words: string[] = [];
  for (const [at, word] of typed.entries()) {
    const last = words.length - 1;
    if (word === "=" && at > 0) words[last] += "=";
    else if (typed[at - 1] === "=" && at > 1) words[last] += word;
    else words.push(word);
  }
  return words;
}

/** Flags that say which coordinator is asked. */
function targetFlags(words: readonly string[]): { [name: string]: string } {
  const flags: { [name: string]: string } = {};
  for (const [at, word] of words.entries()) {
    const found = /^--(server|context|dir|token-file)(?:=(.*))?$/s.exec(word);
    const value = found?.[2] ?? words[at + 1];
    if (found?.[1] !== undefined && value !== undefined && value !== "") flags[found[1]] = value;
  }
  return flags;
}
