/** [P] Hyperparameters of a Determined experiment: constants, lists, and ranges, with `count` points on a grid. */
import { decimalOf, ratioToNumber, tenTo } from "../sampling/decimal.ts";
import { expOf, logOf } from "../sampling/precise-math.ts";
import type { FloatParam, ParamValue } from "../spec/types.ts";
import { addAxis, addDrawn, addFixed, float, neat } from "./space.ts";
import type { SweepDraft } from "./sweep-writer.ts";
import { fieldOf, integerOf, mapOf, numberValue, plainNumber, shown, textOf } from "./yaml-fields.ts";
import { paramOf, type YamlMap, type YamlNode } from "./yaml-reader.ts";

/** `prefix`: of nested hyperparameters, with the dot. */
export function addHyperparameters(draft: SweepDraft, isGrid: boolean, map: YamlMap | undefined, prefix: string): void {
  for (const [key, node] of map?.entries ?? []) {
    const name = `${prefix}${key}`;
    const inner = mapOf(node);
    const type = textOf(fieldOf(inner, "type"));
    if (inner && type === undefined) addHyperparameters(draft, isGrid, inner, `${name}.`);
    else if (!addOne(draft, isGrid, name, node, type)) draft.leave(`the hyperparameter ${name}: ${shown(node)}`);
  }
}

/** False where it has no counterpart. */
function addOne(draft: SweepDraft, isGrid: boolean, name: string, node: YamlNode, type: string | undefined): boolean {
  const map = mapOf(node);
  if (!map || type === "const") {
    const value = paramOf(fieldOf(map, "val") ?? node);
    if (value === undefined) return false;
    addFixed(draft, name, value);
    return true;
  }
  if (type === "categorical") {
    const vals = fieldOf(map, "vals");
    const values = vals?.kind === "list" ? vals.items.map(paramOf).filter((value) => value !== undefined) : [];
    if (values.length === 0) return false;
    if (vals?.kind === "list" && values.length < vals.items.length) draft.leave(`${name}: null among its values`);
    if (isGrid) addAxis(draft, name, values);
    else addDrawn(draft, name, { choice: values });
    return true;
  }
  const low = numberValue(fieldOf(map, "minval"));
  const high = numberValue(fieldOf(map, "maxval"));
  const count = integerOf(fieldOf(map, "count"));
  if (low === undefined || high === undefined || (isGrid && (count === undefined || count < 1))) return false;
  const range: Range = { low, high, count: count ?? 1, base: plainNumber(numberValue(fieldOf(map, "base"))) ?? 10 };
  if (type === "int" && typeof low === "number" && typeof high === "number") {
    if (isGrid) addAxis(draft, name, intSteps(low, high, range.count));
    else addDrawn(draft, name, { int: [low, high] });
    return true;
  }
  if (type === "double") {
    if (isGrid) addSpace(draft, name, "linspace", [low, high], range.count);
    else addDrawn(draft, name, { uniform: [low, high] });
    return true;
  }
  if (type !== "log" || !(range.base > 0)) return false;
  const bounds = [low, high].map((exponent) => float(power(range.base, exponent)));
  const comment = `${range.base}^${plainNumber(low)} to ${range.base}^${plainNumber(high)}`;
  if (isGrid) addSpace(draft, name, "logspace", bounds, range.count, comment);
  else addDrawn(draft, name, { loguniform: bounds }, comment);
  return true;
}

interface Range {
  readonly low: number | FloatParam;
  readonly high: number | FloatParam;
  readonly count: number;
  readonly base: number;
}

/** Determined takes the middle where there is but one point. */
function addSpace(
  draft: SweepDraft,
  name: string,
  kind: "linspace" | "logspace",
  bounds: readonly (number | FloatParam)[],
  count: number,
  comment = "",
): void {
  if (count > 1) {
    addAxis(draft, name, { [kind]: [...bounds, count] }, comment);
    return;
  }
  const [low = 0, high = 0] = bounds.map((bound) => plainNumber(bound) ?? 0);
  const middle = kind === "linspace" ? (low + high) / 2 : expOf((logOf(low) + logOf(high)) / 2);
  addAxis(draft, name, [float(neat(middle))], comment);
}

/** Ints as evenly as they can be, both ends among them; at most as many as there are. */
function intSteps(low: number, high: number, wanted: number): ParamValue[] {
  const count = Math.min(wanted, high - low + 1);
  if (count <= 1) return [Math.round((low + high) / 2)];
  return Array.from({ length: count }, (_, i) => low + Math.round((i * (high - low)) / (count - 1)));
}

function power(base: number, exponent: number | FloatParam): number {
  const value = plainNumber(exponent) ?? 0;
  if (!Number.isInteger(value) || Math.abs(value) > 300) return neat(expOf(value * logOf(base)));
  const { units, scale } = decimalOf(base);
  const top = units ** BigInt(Math.abs(value));
  const bottom = tenTo(scale * Math.abs(value));
  return value >= 0 ? ratioToNumber(top, bottom) : ratioToNumber(bottom, top);
}
