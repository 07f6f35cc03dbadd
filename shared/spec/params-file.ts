/** Parameters as the text of a file that programs read: JSON, YAML or TOML, with ints and floats apart in each. */
import type { Value } from "../expression/value.ts";
import { type NestedParams, nestParams, paramsToNestedJson } from "./params-json.ts";
import { FloatParam } from "./types.ts";
import { floatText, isList, valueText } from "./value-text.ts";

export type FileFormat = "json" | "yaml" | "toml";

/** By the ending of a file's name. */
export const FILE_FORMATS: { readonly [ending: string]: FileFormat | undefined } = {
  __proto__: null as never,
  json: "json",
  yaml: "yaml",
  yml: "yaml",
  toml: "toml",
};

/** Dotted names become tables within tables. TOML has no null: leave such parameters out. */
export function paramsFileText(format: FileFormat, params: ReadonlyMap<string, Value>): string {
  switch (format) {
    case "json":
      return `${paramsToNestedJson(params)}\n`;
    case "yaml":
      return params.size === 0 ? "{}\n" : yamlTable(nestParams(params), "");
    case "toml":
      return Array.from(params, ([name, value]) => `${tomlName(name)} = ${tomlValue(value)}\n`).join("");
  }
}

/** In blocks, lists on one line. Texts are always in quotes, so that "no" and "1e-3" stay texts. */
function yamlTable(table: NestedParams<Value>, indent: string): string {
  return Array.from(table, ([key, value]) => {
    const head = `${indent}${yamlKey(key)}:`;
    return value instanceof Map ? `${head}\n${yamlTable(value, `${indent}  `)}` : `${head} ${yamlValue(value)}\n`;
  }).join("");
}

function yamlKey(key: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(key) && !YAML_WORDS.test(key) ? key : yamlText(key);
}

/** What YAML 1.1 takes for something else than a text. */
const YAML_WORDS = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

function yamlValue(value: Value): string {
  if (typeof value === "string") return yamlText(value);
  if (value === null || typeof value !== "object") return valueText(value);
  if (value instanceof FloatParam) return yamlFloat(value.float);
  if (isList(value)) return `[${value.map(yamlValue).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${yamlKey(key)}: ${yamlValue(item)}`)
    .join(", ")}}`;
}

/** YAML 1.1 takes 1e-05 for a text: it wants a point. */
function yamlFloat(value: number): string {
  const text = floatText(value);
  return text.includes(".") ? text : text.replace("e", ".0e");
}

/** What readers of YAML refuse, or fold into a space, is escaped. */
function yamlText(text: string): string {
  return escapeChars(JSON.stringify(text), /[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]/g);
}

function tomlName(name: string): string {
  return name.split(".").map(tomlKey).join(".");
}

function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlText(key);
}

function tomlValue(value: Value): string {
  if (typeof value === "string") return tomlText(value);
  if (value === null) throw new Error("assertion failed: TOML has no null");
  if (typeof value !== "object" || value instanceof FloatParam) return valueText(value);
  if (isList(value)) return `[${value.map(tomlValue).join(", ")}]`;
  const parts = Object.entries(value).map(([key, item]) => `${tomlKey(key)} = ${tomlValue(item)}`);
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

function tomlText(text: string): string {
  return escapeChars(JSON.stringify(text), /\x7f/g);
}

function escapeChars(text: string, chars: RegExp): string {
  return text.replace(chars, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
