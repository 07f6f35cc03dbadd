/** Parameter values as text: what programs get on their command line, and the JSON that keeps int and float apart. */
import type { Value } from "../expression/value.ts";
import { FloatParam } from "./types.ts";

/** A value as one word of a command line: texts as they are, floats as Python prints them, lists and tables as JSON. */
export function valueText(value: Value): string {
  return typeof value === "string" ? value : valueJson(value);
}

/** A value as JSON: `1` is an int and `1.0` a float, for this program and for Python's json alike. */
export function valueJson(value: Value): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "number":
      return integerText(value);
    default:
      if (value === null) return "null";
      if (value instanceof FloatParam) return floatText(value.float);
      if (isList(value)) return `[${value.map(valueJson).join(",")}]`;
      return `{${Object.entries(value)
        .map(([key, item]) => `${JSON.stringify(key)}:${valueJson(item)}`)
        .join(",")}}`;
  }
}

/** Tells lists from tables; `Array.isArray` alone does not for read-only lists. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/**
 * The shortest text that reads back as the same float, in the form of Python's `repr`: always with a point or an
 * exponent, the exponent of two digits or more, used below 1e-4 and from 1e16 on.
 */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`assertion failed: ${value} is no parameter value`);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", exponentText = "0"] = Math.abs(value).toExponential().split("e");
  const sign = value < 0 ? "-" : "";
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 16) return sign + positional(mantissa.replace(".", ""), exponent);
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
}

function positional(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${whole}.${digits.slice(exponent + 1) || "0"}`;
}

function integerText(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error(`assertion failed: ${value} is no exact integer`);
  return String(value);
}
