/**
 * [P] Values of a TOML file as Python takes them: `int(x)`, `float(x)`, `bool(x)` and `str(x)`. Integers are bigint, floats
 * are numbers, as the reader of sweep files gives them.
 */
import { floatText } from "../spec/value-text.ts";

/** `int(x)`; undefined where Python raises. Floats lose their fraction, texts may have a sign, space and underscores. */
export function pythonInt(raw: unknown): bigint | undefined {
  if (typeof raw === "bigint") return raw;
  if (typeof raw === "boolean") return raw ? 1n : 0n;
  if (typeof raw === "number") return Number.isFinite(raw) ? BigInt(Math.trunc(raw)) : undefined;
  if (typeof raw !== "string") return undefined;
  const text = raw.trim();
  if (!/^[+-]?\d+(?:_\d+)*$/.test(text)) return undefined;
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  // Python itself refuses longer ones.
  if (digits.length > 4300) return undefined;
  return text.startsWith("-") ? -BigInt(digits) : BigInt(digits);
}

/** `float(x)`; undefined where Python raises. */
export function pythonFloat(raw: unknown): number | undefined {
  if (typeof raw === "bigint") return Number(raw);
  if (typeof raw === "boolean") return raw ? 1 : 0;
  if (typeof raw === "number") return raw;
  if (typeof raw !== "string") return undefined;
  const text = raw.trim();
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (word) {
    if (word[2]?.toLowerCase() === "nan") return Number.NaN;
    return word[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const DIGITS = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
  return DIGITS.test(text) ? Number(text.replaceAll("_", "")) : undefined;
}

/** `bool(x)`: any text but the empty one is true, "false" too. */
export function pythonTruth(raw: unknown): boolean {
  if (raw === undefined || raw === null || raw === "" || raw === 0n || raw === 0 || raw === false) return false;
  if (Array.isArray(raw)) return raw.length > 0;
  if (typeof raw === "object" && !(raw instanceof Date)) return Object.keys(raw).length > 0;
  return true;
}

/** `str(x)` */
export function pythonStr(raw: unknown): string {
  return typeof raw === "string" ? raw : pythonRepr(raw);
}

function pythonRepr(raw: unknown): string {
  switch (typeof raw) {
    case "string":
      return reprOfText(raw);
    case "boolean":
      return raw ? "True" : "False";
    case "bigint":
      return String(raw);
    case "number":
      return reprOfFloat(raw);
    default:
      break;
  }
  if (raw === undefined || raw === null) return "None";
  if (Array.isArray(raw)) return `[${raw.map(pythonRepr).join(", ")}]`;
  if (raw instanceof Date) return textOfDate(raw.toISOString());
  const parts = Object.entries(raw).map(([key, value]) => `${reprOfText(key)}: ${pythonRepr(value)}`);
  return `{${parts.join(", ")}}`;
}

function reprOfFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (Number.isFinite(value)) return floatText(value);
  return value > 0 ? "inf" : "-inf";
}

function reprOfText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"\p{C}\p{Z}]/gu, (char) => {
    if (char === " ") return char;
    if (char === "\\" || char === quote) return `\\${char}`;
    if (char === "'" || char === '"') return char;
    return SHORT_ESCAPES.get(char) ?? escapeOf(char.codePointAt(0) ?? 0);
  });
  return quote + body + quote;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escapeOf(code: number): string {
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** "1979-05-27T07:32:00.500Z" as Python's `str(datetime)`: "1979-05-27 07:32:00.500000+00:00". */
function textOfDate(iso: string): string {
  return iso
    .replace(/(\d)T(\d)/, "$1 $2")
    .replace(/Z$/, "+00:00")
    .replace(/\.(\d+)/, (_, digits: string) => (/^0*$/.test(digits) ? "" : `.${digits.padEnd(6, "0").slice(0, 6)}`));
}
