/**
 * [P] Lines that are nothing but names and numbers: `loss: 0.5`, `loss: 0.5 (step 3)`, `epoch 3/10 | loss=0.5, acc=91.2%`.
 * A line with anything else is prose, and nothing of it counts.
 */
import { isStepName, numberOf } from "./captured.ts";

const LINE_CHARS_MAX = 2_048;
const PAIRS_MAX = 200;
const STEP_SUFFIX = /\(step ?[:=]? ?(\d{1,15})\)$/;
const KEY = /[A-Za-z_][^\s:=,|;()[\]{}]{0,99}/y;
const VALUE = /[+-]?[\w.+-]{1,40}/y;
/** `3/10`: of how many does not matter. */
const OF_TOTAL = /\/\d{1,15}(?![\w.])/y;

/** Names and numbers in their order; undefined for a line that holds anything else. */
export function readPairs(wholeLine: string): Map<string, number> | undefined {
  if (wholeLine.length > LINE_CHARS_MAX) return undefined;
  const values = new Map<string, number>();
  const suffix = STEP_SUFFIX.exec(wholeLine);
  const line = suffix ? wholeLine.slice(0, suffix.index) : wholeLine;
  if (suffix) values.set("step", Number(suffix[1]));
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(line)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skip = (signs: string) => {
    while (at < line.length && signs.includes(line[at] ?? "")) at += 1;
  };
  for (skip(" \t[("); at < line.length; skip(" \t,;|-])[(")) {
    const key = take(KEY);
    if (key === undefined || values.size >= PAIRS_MAX) return undefined;
    const name = isStepName(key.toLowerCase()) ? key.toLowerCase() : key;
    skip(" \t");
    const hasSign = line[at] === ":" || line[at] === "=";
    if (hasSign) at += 1;
    else if (!isStepName(name)) return undefined;
    skip(" \t");
    const value = numberOf(take(VALUE) ?? "");
    if (value === undefined) return undefined;
    take(OF_TOTAL);
    if (line[at] === "%" || line[at] === "s") at += 1;
    if (at < line.length && !" \t,;|])".includes(line[at] ?? "")) return undefined;
    values.set(name, value);
  }
  return values.size > 0 ? values : undefined;
}
