/**
 * [P] Patterns of a user for metrics in the output: regular expressions without what makes them slow. All alternatives are
 * followed at once, a character at a time, so that the time is bounded by the length of the line times the size of the
 * pattern, whatever both are. There are no back references and no look-around, which do not go with that.
 *
 * What is there: literals, `.`, classes, `\d \w \s` and their opposites, `\b ^ $`, `* + ? {m,n}` and their lazy forms, `|`,
 * `(…)`, `(?:…)`, `(?P<name>…)` or `(?<name>…)`; and as in Guild `\key`, `\value` and `\step` for a name, a number and
 * a whole number.
 */

/** Steps of a compiled pattern. */
const STEPS_MAX = 400;
const GROUPS_MAX = 16;
const DEPTH_MAX = 32;
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
  const reader = new Reader(text);
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

class PatternProblem extends Error {}

/** Which UTF-16 units match. */
interface Units {
  readonly ascii: Uint8Array;
  /** Those above ASCII that are named one by one. */
  readonly others: readonly (readonly [number, number])[];
  /** Whether all others match but those. */
  readonly negated: boolean;
}

type Tree =
  | { readonly kind: "units"; readonly units: Units }
  | { readonly kind: "assert"; readonly what: "start" | "end" | "word" | "no-word" }
  | { readonly kind: "all"; readonly parts: readonly Tree[] }
  | { readonly kind: "any"; readonly parts: readonly Tree[] }
  | { readonly kind: "repeat"; readonly of: Tree; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: "group"; readonly of: Tree; readonly slot: number };

const NUMBER = "[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?|[+-]?inf|nan|NaN";
const SHORTHANDS: readonly (readonly [name: string, text: string])[] = [
  ["value", `(?:${NUMBER})`],
  ["step", "(?:\\d+)"],
  ["key", "(?:[^\\s:=]+)"],
];

class Reader {
  readonly names: string[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = SHORTHANDS.reduce(
      (out, [name, by]) => out.replace(new RegExp(`((?:^|[^\\\\])(?:\\\\\\\\)*)\\\\${name}(?![a-z])`, "g"), `$1${by}`),
      text,
    );
  }

  whole(): Tree {
    const tree = this.#alternatives();
    if (this.#at < this.#text.length) throw new PatternProblem("has a ) without its (");
    return tree;
  }

  #alternatives(): Tree {
    const parts = [this.#sequence()];
    while (this.#eat("|")) parts.push(this.#sequence());
    return parts.length === 1 && parts[0] ? parts[0] : { kind: "any", parts };
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    while (this.#at < this.#text.length && !"|)".includes(this.#text[this.#at] ?? "")) parts.push(this.#repeated());
    return { kind: "all", parts };
  }

  #repeated(): Tree {
    let tree = this.#single();
    for (;;) {
      const bounds = this.#bounds();
      if (!bounds) return tree;
      if (tree.kind === "assert") throw new PatternProblem("repeats ^, $ or \\b");
      tree = { kind: "repeat", of: tree, ...bounds, lazy: this.#eat("?") };
    }
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#eat("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#eat("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#eat("?")) return { min: 0, max: 1 };
    const found = /^\{(\d{1,3})(?:(,)(\d{1,3})?)?\}/.exec(this.#text.slice(this.#at, this.#at + 10));
    if (!found) return undefined;
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === undefined ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (max < min) throw new PatternProblem(`has ${found[0]}, whose end is before its start`);
    return { min, max };
  }

  #single(): Tree {
    const sign = this.#text[this.#at] ?? "";
    this.#at += 1;
    switch (sign) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "units", units: this.#class() };
      case ".":
        return { kind: "units", units: unitsOf([], true) };
      case "^":
        return { kind: "assert", what: "start" };
      case "$":
        return { kind: "assert", what: "end" };
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        throw new PatternProblem(`has a ${sign} with nothing before it`);
      default:
        return { kind: "units", units: unitsOf([[sign.charCodeAt(0), sign.charCodeAt(0)]], false) };
    }
  }

  #group(): Tree {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new PatternProblem(`has more than ${DEPTH_MAX} brackets within each other`);
    let slot: number | undefined;
    if (this.#eat("?")) {
      const named = /^P?<([^>]*)>/.exec(this.#text.slice(this.#at, this.#at + 100));
      if (named) {
        this.#at += named[0].length;
        slot = this.#newName(named[1] ?? "");
      } else if (!this.#eat(":")) {
        throw new PatternProblem("has a (? that is none of (?P<name>…), (?<name>…) and (?:…)");
      }
    }
    const of = this.#alternatives();
    if (!this.#eat(")")) throw new PatternProblem("has a ( without its )");
    this.#depth -= 1;
    return slot === undefined ? of : { kind: "group", of, slot };
  }

  #newName(name: string): number {
    if (!/^[A-Za-z_][\w./-]{0,99}$/.test(name))
      throw new PatternProblem(`has a group named ${JSON.stringify(name)}: letters, digits and _ . / -`);
    if (this.names.includes(name)) throw new PatternProblem(`has two groups named ${name}`);
    if (this.names.length >= GROUPS_MAX) throw new PatternProblem(`has more than ${GROUPS_MAX} groups with a name`);
    this.names.push(name);
    return this.names.length - 1;
  }

  #escape(): Tree {
    const letter = this.#text[this.#at] ?? "";
    this.#at += 1;
    if (letter === "b") return { kind: "assert", what: "word" };
    if (letter === "B") return { kind: "assert", what: "no-word" };
    return { kind: "units", units: escaped(letter) };
  }

  #class(): Units {
    const negated = this.#eat("^");
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; first || this.#text[this.#at] !== "]"; first = false) {
      if (this.#at >= this.#text.length) throw new PatternProblem("has a [ without its ]");
      const low = this.#classUnit(ranges);
      if (low === undefined) continue;
      if (this.#text[this.#at] !== "-" || this.#text[this.#at + 1] === "]" || this.#at + 1 >= this.#text.length) {
        ranges.push([low, low]);
        continue;
      }
      this.#at += 1;
      const high = this.#classUnit(ranges);
      if (high === undefined || high < low)
        throw new PatternProblem("has a range in [ ] whose end is before its start");
      ranges.push([low, high]);
    }
    this.#at += 1;
    return unitsOf(ranges, negated);
  }

  /** One unit of a class; undefined where it stands for several, which are in `ranges` then. */
  #classUnit(ranges: (readonly [number, number])[]): number | undefined {
    const sign = this.#text[this.#at] ?? "";
    this.#at += 1;
    if (sign !== "\\") return sign.charCodeAt(0);
    const letter = this.#text[this.#at] ?? "";
    this.#at += 1;
    const known = CLASSES.get(letter);
    if (known) {
      ranges.push(...known);
      return undefined;
    }
    if (CLASSES.has(letter.toLowerCase())) throw new PatternProblem(`has \\${letter} within [ ]`);
    return unitOfEscape(letter);
  }

  #eat(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }
}

const range = (from: string, to = from): readonly [number, number] => [from.charCodeAt(0), to.charCodeAt(0)];
const CLASSES = new Map<string, readonly (readonly [number, number])[]>([
  ["d", [range("0", "9")]],
  ["w", [range("0", "9"), range("A", "Z"), range("_"), range("a", "z")]],
  ["s", [range(" "), range("\t", "\r"), range("\u00a0")]],
]);

function escaped(letter: string): Units {
  const known = CLASSES.get(letter.toLowerCase());
  if (known) return unitsOf(known, letter !== letter.toLowerCase());
  const unit = unitOfEscape(letter);
  return unitsOf([[unit, unit]], false);
}

function unitOfEscape(letter: string): number {
  const control = "tnrfv".indexOf(letter);
  if (letter !== "" && control >= 0) return "\t\n\r\f\v".charCodeAt(control);
  if (letter === "") throw new PatternProblem("ends in a \\");
  if (/[A-Za-z0-9]/.test(letter)) throw new PatternProblem(`has \\${letter}, which means nothing here`);
  return letter.charCodeAt(0);
}

function unitsOf(ranges: readonly (readonly [number, number])[], negated: boolean): Units {
  const ascii = new Uint8Array(128).fill(negated ? 1 : 0);
  for (const [low, high] of ranges) {
    for (let unit = low; unit <= Math.min(high, 127); unit++) ascii[unit] = negated ? 0 : 1;
  }
  return { ascii, others: ranges.filter(([, high]) => high > 127), negated };
}

function has({ ascii, others, negated }: Units, unit: number): boolean {
  if (unit < 128) return ascii[unit] === 1;
  return others.some(([low, high]) => unit >= low && unit <= high) !== negated;
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

const isWord = (unit: number): boolean => has(escaped("w"), unit);

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
      if (what?.op === "units" && position < line.length && has(what.units, unit))
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
