/**
 * [P] Reads a table as JSON writes it and as Python prints a dict: texts in either quote, `True`, `nan`, tuples, and values
 * such as `np.float64(0.5)` and `tensor(0.5, device='cuda:0')`. Nothing is evaluated. Time and depth are bounded.
 */
import { numberOf } from "./captured.ts";

export type Literal = null | boolean | number | string | readonly Literal[] | ReadonlyMap<string, Literal>;

const DEPTH_MAX = 16;
const WORDS = new Map<string, Literal>([
  ["True", true],
  ["true", true],
  ["False", false],
  ["false", false],
  ["None", null],
  ["null", null],
]);
/** Calls around one number, as numpy and torch print their values. */
const WRAPPERS =
  /^(?:np|numpy|torch|jnp)?\.?(?:float\d*|int\d*|uint\d*|bool_?|longdouble|bfloat16|tensor|array|Array|Tensor)$/;

/** The table that `text` begins with, and where it ends; undefined where there is none. Never throws. */
export function readTable(
  text: string,
): { readonly table: ReadonlyMap<string, Literal>; readonly end: number } | undefined {
  const reader = new Reader(text);
  const value = reader.value(0);
  return value instanceof Map ? { table: value, end: reader.at } : undefined;
}

class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined for anything that is no literal. */
  value(depth: number): Literal | undefined {
    if (depth > DEPTH_MAX) return undefined;
    this.#space();
    const sign = this.#text[this.at] ?? "";
    if (sign === "{") return this.#table(depth);
    if (sign === "[") return this.#list("]", depth);
    if (sign === "(") return this.#list(")", depth);
    if (sign === '"' || sign === "'") return this.#quoted(sign);
    return this.#word(depth);
  }

  #table(depth: number): ReadonlyMap<string, Literal> | undefined {
    const table = new Map<string, Literal>();
    this.at += 1;
    for (;;) {
      this.#space();
      if (this.#eat("}")) return table;
      const key = this.value(depth + 1);
      this.#space();
      if (key === undefined || !this.#eat(":")) return undefined;
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      if (typeof key === "string" || typeof key === "number") table.set(String(key), value);
      this.#space();
      if (!this.#eat(",") && this.#text[this.at] !== "}") return undefined;
    }
  }

  #list(end: string, depth: number): readonly Literal[] | undefined {
    const items: Literal[] = [];
    this.at += 1;
    for (;;) {
      this.#space();
      if (this.#eat(end)) return items;
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      items.push(value);
      this.#space();
      if (!this.#eat(",") && this.#text[this.at] !== end) return undefined;
    }
  }

  #quoted(quote: string): string | undefined {
    let out = "";
    for (let from = this.at + 1; ; ) {
      const end = this.#text.indexOf(quote, from);
      if (end < 0) return undefined;
      const slash = this.#text.indexOf("\\", from);
      if (slash < 0 || slash > end) {
        this.at = end + 1;
        return out + this.#text.slice(from, end);
      }
      // Names of metrics rarely have any: what is escaped stands for itself.
      out += this.#text.slice(from, slash) + (this.#text[slash + 1] ?? "");
      from = slash + 2;
    }
  }

  #word(depth: number): Literal | undefined {
    WORD.lastIndex = this.at;
    const word = WORD.exec(this.#text)?.[0];
    if (word === undefined) return undefined;
    this.at += word.length;
    const known = WORDS.get(word);
    if (known !== undefined) return known;
    if (this.#text[this.at] === "(" && WRAPPERS.test(word)) return this.#wrapped(depth);
    return numberOf(word);
  }

  /** `(0.5, dtype=float32)`: its first value. */
  #wrapped(depth: number): Literal | undefined {
    this.at += 1;
    const value = this.value(depth + 1);
    if (value === undefined) return undefined;
    const end = this.#text.indexOf(")", this.at);
    // What torch says beside the number has brackets of its own in grad_fn=<…>, never round ones.
    if (end < 0 || end - this.at > 200) return undefined;
    this.at = end + 1;
    return value;
  }

  #space(): void {
    while (this.#text[this.at] === " " || this.#text[this.at] === "\t") this.at += 1;
  }

  #eat(sign: string): boolean {
    if (this.#text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }
}

const WORD = /[+\-.\w]{1,64}/y;
