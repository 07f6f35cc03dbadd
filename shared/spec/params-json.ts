/**
 * Parameters as stored and sent: one flat JSON object by dotted path, in order, ints and floats apart; and the plain
 * forms that users get.
 */
import type { Value } from "../expression/value.ts";
import type { JsonValue } from "../run/views.ts";
import { readJson } from "./json-reader.ts";
import { describeKind, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { FloatParam, type Params, type ParamValue } from "./types.ts";
import { isList, valueJson } from "./value-text.ts";

/** `{"lr":1.0,"optim.name":"adam"}` */
export function paramsToJson(params: Params): string {
  return `{${Array.from(params, ([name, value]) => `${JSON.stringify(name)}:${valueJson(value)}`).join(",")}}`;
}

/** Reverse of `paramsToJson`. Throws a plain error for a text that `paramsToJson` cannot have made. */
export function paramsFromJson(text: string): Params {
  const node = readJson(text);
  if ("message" in node) throw new Error(`parameters are not JSON: ${node.message} at offset ${node.offset}`);
  if (kindOf(node.raw) !== "table") throw new Error("parameters are not a JSON object");
  return new Map(entriesOf(node).map(([name, child]) => [name, readValue(child)]));
}

/** For views: flat dotted keys. The difference between 1 and 1.0 is lost. */
export function paramsToPlain(params: Params): { [key: string]: JsonValue } {
  const plain: { [key: string]: JsonValue } = {};
  for (const [name, value] of params) setOwn(plain, name, plainValue(value));
  return plain;
}

/** Dotted paths unfolded into objects. The difference between 1 and 1.0 is lost: see `paramsToNestedJson`. */
export function paramsToNested(params: Params): { [key: string]: JsonValue } {
  return JSON.parse(paramsToNestedJson(params)) as { [key: string]: JsonValue };
}

/** The text of a `config.json`: dotted paths unfolded, floats with a point, so that Python reads floats. */
export function paramsToNestedJson(params: ReadonlyMap<string, Value>): string {
  return nestedJson(nestParams(params));
}

/** Parameters as tables within tables, by the parts of their dotted paths. */
export type NestedParams<Value = ParamValue> = Map<string, NestedParams<Value> | Value>;

/** Dotted paths unfolded, with ints and floats still apart. */
export function nestParams<Value = ParamValue>(params: ReadonlyMap<string, Value>): NestedParams<Value> {
  const root: NestedParams<Value> = new Map();
  for (const [name, value] of params) {
    const parts = name.split(".");
    const last = parts.pop() ?? "";
    let table = root;
    for (const part of parts) {
      const next = table.get(part);
      if (next instanceof Map) {
        table = next;
      } else {
        const made: NestedParams<Value> = new Map();
        table.set(part, made);
        table = made;
      }
    }
    table.set(last, value);
  }
  return root;
}

function nestedJson(table: NestedParams<Value>): string {
  const parts = Array.from(table, ([key, value]) => {
    return `${JSON.stringify(key)}:${value instanceof Map ? nestedJson(value) : valueJson(value)}`;
  });
  return `{${parts.join(",")}}`;
}

function plainValue(value: ParamValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof FloatParam) return value.float;
  if (isList(value)) return value.map(plainValue);
  const plain: { [key: string]: JsonValue } = {};
  for (const [key, item] of Object.entries(value)) setOwn(plain, key, plainValue(item));
  return plain;
}

/** Makes an own property also of a name such as `__proto__`, which assignment would not. */
function setOwn(target: { [key: string]: JsonValue }, key: string, value: JsonValue): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function readValue(node: SpecNode): ParamValue {
  const { raw } = node;
  switch (typeof raw) {
    case "string":
    case "boolean":
      return raw;
    case "bigint":
      if (!Number.isSafeInteger(Number(raw))) throw new Error(`parameter ${raw} is beyond exact integers`);
      return Number(raw);
    case "number":
      return new FloatParam(raw);
    default:
      break;
  }
  if (raw === null) return null;
  const kind = kindOf(raw);
  if (kind === "list") return itemsOf(node).map(readValue);
  if (kind !== "table") throw new Error(`a parameter cannot be ${describeKind(kind)}`);
  return Object.fromEntries(entriesOf(node).map(([key, child]) => [key, readValue(child)]));
}
