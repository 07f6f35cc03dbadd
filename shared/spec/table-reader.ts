/** Reads a table of fixed keys: each value by its key, and whatever is not known refused with the nearest that is. */
import { suggest } from "../kernel/suggest.ts";
import type { Key, Keys } from "./key.ts";
import { entriesOf, kindOf, type SpecNode } from "./node.ts";
import { didYouMean } from "./problems.ts";
import { addFinding, excerpt, hasKind, isReservedKey, keySpan, type Report } from "./report.ts";
import { SECTION_KEYS, SWEEP_KEYS, TABLE_NAMES } from "./sweep-keys.ts";

/** More names than this are not listed beside one that was probably meant. */
const KNOWN_SHOWN_MAX = 8;

/** What a table holds: a value for each key that it has and that was not refused. */
export type TableOf<K extends Keys> = { [name in keyof K]?: K[name] extends Key<infer T> ? T : never };

/** `label` is the dotted path in front of the keys: "limits", "variants[0].limits". */
export function readTable<K extends Keys>(
  report: Report,
  node: SpecNode | undefined,
  label: string,
  keys: K,
): TableOf<K> {
  if (!node || !hasKind(report, node, label, "table")) return {};
  checkKeys(report, node, label, Object.keys(keys));
  return readKeys(report, node, `${label}.`, keys);
}

/** The keys at the top of a sweep file. */
export function readTop(report: Report, root: SpecNode): TableOf<typeof SWEEP_KEYS> {
  checkTopLevel(report, root);
  return readKeys(report, root, "", SWEEP_KEYS);
}

function readKeys<K extends Keys>(report: Report, node: SpecNode, prefix: string, keys: K): TableOf<K> {
  const values: { [name: string]: unknown } = {};
  for (const [name, child] of entriesOf(node)) {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    const value = key?.read(report, child, `${prefix}${name}`);
    if (value !== undefined) values[name] = value;
  }
  return values as TableOf<K>;
}

/** Refuses the keys of a table that are not among `known`. */
export function checkKeys(report: Report, node: SpecNode, label: string, known: readonly string[]): void {
  if (kindOf(node.raw) !== "table") return;
  for (const [name, child] of entriesOf(node)) {
    if (!known.includes(name)) unknownKey(report, child, name, `[${label}]`, known);
  }
}

/** What is wrong with the names at the top of a sweep file. */
function checkTopLevel(report: Report, root: SpecNode): void {
  const keys = Object.keys(SWEEP_KEYS);
  for (const [name, node] of entriesOf(root)) {
    if (keys.includes(name) || TABLE_NAMES.includes(name)) continue;
    if (!isReservedKey(name) && isTable(node)) {
      const meant = suggest(name, TABLE_NAMES);
      const message = `${excerpt(name)} is not a table of a sweep file`;
      const hint = meant === undefined ? `tables: ${TABLE_NAMES.join(", ")}` : `did you mean [${meant}]?`;
      addFinding(report, { id: "spec.unknown-table", message, span: keySpan(node), hint });
    } else {
      unknownKey(report, node, name, "a sweep file", keys);
    }
  }
}

function unknownKey(report: Report, node: SpecNode, name: string, table: string, known: readonly string[]): void {
  if (isReservedKey(name)) {
    addFinding(report, { id: "spec.reserved", message: `"${name}" cannot be a key`, span: keySpan(node) });
    return;
  }
  const meant = suggest(name, known);
  const elsewhere = tablesWith(name).map((other) => `[${other}]`);
  const rest = `keys: ${known.join(", ")}`;
  const hint =
    meant === undefined && elsewhere.length > 0
      ? `it belongs into ${elsewhere.join(" or ")}`
      : known.length > KNOWN_SHOWN_MAX && meant !== undefined
        ? `did you mean "${meant}"?`
        : didYouMean(meant && `"${meant}"`, rest);
  const message = `${excerpt(name)} is not a key of ${table}`;
  addFinding(report, { id: "spec.unknown-key", message, span: keySpan(node), hint });
}

/** A table, or `[[…]]`. */
function isTable(node: SpecNode): boolean {
  const kind = kindOf(node.raw);
  if (kind !== "list") return kind === "table";
  return Array.isArray(node.raw) && node.raw.length > 0 && node.raw.every((item) => kindOf(item) === "table");
}

/** Tables that have a key of this name. */
function tablesWith(name: string): string[] {
  return Object.entries(SECTION_KEYS).flatMap(([table, keys]) => (Object.hasOwn(keys, name) ? [table] : []));
}
