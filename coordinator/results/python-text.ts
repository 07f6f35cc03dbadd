/**
 * [P] Values as Python prints them: in JSON (NaN and infinities as bare words, floats with a point) and in cells of a CSV.
 * A number that may be either an int or a float is written as an int where it is whole.
 */
import { FloatParam } from "../../shared/spec/types.ts";
import { floatText } from "../../shared/spec/value-text.ts";

export type PythonValue =
  | null
  | boolean
  | number
  | string
  | FloatParam
  | readonly PythonValue[]
  | ReadonlyMap<string, PythonValue>
  | { readonly [key: string]: PythonValue };

/** As `json.dumps(value, indent=2, ensure_ascii=False)`. */
export function jsonDocument(value: PythonValue): string {
  return write(value, "\n");
}

/** As `json.dumps(value, ensure_ascii=False)`: one line, without its newline. */
export function jsonLine(value: PythonValue): string {
  return write(value, "");
}

/** A number as `json.dumps` writes it. */
export function jsonNumber(value: number): string {
  return Number.isFinite(value) ? numberText(value) : String(value);
}

/** A number as a cell of EXP's CSV: `str(value)`. */
export function cellOfNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return numberText(value);
}

/** `newline` is the line end with the indentation of the place; empty for one line. */
function write(value: PythonValue, newline: string): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "number":
      return jsonNumber(value);
    default:
      break;
  }
  if (value === null) return "null";
  if (value instanceof FloatParam) return Number.isFinite(value.float) ? floatText(value.float) : String(value.float);
  const inner = newline === "" ? "" : `${newline}  `;
  if (isList(value)) {
    return enclose(
      "[",
      value.map((item) => write(item, inner)),
      "]",
      newline,
    );
  }
  const entries = value instanceof Map ? value : Object.entries(value);
  const parts = Array.from(entries, ([key, item]) => `${JSON.stringify(key)}: ${write(item, inner)}`);
  return enclose("{", parts, "}", newline);
}

function enclose(open: string, parts: readonly string[], close: string, newline: string): string {
  if (parts.length === 0) return open + close;
  if (newline === "") return `${open}${parts.join(", ")}${close}`;
  return `${open}${newline}  ${parts.join(`,${newline}  `)}${newline}${close}`;
}

function isList(value: PythonValue): value is readonly PythonValue[] {
  return Array.isArray(value);
}

function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0.0" : String(value);
  const size = Math.abs(value);
  // Between these bounds JavaScript and Python write the same, and this is the fast way of a million points.
  return size >= 1e-4 && size < 1e16 ? String(value) : floatText(value);
}
