/** [P] What is different between two runs, in lines. */
import { shortNumber } from "./text.ts";

/** Names with the value of each side; null where a side has none. */
export interface Difference {
  readonly name: string;
  readonly left: string | number | null;
  readonly right: string | number | null;
}

export interface FileDifference {
  readonly path: string;
  readonly change: "changed" | "added" | "removed";
  /** Lines as `diff -u` writes them; null for what is no text, or too long. */
  readonly diff: readonly string[] | null;
}

export interface Comparison {
  readonly left: string;
  readonly right: string;
  readonly params: readonly Difference[];
  readonly command: Difference | null;
  readonly resources: readonly Difference[];
  /** Commit, branch and what is not committed; where both have a copy of their code, its files. */
  readonly code: { readonly origin: readonly Difference[]; readonly files: readonly FileDifference[] };
  readonly packages: readonly Difference[];
  readonly host: readonly Difference[];
  /** The last values of each metric, also of those that are equal. */
  readonly metrics: readonly Difference[];
  /** What could not be compared, and why. */
  readonly unknown: readonly string[];
}

export function comparisonLines(comparison: Comparison): string[] {
  const { left, right, command, code, unknown } = comparison;
  const lines = [`${left} -> ${right}`];
  const section = (name: string, entries: readonly string[]) => {
    if (entries.length > 0) lines.push(name, ...entries.map((entry) => `  ${entry}`));
  };
  section("params", comparison.params.map(differenceText));
  if (command) section("command", [`- ${command.left ?? ""}`, `+ ${command.right ?? ""}`]);
  section("resources", comparison.resources.map(differenceText));
  section("code", [...code.origin.map(differenceText), ...code.files.map(({ path, change }) => `${change} ${path}`)]);
  section("packages", comparison.packages.map(differenceText));
  section("host", comparison.host.map(differenceText));
  section("metrics", comparison.metrics.map(metricText));
  section("not compared", unknown);
  const texts = code.files.flatMap(({ diff }) => diff ?? []);
  if (texts.length > 0) lines.push("", ...texts);
  if (lines.length === 1) lines.push("no difference");
  return lines;
}

/** By name, sorted; equal ones are left out unless `all`. */
export function differences(
  left: ReadonlyMap<string, string | number>,
  right: ReadonlyMap<string, string | number>,
  all = false,
): Difference[] {
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((name) => {
    const difference = { name, left: left.get(name) ?? null, right: right.get(name) ?? null };
    return all || difference.left !== difference.right ? [difference] : [];
  });
}

function differenceText({ name, left, right }: Difference): string {
  return `${name}: ${valueText(left)} -> ${valueText(right)}`;
}

function metricText(metric: Difference): string {
  const { name, left, right } = metric;
  if (left === right) return `${name}: ${valueText(left)}`;
  if (typeof left !== "number" || typeof right !== "number") return differenceText(metric);
  const change = right - left;
  return `${differenceText(metric)} (${change > 0 ? "+" : ""}${shortNumber(change)})`;
}

function valueText(value: string | number | null): string {
  if (value === null) return "none";
  return typeof value === "number" ? shortNumber(value) : value;
}
