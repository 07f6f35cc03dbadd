/**
 * [P] Writes the text of a sweep file: tables in the order of the documentation, comments where they belong, values as TOML
 * has them. What is written parses back to the same values.
 */
import type { KeyType } from "../spec/key.ts";
import { SECTION_KEYS, SWEEP_KEYS } from "../spec/sweep-keys.ts";
import { FloatParam, type ParamValue } from "../spec/types.ts";
import { floatText, isList, valueJson } from "../spec/value-text.ts";

/** Longer lists are written over several lines. */
const LINE_MAX = 110;

/** Types of the keys of a table, where these are fixed. */
type KeyTypes = { readonly [key: string]: { readonly type: KeyType } };

/** A table as it is being filled. */
export class TableDraft {
  readonly lines: string[] = [];
  readonly #types: KeyTypes;
  readonly #refuse: (key: string, value: ParamValue) => void;

  constructor(types: KeyTypes = {}, refuse: (key: string, value: ParamValue) => void = () => {}) {
    this.#types = types;
    this.#refuse = refuse;
  }

  /** `comment` stands behind the value, on its line. What the key does not take is left out. */
  set(key: string, value: ParamValue, comment = ""): this {
    const type = this.#types[key]?.type;
    if (type && !takes(type, value)) this.#refuse(key, value);
    else this.lines.push(...assignment(key, value, comment));
    return this;
  }

  comment(text: string): this {
    this.lines.push(...commentLines(text));
    return this;
  }
}

const TABLES = [
  "base",
  "grid",
  "random",
  "random.space",
  "run",
  "resources",
  "limits",
  "retry",
  "objective",
  "stop",
] as const;
type TableName = (typeof TABLES)[number];

/** A sweep file as it is being written. */
export class SweepDraft {
  readonly top = new TableDraft(SWEEP_KEYS, (key, value) => this.leave(`${key}: ${valueJson(value)}`));
  /** Of the parameters that it has. */
  readonly names: string[] = [];
  readonly #tables = new Map<TableName, TableDraft>();
  readonly #runs: { header: string; table: TableDraft }[] = [];
  readonly #left: string[] = [];

  table(name: TableName): TableDraft {
    const known = this.#tables.get(name);
    if (known) return known;
    const types: KeyTypes = Object.hasOwn(SECTION_KEYS, name) ? SECTION_KEYS[name as keyof typeof SECTION_KEYS] : {};
    const table = new TableDraft(types, (key, value) => this.leave(`${name}.${key}: ${valueJson(value)}`));
    this.#tables.set(name, table);
    return table;
  }

  has(name: TableName): boolean {
    return this.#tables.has(name);
  }

  /** Another `[[runs]]`. */
  run(): TableDraft {
    const table = new TableDraft();
    this.#runs.push({ header: "[[runs]]", table });
    return table;
  }

  /** Something of the old file that the new one does not have. */
  leave(text: string): void {
    if (!this.#left.includes(text)) this.#left.push(text);
  }

  /** What was left out, a line each. */
  get left(): readonly string[] {
    return this.#left;
  }

  /** True where a key of a table has a value. */
  hasKey(name: TableName, key: string): boolean {
    return this.#tables.get(name)?.lines.some((line) => line.startsWith(`${key} = `)) === true;
  }

  /** `origin`: what the file was made from, for its first line. */
  text(origin: string): string {
    const parts = [[...commentLines(origin), ...this.top.lines]];
    for (const name of TABLES) {
      const table = this.#tables.get(name);
      if (table?.lines.some((line) => !line.startsWith("#"))) parts.push([`[${name}]`, ...table.lines]);
    }
    for (const { header, table } of this.#runs) parts.push([header, ...table.lines]);
    if (this.#left.length > 0) {
      parts.push(["# Left out:", ...this.#left.flatMap((text) => commentLines(`- ${text}`))]);
    }
    return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
  }
}

/** A value in one line. */
export function tomlValue(value: ParamValue): string {
  if (typeof value === "string") return tomlString(value);
  if (value instanceof FloatParam) return floatText(value.float);
  if (value === null) throw new Error("assertion failed: no sweep file has null");
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map(tomlValue).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => `${tomlKey(key)} = ${tomlValue(item)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

export function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key);
}

/** In double quotes, in which TOML knows the escapes of JSON. */
function tomlString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** As far as it can be said without a file: of the right type and within bounds. */
function takes(type: KeyType, value: ParamValue): boolean {
  switch (type.kind) {
    case "integer":
      return typeof value === "number" && value >= type.min && value <= type.max;
    case "number": {
      const number = value instanceof FloatParam ? value.float : value;
      return typeof number === "number" && number >= type.min && number <= type.max;
    }
    case "text":
    case "path":
      return isText(value);
    case "texts":
      return Array.isArray(value) && value.every(isText);
    case "own":
      return type.form !== "command" || isCommand(value);
    default:
      return true;
  }
}

function isText(value: ParamValue): boolean {
  return typeof value === "string" && value !== "" && !value.includes("\0") && value.isWellFormed();
}

function isCommand(value: ParamValue): boolean {
  if (!Array.isArray(value)) return isText(value) && String(value).trim() !== "";
  return isText(value[0] ?? "") && value.every((word) => word === "" || isText(word));
}

function assignment(key: string, value: ParamValue, comment: string): string[] {
  const behind = comment === "" ? "" : ` # ${oneLine(comment)}`;
  const line = `${tomlKey(key)} = ${tomlValue(value)}`;
  if (line.length <= LINE_MAX || typeof value !== "object" || value instanceof FloatParam || !isList(value)) {
    return [line + behind];
  }
  return [`${tomlKey(key)} = [${behind}`, ...value.map((item) => `  ${tomlValue(item)},`), "]"];
}

/** `#` in front of each line. Control characters, which TOML refuses in comments too, become spaces. */
function commentLines(text: string): string[] {
  return text.split("\n").map((line) => `# ${oneLine(line)}`.trimEnd());
}

function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, " ")
    .trimEnd();
}
