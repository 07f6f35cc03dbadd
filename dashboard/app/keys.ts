/** [P] Keys of columns ("state", "param:lr", "metric:val/acc") in addresses and expressions, and what people read of them. */
import { FACT_COLUMNS } from "../../shared/run/dashboard.ts";
import type { Brush } from "./stats/axis-scale.ts";

/** As `columns` and `group` of the API take them: a comma within a name is escaped. */
export function joinKeys(keys: readonly string[]): string {
  return keys.map((key) => key.replaceAll(/[\\,]/g, "\\$&")).join(",");
}

export function splitKeys(text: string): string[] {
  const keys = text.match(/(?:\\.|[^,\\])+/gs) ?? [];
  return keys.map((key) => key.replaceAll(/\\(.)/gs, "$1"));
}

/** Names of parameters and metrics are the user's own; those of facts are the words of the expression language. */
export function titleOf(key: string): string {
  return key.replace(/^(?:param|metric):/, "");
}

export function isParam(key: string): boolean {
  return key.startsWith("param:");
}

export function isMetric(key: string): boolean {
  return key.startsWith("metric:");
}

const NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const RESERVED = new Set([
  ...Object.keys(FACT_COLUMNS),
  ...["params", "metrics", "run", "seconds", "age", "and", "or", "not", "in", "is", "if", "else"],
  ...["True", "False", "None", "true", "false", "none"],
]);

/** The expression for runs within all the marked parts. */
export function conditionOf(brushes: ReadonlyMap<string, Brush>): string {
  return [...brushes]
    .map(([key, brush]) => {
      const name = expressionName(key);
      // The language counts time in seconds.
      const scale = key === "duration" ? 1_000 : 1;
      if (!("values" in brush)) return `${brush.low / scale} <= ${name} <= ${brush.high / scale}`;
      return `${name} in [${brush.values.map(literal).join(", ")}]`;
    })
    .join(" and ");
}

/** How the expression language calls a column. */
export function expressionName(key: string): string {
  const title = titleOf(key);
  if (key === "duration") return "seconds";
  if (isMetric(key)) return `metrics[${JSON.stringify(title)}]`;
  if (!isParam(key) || (NAME.test(title) && !RESERVED.has(title.split(".")[0] ?? ""))) return title;
  return `params[${JSON.stringify(title)}]`;
}

function literal(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
