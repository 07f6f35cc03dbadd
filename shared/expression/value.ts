/** Values of expressions: those of parameters and None. Ints are plain numbers within ±2^53, floats are `FloatParam`. */
import { FloatParam } from "../spec/types.ts";

export type Value =
  | null
  | boolean
  | number
  | string
  | FloatParam
  | readonly Value[]
  | { readonly [key: string]: Value };

export type Table = { readonly [key: string]: Value };

/** Tells lists from tables; `Array.isArray` alone does not for read-only lists. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isTable(value: Value): value is Table {
  return typeof value === "object" && value !== null && !(value instanceof FloatParam) && !Array.isArray(value);
}

/** As a JavaScript number, where it is an int, a float or (as in Python) a boolean. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (value instanceof FloatParam) return value.float;
  if (typeof value === "boolean") return value ? 1 : 0;
  return undefined;
}

/** As an int, where it is one or a boolean. */
export function integerOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "boolean" ? Number(value) : undefined;
}

/** None, False, zeros and what is empty are false. */
export function isTruthy(value: Value): boolean {
  switch (typeof value) {
    case "boolean":
      return value;
    case "number":
      return value !== 0;
    case "string":
      return value !== "";
    default:
      if (value === null) return false;
      if (value instanceof FloatParam) return value.float !== 0;
      return isList(value) ? value.length > 0 : Object.keys(value).length > 0;
  }
}

/** "an int", "a string": for messages. */
export function describeType(value: Value): string {
  switch (typeof value) {
    case "boolean":
      return "a boolean";
    case "number":
      return "an int";
    case "string":
      return "a string";
    default:
      if (value === null) return "None";
      if (value instanceof FloatParam) return "a float";
      return isList(value) ? "a list" : "a table";
  }
}

/** The own member of a table; nothing is inherited. */
export function memberOf(table: Table, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
