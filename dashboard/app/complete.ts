/** [P] What can stand at the caret of an expression over runs: names, and the states within quotes. */
import type { Column } from "../../shared/run/dashboard.ts";
import { RUN_STATES } from "../../shared/run/states.ts";
import { expressionName, isMetric, isParam, titleOf } from "./keys.ts";

export interface Completion {
  /** The part of the text that it replaces. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const COMPLETIONS_MAX = 8;
/** Facts that the language knows under these names. */
const FACTS = [
  ...["ref", "sweep", "index", "state", "reason", "node", "gpus", "attempt", "priority"],
  ...["exit_code", "seconds", "age", "reused"],
];
/** Before a quote: what is compared is the state. */
const STATE_BEFORE = /\bstate\s*(?:==|!=|in\s*\[[^\]]*)\s*$/;

/** Those that begin like what stands before the caret first, then those that have it anywhere. */
export function completionsAt(text: string, caret: number, columns: readonly Column[]): Completion[] {
  const before = text.slice(0, caret);
  const quote = openQuote(before);
  if (quote !== undefined) {
    if (!STATE_BEFORE.test(before.slice(0, quote))) return [];
    const typed = before.slice(quote + 1);
    return RUN_STATES.filter((state) => state.startsWith(typed) && state !== typed).map((state) => ({
      from: quote + 1,
      to: caret,
      text: state,
    }));
  }
  const typed = /[A-Za-z_][\w./-]*$/.exec(before)?.[0] ?? "";
  if (typed === "") return [];
  const names = [
    ...columns.filter(({ key }) => isParam(key) || isMetric(key)).map(({ key }) => [titleOf(key), expressionName(key)]),
    ...FACTS.map((name) => [name, name]),
  ] as [title: string, text: string][];
  const wanted = typed.toLowerCase();
  const starting = names.filter(([title]) => title.toLowerCase().startsWith(wanted));
  const having = names.filter(([title]) => title.toLowerCase().indexOf(wanted) > 0);
  return [...starting, ...having]
    .filter(([, name]) => name !== typed)
    .slice(0, COMPLETIONS_MAX)
    .map(([, name]) => ({ from: caret - typed.length, to: caret, text: name }));
}

/** Where the string begins in which the text ends; undefined where it ends outside of strings. */
function openQuote(text: string): number | undefined {
  let start: number | undefined;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (start !== undefined && letter === "\\") i += 1;
    else if (start === undefined && (letter === "'" || letter === '"')) start = i;
    else if (start !== undefined && letter === text[start]) start = undefined;
  }
  return start;
}
