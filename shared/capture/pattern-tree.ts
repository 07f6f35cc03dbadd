/** [P] Reads the text of a pattern (pattern.ts) into a tree. */

const GROUPS_MAX = 16;
const DEPTH_MAX = 32;

/** What is wrong with a pattern, as one clause. */
export class PatternProblem extends Error {}

/** Which UTF-16 units match. */
export interface Units {
  readonly ascii: Uint8Array;
  /** Those above ASCII that are named one by one. */
  readonly others: readonly (readonly [number, number])[];
  /** Whether all others match but those. */
  readonly negated: boolean;
}

export type Tree =
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

export class PatternReader {
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

export function escaped(letter: string): Units {
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

export function hasUnit({ ascii, others, negated }: Units, unit: number): boolean {
  if (unit < 128) return ascii[unit] === 1;
  return others.some(([low, high]) => unit >= low && unit <= high) !== negated;
}
