/** [P] Values of parameters as cells of a table, and by what they are told apart. */
import type { Cell } from "../../shared/run/dashboard.ts";
import { jsonNumber } from "../../shared/run/records.ts";
import type { JsonValue } from "../../shared/run/views.ts";
import { FloatParam, type ParamValue } from "../../shared/spec/types.ts";
import { valueJson } from "../../shared/spec/value-text.ts";

/** What a screen shows: lists and tables as JSON. */
export function cellOf(value: ParamValue): Cell {
  if (value instanceof FloatParam) return jsonNumber(value.float);
  return typeof value === "object" && value !== null ? valueJson(value) : value;
}

/** Equal for values that look the same: a number, or a text. */
export function valueKey(value: ParamValue): number | string {
  if (value instanceof FloatParam) return value.float;
  if (typeof value === "number") return value;
  return typeof value === "string" ? value : valueJson(value);
}

/** As JSON has it: the difference between 1 and 1.0 is lost. */
export function jsonOf(value: ParamValue): JsonValue {
  if (value instanceof FloatParam) return jsonNumber(value.float);
  if (typeof value === "object" && value !== null) return JSON.parse(valueJson(value)) as JsonValue;
  return value;
}
