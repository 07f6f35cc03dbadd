/**
 * What a command line says over a sweep file: `--set lr=1e-3,1e-2 --where 'lr < 1' --limit 10 --name trial --hold`. It
 * becomes a small file of its own, laid above the others, so that mistakes in it have a place like any other. A parameter
 * that is set takes the place of whatever the file says of it, in whichever table.
 */
import type { SpecSource } from "./document.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode, type Written } from "./node.ts";
import { isSeries } from "./param-value.ts";
import type { SpecProblem } from "./problems.ts";
import { SEED_PARAM } from "./seeds.ts";

export interface SpecOverrides {
  /** `name=value` or `name=value,value`: several are a grid. */
  readonly set: readonly string[];
  /** Conditions beside those of the file. */
  readonly where: readonly string[];
  /** Runs at most; undefined: as the file says. */
  readonly limit: number | undefined;
  /** Name of the sweep; undefined: that of the file. */
  readonly name: string | undefined;
  readonly hold: boolean;
}

export const NO_OVERRIDES: SpecOverrides = { set: [], where: [], limit: undefined, name: undefined, hold: false };

export function areEmpty({ set, where, limit, name, hold }: SpecOverrides): boolean {
  return set.length + where.length === 0 && limit === undefined && name === undefined && !hold;
}

/** How the file of the overrides is called in messages. */
const SHOWN = "(command line)";
/** Tables that hold parameters, each with the path to them; variants and explicit runs have them within. */
const PARAMETER_TABLES = [["base"], ["grid"], ["zip"], ["random", "space"], ["derive"]] as const;

/** The overrides as a sweep file, or why one of them cannot be read. */
export function overridesSource(source: SpecSource, overrides: SpecOverrides): SpecSource | SpecProblem {
  const top: string[] = [];
  const tables: { base: string[]; grid: string[] } = { base: [], grid: [] };
  const { name, hold, where, limit, set } = overrides;
  if (name !== undefined) top.push(`name = ${JSON.stringify(name)}`);
  if (hold) top.push("hold = true");
  if (where.length > 0) top.push(`where = [${where.map((text) => JSON.stringify(text)).join(", ")}]`);
  if (limit !== undefined) top.push(`limits.runs = ${limit}`);
  for (const text of set) {
    const at = text.indexOf("=");
    if (at < 1) return wrongSet(text, "is not NAME=VALUE");
    const key = text.slice(0, at).trim();
    const values = splitValues(text.slice(at + 1));
    if (typeof values === "string") return wrongSet(text, values);
    const list = `[${values.map(tomlValue).join(", ")}]`;
    if (key === SEED_PARAM) top.push(`seeds = ${list}`);
    else if (values.length > 1) tables.grid.push(`${JSON.stringify(key)} = ${list}`);
    else tables.base.push(`${JSON.stringify(key)} = ${tomlValue(values[0] ?? "")}`);
  }
  const sections = Object.entries(tables).flatMap(([table, lines]) =>
    lines.length > 0 ? [`[${table}]`, ...lines] : [],
  );
  return { ...source, path: SHOWN, text: [...top, ...sections, ""].join("\n"), format: "toml" };
}

/** Names of the parameters that the overrides set. */
export function overriddenNames(above: SpecNode): string[] {
  const tables = [childOf(above, "base"), childOf(above, "grid")];
  const names = tables.flatMap((table) => (table ? entriesOf(table) : [])).map(([name]) => name);
  return childOf(above, "seeds") ? [...names, SEED_PARAM] : names;
}

/** The file's root without the parameters of these names, wherever they stand. Files that it names still have them. */
export function withoutOverridden(root: SpecNode, names: readonly string[]): SpecNode {
  let result = root;
  for (const name of names) result = withoutParameter(result, name);
  return names.includes(SEED_PARAM) ? without(result, (key) => key === "seeds" || key === "repeats") : result;
}

/** True for a parameter that one of the names takes the place of: itself, or a table that it is within. */
export function isOverridden(names: readonly string[], parameter: string): boolean {
  return names.some((name) => parameter === name || parameter.startsWith(`${name}.`));
}

/** A list under `key` of both, one behind the other. */
export function joinLists(below: SpecNode, above: SpecNode, key: string): SpecNode {
  const [first, second] = [childOf(below, key), childOf(above, key)];
  if (!first || !second || kindOf(first.raw) !== "list" || kindOf(second.raw) !== "list") return above;
  const items = [...itemsOf(first), ...itemsOf(second)];
  const at: Written = { ...second.at, items: items.map((item) => item.at) };
  return replaced(above, key, { raw: items.map((item) => item.raw), at });
}

function wrongSet(text: string, what: string): SpecProblem {
  return { id: "spec.set", message: `--set ${JSON.stringify(text)} ${what}`, hint: "such as --set lr=0.1,0.01" };
}

/** Parts between commas that are in no bracket and no quotes; a text says what is wrong. */
function splitValues(text: string): string[] | string {
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "," && depth === 0 && quote === "") {
      parts.push(part.trim());
      part = "";
      continue;
    }
    if (quote !== "") {
      if (char === "\\" && quote === '"') part += text[i++] ?? "";
      else if (char === quote) quote = "";
    } else if ((char === '"' || char === "'") && part.trim() === "") quote = char;
    else if ((char === '"' || char === "'") && depth > 0) quote = char;
    else if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth -= 1;
    part += text[i] ?? "";
  }
  if (quote !== "") return "has a quote that does not end";
  if (depth !== 0) return "has brackets that do not match";
  return [...parts, part.trim()];
}

/** A value as TOML has it: what reads as a number, a boolean, a list or a quoted text is one, anything else is a text. */
function tomlValue(text: string): string {
  if (/^(?:true|false)$/.test(text) || /^["'[{]/.test(text)) return text;
  const number = /^([+-]?)(\d*)(\.?)(\d*)((?:[eE][+-]?\d+)?)$/.exec(text);
  const [, sign = "", whole = "", point = "", rest = "", exponent = ""] = number ?? [];
  if (!number || whole + rest === "" || /^0\d/.test(whole)) return JSON.stringify(text);
  return `${sign}${whole || "0"}${point && `.${rest || "0"}`}${exponent}`;
}

function withoutParameter(root: SpecNode, name: string): SpecNode {
  let result = root;
  for (const path of PARAMETER_TABLES) result = changed(result, path, (table) => withoutName(table, name, ""));
  // Samples of nothing would be the same point again and again.
  const [before, random] = [childOf(root, "random"), childOf(result, "random")];
  if (before && random && childOf(before, "space") && !childOf(random, "space")) {
    result = without(result, (key) => key === "random");
  }
  result = eachOf(result, "variants", (variant) => withoutParameter(variant, name));
  return eachOf(result, "runs", (run) => changed(run, ["params"], (params) => withoutName(params, name, "")));
}

/** Each table of a list put through `change`; one that is left empty is still one. */
function eachOf(root: SpecNode, key: string, change: (table: SpecNode) => SpecNode): SpecNode {
  const list = childOf(root, key);
  if (!list || kindOf(list.raw) !== "list") return root;
  const items = itemsOf(list).map((item) => (kindOf(item.raw) === "table" ? change(item) : item));
  const at: Written = { ...list.at, items: items.map((item) => item.at) };
  return replaced(root, key, { raw: items.map((item) => item.raw), at });
}

/** The table at `path` put through `change`; a list of tables each by itself. One that is left empty goes. */
function changed(root: SpecNode, path: readonly string[], change: (table: SpecNode) => SpecNode): SpecNode {
  const [key, ...rest] = path;
  const child = key === undefined ? undefined : childOf(root, key);
  if (key === undefined || !child) return root;
  if (kindOf(child.raw) === "list") {
    const items = itemsOf(child).map((item) => (kindOf(item.raw) === "table" ? change(item) : item));
    const kept = items.filter((item) => kindOf(item.raw) !== "table" || item.at.children.size > 0);
    if (kept.length === 0) return without(root, (name) => name === key);
    return replaced(root, key, {
      raw: kept.map((item) => item.raw),
      at: { ...child.at, items: kept.map(({ at }) => at) },
    });
  }
  if (kindOf(child.raw) !== "table") return root;
  const table = rest.length > 0 ? changed(child, rest, change) : change(child);
  const isEmptied = table.at.children.size === 0 && child.at.children.size > 0;
  return isEmptied ? without(root, (name) => name === key) : replaced(root, key, table);
}

/** Without the parameter, and without those that are within it. */
function withoutName(table: SpecNode, name: string, prefix: string): SpecNode {
  let result = table;
  for (const [key, child] of entriesOf(table)) {
    const own = `${prefix}${key}`;
    if (isOverridden([name], own)) result = without(result, (each) => each === key);
    else if (name.startsWith(`${own}.`) && kindOf(child.raw) === "table" && !isSeries(child)) {
      const inner = withoutName(child, name, `${own}.`);
      result = inner.at.children.size === 0 ? without(result, (each) => each === key) : replaced(result, key, inner);
    }
  }
  return result;
}

function without(node: SpecNode, isDropped: (key: string) => boolean): SpecNode {
  const kept = entriesOf(node).filter(([key]) => !isDropped(key));
  return tableOf(node, kept);
}

function replaced(node: SpecNode, key: string, value: SpecNode): SpecNode {
  return tableOf(
    node,
    entriesOf(node).map(([name, child]) => [name, name === key ? value : child]),
  );
}

function tableOf(node: SpecNode, entries: readonly (readonly [string, SpecNode])[]): SpecNode {
  const raw: { [key: string]: unknown } = Object.create(null);
  for (const [key, child] of entries) raw[key] = child.raw;
  return { raw, at: { ...node.at, children: new Map(entries.map(([key, child]) => [key, child.at])) } };
}
