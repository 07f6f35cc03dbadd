/** [P] Fields of a YAML map as the readers of other programs' files want them: of one kind, or not at all. */
import { FloatParam } from "../spec/types.ts";
import type { YamlMap, YamlNode } from "./yaml-reader.ts";

export function fieldOf(map: YamlMap | undefined, key: string): YamlNode | undefined {
  return map?.entries.get(key);
}

export function mapOf(node: YamlNode | undefined): YamlMap | undefined {
  return node?.kind === "map" ? node : undefined;
}

export function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === "scalar" && typeof node.value === "string" && node.value !== "" ? node.value : undefined;
}

/** An int or a float. */
export function numberValue(node: YamlNode | undefined): number | FloatParam | undefined {
  if (node?.kind !== "scalar") return undefined;
  const { value } = node;
  return typeof value === "number" || value instanceof FloatParam ? value : undefined;
}

/** The number that a value is. */
export function plainNumber(value: number | FloatParam | undefined): number | undefined {
  return value instanceof FloatParam ? value.float : value;
}

export function integerOf(node: YamlNode | undefined): number | undefined {
  const value = numberValue(node);
  return typeof value === "number" ? value : undefined;
}

/** A node as one line, for comments. */
export function shown(node: YamlNode): string {
  if (node.kind === "list") return `[${node.items.map(shown).join(", ")}]`;
  if (node.kind === "map")
    return `{${Array.from(node.entries, ([key, value]) => `${key}: ${shown(value)}`).join(", ")}}`;
  const { value } = node;
  return value instanceof FloatParam ? String(value.float) : String(value);
}
