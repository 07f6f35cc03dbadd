/**
 * [P] Patterns of a user for metrics in the output: regular expressions without what makes them slow. All alternatives are
 * followed at once, a character at a time, so that the time is bounded by the length of the line times the size of the
 * pattern, whatever both are. There are no back references and no look-around, which do not go with that.
 *
 * What is there: literals, `.`, classes, `\d \w \s` and their opposites, `\b ^ $`, `* + ? {m,n}` and their lazy forms, `|`,
 * `(…)`, `(?:…)`, `(?P<name>…)` or `(?<name>…)`; and as in Guild `\key`, `\value` and `\step` for a name, a number and
 * a whole number.
 */

import { escaped, hasUnit, PatternProblem, PatternReader, type Tree, type Units } from "./pattern-tree.ts";

/** Steps of a compiled pattern. */
const STEPS_MAX = 400;
/** A longer line is read up to here. */
const LINE_CHARS_MAX = 2_048;

export interface Pattern {
  /** Names of its groups, in their order. */
  readonly names: readonly string[];
  /** Texts of the named groups of the first match; undefined without one. */
  match(line: string): ReadonlyMap<string, string> | undefined;
}

type Compiled = { readonly pattern: Pattern } | { readonly problem: string };

/** Never throws. The problem is one clause, such as "has a ( without its )". */
export function compilePattern(text: string): Compiled {
  const reader = new PatternReader(text);
  try {
    const tree = reader.whole();
    const program = assemble(tree);
    if (reader.names.length === 0) return { problem: "has no group with a name, such as (?P<loss>\\value)" };
    return { pattern: { names: reader.names, match: (line) => run(program, reader.names, line) } };
  } catch (error) {
    if (error instanceof PatternProblem) return { problem: error.message };
    throw error;
  }
}

type Step =
  | { readonly op: "units"; readonly units: Units }
  | { readonly op: "assert"; readonly what: "start" | "end" | "word" | "no-word" }
  | { readonly op: "save"; readonly slot: number }
  | { op: "split"; first: number; second: number }
  | { op: "jump"; to: number }
  | { readonly op: "match" };

function assemble(tree: Tree): readonly Step[] {
  const steps: Step[] = [];
  const add = <S extends Step>(step: S): S => {
    if (steps.length >= STEPS_MAX) throw new PatternProblem("is too large: fewer repetitions, or smaller {m,n}");
    steps.push(step);
    return step;
  };
  const walk = (node: Tree): void => {
    switch (node.kind) {
      case "units":
        add({ op: "units", units: node.units });
        return;
      case "assert":
        add({ op: "assert", what: node.what });
        return;
      case "all":
        for (const part of node.parts) walk(part);
        return;
      case "any": {
        const ends: { to: number }[] = [];
        for (const [i, part] of node.parts.entries()) {
          const isLast = i === node.parts.length - 1;
          const split = isLast ? undefined : add({ op: "split" as const, first: steps.length + 1, second: 0 });
          walk(part);
          if (!split) continue;
          ends.push(add({ op: "jump" as const, to: 0 }));
          split.second = steps.length;
        }
        for (const end of ends) end.to = steps.length;
        return;
      }
      case "repeat":
        return walkRepeat(node);
      case "group":
        add({ op: "save", slot: node.slot * 2 });
        walk(node.of);
        add({ op: "save", slot: node.slot * 2 + 1 });
    }
  };
  const walkRepeat = ({ of, min, max, lazy }: Extract<Tree, { kind: "repeat" }>): void => {
    for (let i = 0; i < min; i++) walk(of);
    const split = () => add({ op: "split" as const, first: 0, second: 0 });
    const aim = (step: { first: number; second: number }, into: number, past: number) => {
      step.first = lazy ? past : into;
      step.second = lazy ? into : past;
    };
    if (max === Number.POSITIVE_INFINITY) {
      const at = steps.length;
      const loop = split();
      walk(of);
      add({ op: "jump", to: at });
      aim(loop, at + 1, steps.length);
      return;
    }
    const optional: { step: { first: number; second: number }; into: number }[] = [];
    for (let i = min; i < max; i++) {
      const step = split();
      optional.push({ step, into: steps.length });
      walk(of);
    }
    for (const { step, into } of optional) aim(step, into, steps.length);
  };
  walk(tree);
  add({ op: "match" });
  return steps;
}

interface Threads {
  readonly at: number[];
  readonly slots: (readonly number[])[];
  /** Position at which a step was last added. */
  readonly seen: Int32Array;
}

const isWord = (unit: number): boolean => hasUnit(escaped("w"), unit);

function run(
  program: readonly Step[],
  names: readonly string[],
  wholeLine: string,
): ReadonlyMap<string, string> | undefined {
  const line = wholeLine.length > LINE_CHARS_MAX ? wholeLine.slice(0, LINE_CHARS_MAX) : wholeLine;
  const fresh = (): Threads => ({ at: [], slots: [], seen: new Int32Array(program.length).fill(-1) });
  let now = fresh();
  let next = fresh();
  let found: readonly number[] | undefined;
  const none: readonly number[] = new Array<number>(names.length * 2).fill(-1);

  const add = (to: Threads, first: number, firstSlots: readonly number[], position: number): void => {
    const waiting: { step: number; slots: readonly number[] }[] = [{ step: first, slots: firstSlots }];
    for (let top = waiting.pop(); top; top = waiting.pop()) {
      const { step, slots } = top;
      if (to.seen[step] === position) continue;
      to.seen[step] = position;
      const what = program[step];
      switch (what?.op) {
        case "jump":
          waiting.push({ step: what.to, slots });
          break;
        case "split":
          waiting.push({ step: what.second, slots }, { step: what.first, slots });
          break;
        case "save":
          waiting.push({ step: step + 1, slots: slots.with(what.slot, position) });
          break;
        case "assert":
          if (holds(what.what, line, position)) waiting.push({ step: step + 1, slots });
          break;
        default:
          to.at.push(step);
          to.slots.push(slots);
      }
    }
  };

  for (let position = 0; position <= line.length; position++) {
    if (!found) add(now, 0, none, position);
    const unit = line.charCodeAt(position);
    for (const [i, step] of now.at.entries()) {
      const what = program[step];
      const slots = now.slots[i] ?? none;
      if (what?.op === "match") {
        // What comes after in the list is a worse match.
        found = slots;
        break;
      }
      if (what?.op === "units" && position < line.length && hasUnit(what.units, unit))
        add(next, step + 1, slots, position + 1);
    }
    now.at.length = 0;
    now.slots.length = 0;
    [now, next] = [next, now];
    if (now.at.length === 0 && found) break;
  }
  if (!found) return undefined;
  const result = new Map<string, string>();
  for (const [i, name] of names.entries()) {
    const [start = -1, end = -1] = [found[i * 2], found[i * 2 + 1]];
    if (start >= 0 && end >= start) result.set(name, line.slice(start, end));
  }
  return result;
}

function holds(what: Extract<Step, { op: "assert" }>["what"], line: string, position: number): boolean {
  if (what === "start") return position === 0;
  if (what === "end") return position === line.length;
  const before = position > 0 && isWord(line.charCodeAt(position - 1));
  const after = position < line.length && isWord(line.charCodeAt(position));
  return (before !== after) === (what === "word");
}
