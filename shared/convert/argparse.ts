/**
 * [P] The options of a Python program, read from its `add_argument` calls. Nothing is run and no Python is understood beyond
 * literals: what is computed has no known default.
 */

import { FloatParam, type ParamValue } from "../spec/types.ts";
import { floatText } from "../spec/value-text.ts";

export interface ArgparseOption {
  /** As it is spelled on the command line, without the dashes in front. Underscores rather than dashes where both do. */
  readonly name: string;
  /** Undefined where there is none, or it is not written as a literal. */
  readonly value: ParamValue | undefined;
  /** "presence": the flag alone means true. "no-prefix": `--no-flag` means false. */
  readonly bool: "presence" | "no-prefix" | undefined;
  readonly isRequired: boolean;
  readonly isList: boolean;
  readonly help: string;
  readonly choices: readonly ParamValue[];
}

export interface ArgparseReading {
  readonly options: readonly ArgparseOption[];
  /** Options and positional arguments that cannot be parameters, each with the reason. */
  readonly skipped: readonly string[];
}

export function readArgparse(source: string): ArgparseReading {
  const options = new Map<string, ArgparseOption>();
  const skipped: string[] = [];
  for (const call of callsOf(source, "add_argument")) {
    const option = optionOf(call);
    if (typeof option === "string") skipped.push(option);
    else if (option && !options.has(option.name)) options.set(option.name, option);
  }
  return { options: [...options.values()], skipped };
}

/** Arguments of a call: positional ones in order, and those by name. */
interface Call {
  readonly words: readonly string[];
  readonly named: ReadonlyMap<string, string>;
}

/** The option, or why it is none; undefined for what every program has. */
function optionOf({ words, named }: Call): ArgparseOption | string | undefined {
  const flags = words.map(stringLiteral).filter((flag) => flag !== undefined);
  const long = flags.filter((flag) => flag.startsWith("--")).map((flag) => flag.slice(2));
  const name = long.find((flag) => !flag.includes("-")) ?? long[0];
  const [first] = flags;
  if (first === undefined || first === "--help" || first === "-h") return undefined;
  if (!first.startsWith("-")) return `${first} is a positional argument: put it into the command`;
  if (name === undefined) return `${first} has no long form`;
  const action = stringLiteral(named.get("action") ?? "") ?? named.get("action") ?? "store";
  const isOptional = action.endsWith("BooleanOptionalAction");
  if (!isOptional && !["store", "store_true", "append", "extend"].includes(action)) {
    return `--${name} is of action ${action}`;
  }
  const type = named.get("type");
  const given = literal(named.get("default") ?? "None");
  const value = action === "store_true" ? (given ?? false) : isOptional ? given : typed(given, type);
  const nargs = stringLiteral(named.get("nargs") ?? "") ?? named.get("nargs");
  const choices = literal(named.get("choices") ?? "None");
  return {
    name,
    value,
    bool: isOptional ? "no-prefix" : action === "store_true" ? "presence" : undefined,
    isRequired: named.get("required") === "True",
    isList: nargs !== undefined && nargs !== "?" && nargs !== "1",
    help: (stringLiteral(named.get("help") ?? "") ?? "").replace(/\s+/g, " ").trim(),
    choices: Array.isArray(choices) ? (choices as readonly ParamValue[]) : [],
  };
}

/** argparse leaves defaults as they are, but an int for a float means the float. */
function typed(value: ParamValue | undefined, type: string | undefined): ParamValue | undefined {
  if (type === "float" && typeof value === "number") return new FloatParam(value);
  // As a flag it would come without a value. And to type=bool every text is true.
  if (typeof value === "boolean") return type === "bool" ? undefined : value ? "True" : "False";
  if (type === "str" && typeof value === "number") return String(value);
  if (type === "str" && value instanceof FloatParam) return floatText(value.float);
  if (Array.isArray(value)) {
    const items = (value as readonly ParamValue[]).map((item) => typed(item, type));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  return value;
}

/** Calls of a method in the code, comments and strings aside. */
function callsOf(source: string, method: string): Call[] {
  const calls: Call[] = [];
  let before = "";
  let at = 0;
  while (at < source.length) {
    const token = tokenAt(source, at);
    if (token === "(" && before === method) {
      const end = closing(source, at);
      calls.push(callOf(source.slice(at + 1, end)));
      at = end + 1;
      before = "";
      continue;
    }
    if (!/^(?:\s|#)/.test(token)) before = token;
    at += token.length;
  }
  return calls;
}

/** Name, number, string, comment, white space or one character. Never empty. */
const TOKEN =
  /[A-Za-z_]\w*(?=["'])(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?)|"""(?:\\[\s\S]|[^\\])*?(?:"""|$)|'''(?:\\[\s\S]|[^\\])*?(?:'''|$)|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?|#[^\n]*|\s+|\w+|[\s\S]/y;

function tokenAt(source: string, at: number): string {
  TOKEN.lastIndex = at;
  return TOKEN.exec(source)?.[0] ?? source.slice(at, at + 1);
}

/** Offset of the bracket that closes the one at `open`, or the end. */
function closing(source: string, open: number): number {
  let depth = 0;
  for (let at = open; at < source.length; ) {
    const token = tokenAt(source, at);
    if (/^[([{]$/.test(token)) depth += 1;
    if (/^[)\]}]$/.test(token)) depth -= 1;
    if (depth === 0) return at;
    at += token.length;
  }
  return source.length;
}

function callOf(text: string): Call {
  const words: string[] = [];
  const named = new Map<string, string>();
  for (const part of partsOf(text)) {
    const [, name, value] = /^([A-Za-z_]\w*)\s*=(?!=)\s*([\s\S]*)$/.exec(part) ?? [];
    if (name === undefined) words.push(part);
    else named.set(name, value ?? "");
  }
  return { words, named };
}

/** Parts between commas outside of brackets, without comments. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    at += token.length;
    if (/^[([{]$/.test(token)) depth += 1;
    if (/^[)\]}]$/.test(token)) depth -= 1;
    if (token === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else if (!token.startsWith("#")) {
      part += token;
    }
  }
  parts.push(part.trim());
  return parts.filter((each) => each !== "");
}

/** Value of a Python literal; undefined for None and for everything else. */
function literal(text: string): ParamValue | undefined {
  if (text === "True") return true;
  if (text === "False") return false;
  const string = stringLiteral(text);
  if (string !== undefined) return string;
  const number = text.replaceAll(/(?<=\d)_(?=\d)/g, "");
  if (/^[-+]?\d+$/.test(number)) return Number.isSafeInteger(Number(number)) ? Number(number) + 0 : undefined;
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(number)) {
    return Number.isFinite(Number(number)) ? new FloatParam(Number(number)) : undefined;
  }
  if (!/^[[(][\s\S]*[\])]$/.test(text)) return undefined;
  const items = partsOf(text.slice(1, -1)).map(literal);
  return items.every((item) => item !== undefined) ? items : undefined;
}

/** Text of one string, or of several side by side; undefined for f-strings, bytes and all else. */
function stringLiteral(text: string): string | undefined {
  let value = "";
  let found = false;
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    at += token.length;
    if (/^\s/.test(token)) continue;
    const [, prefix = "", quote = ""] = /^([rRuU]?)("""|'''|"|')/.exec(token) ?? [];
    if (quote === "" || !token.endsWith(quote) || token.length < prefix.length + 2 * quote.length) return undefined;
    const inner = token.slice(prefix.length + quote.length, -quote.length);
    value += /^[rR]$/.test(prefix) ? inner : unescaped(inner);
    found = true;
  }
  return found ? value : undefined;
}

const ESCAPES: { readonly [char: string]: string } = { n: "\n", t: "\t", r: "\r", "\n": "" };

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, (whole, char: string) => ESCAPES[char] ?? (/[\\'"]/.test(char) ? char : whole));
}
