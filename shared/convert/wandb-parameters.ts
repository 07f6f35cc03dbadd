/** [P] The parameters of a W&B sweep: constants, lists and distributions, by W&B's rules for what is left unsaid. */
import { expOf } from "../sampling/precise-math.ts";
import type { FloatParam, ParamValue } from "../spec/types.ts";
import { addAxis, addDrawn, addFixed, float, neat } from "./space.ts";
import type { SweepDraft } from "./sweep-writer.ts";
import { fieldOf, mapOf, numberValue, plainNumber, shown, textOf } from "./yaml-fields.ts";
import { paramOf, type YamlMap } from "./yaml-reader.ts";

export type WandbMethod = "grid" | "random" | "bayes";

/** `prefix`: of nested parameters, with the dot. */
export function addWandbParameters(
  draft: SweepDraft,
  method: WandbMethod,
  parameters: YamlMap | undefined,
  prefix: string,
): void {
  for (const [key, node] of parameters?.entries ?? []) {
    const name = `${prefix}${key}`;
    const map = mapOf(node);
    const nested = mapOf(fieldOf(map, "parameters"));
    if (nested) addWandbParameters(draft, method, nested, `${name}.`);
    else if (!map || !addOne(draft, method, name, map)) draft.leave(`the parameter ${name}: ${shown(node)}`);
  }
}

/** False where the parameter has no counterpart. */
function addOne(draft: SweepDraft, method: WandbMethod, name: string, map: YamlMap): boolean {
  const value = fieldOf(map, "value");
  if (value) {
    const fixed = paramOf(value);
    if (fixed === undefined) return false;
    addFixed(draft, name, fixed);
    return true;
  }
  const values = fieldOf(map, "values");
  if (values) {
    if (values.kind !== "list") return false;
    const list = values.items.map(paramOf);
    const known = list.filter((item) => item !== undefined);
    if (known.length === 0) return false;
    if (known.length < list.length) draft.leave(`${name}: null among its values`);
    if (method === "grid") addAxis(draft, name, known);
    else addChoice(draft, name, known, known.length === list.length ? map : undefined);
    return true;
  }
  return method === "grid" ? addSteps(draft, name, map) : addDistribution(draft, name, map);
}

function addChoice(draft: SweepDraft, name: string, values: readonly ParamValue[], map: YamlMap | undefined): void {
  const node = fieldOf(map, "probabilities");
  const weights = node?.kind === "list" ? node.items.map(numberValue) : [];
  const isFull = weights.length === values.length && weights.every((weight) => weight !== undefined);
  addDrawn(draft, name, { choice: values, ...(isFull && { weights: weights as ParamValue[] }) });
}

/** What a grid can walk through: ints between bounds, and quantised ranges. */
function addSteps(draft: SweepDraft, name: string, map: YamlMap): boolean {
  const kind = kindOf(map);
  const low = numberValue(fieldOf(map, "min"));
  const high = numberValue(fieldOf(map, "max"));
  if (low === undefined || high === undefined) return false;
  if (kind === "int_uniform" && typeof low === "number" && typeof high === "number") {
    addAxis(draft, name, { range: [low, high + 1] });
    return true;
  }
  if (kind !== "q_uniform") return false;
  const step = stepOf(map);
  if (!(plain(step) > 0) || plain(high) < plain(low)) return false;
  const steps = Math.floor((plain(high) - plain(low)) / plain(step) + 1e-9);
  if (isAllInts([low, high, step])) addAxis(draft, name, { range: [low, plain(low) + steps * plain(step) + 1, step] });
  else addAxis(draft, name, { linspace: [low, float(neat(plain(low) + steps * plain(step))), steps + 1] });
  return true;
}

function addDistribution(draft: SweepDraft, name: string, map: YamlMap): boolean {
  const kind = kindOf(map);
  const low = numberValue(fieldOf(map, "min"));
  const high = numberValue(fieldOf(map, "max"));
  const step = kind.startsWith("q_") ? { step: stepOf(map) } : {};
  switch (kind.replace(/^q_/, "")) {
    case "int_uniform":
    case "uniform": {
      if (low === undefined || high === undefined) return false;
      const isInts = kind !== "uniform" && isAllInts([low, high, ...Object.values(step)]);
      addDrawn(draft, name, { [isInts ? "int" : "uniform"]: [low, high], ...step }, stepNote(step, low));
      return true;
    }
    case "log_uniform_values":
    case "inv_log_uniform_values": {
      if (low === undefined || high === undefined) return false;
      const isInts = kind.startsWith("q_") && isAllInts([low, high, ...Object.values(step)]);
      addDrawn(draft, name, { [isInts ? "logint" : "loguniform"]: [low, high], ...step }, stepNote(step, low));
      return true;
    }
    case "log_uniform":
    case "inv_log_uniform": {
      if (low === undefined || high === undefined) return false;
      const sign = kind.includes("inv") ? -1 : 1;
      const bounds = [sign * plain(low), sign * plain(high)].sort((a, b) => a - b).map((x) => float(neat(expOf(x))));
      addDrawn(
        draft,
        name,
        { loguniform: bounds, ...step },
        `e^${plain(low)} to e^${plain(high)}${sign < 0 ? ", inverse" : ""}`,
      );
      return true;
    }
    case "normal":
    case "log_normal": {
      const mean = numberValue(fieldOf(map, "mu")) ?? float(0);
      const deviation = numberValue(fieldOf(map, "sigma")) ?? float(1);
      addDrawn(draft, name, { [kind.endsWith("log_normal") ? "lognormal" : "normal"]: [mean, deviation], ...step });
      return true;
    }
    default:
      return false;
  }
}

/** The distribution that is named, or the one that W&B takes when none is. */
function kindOf(map: YamlMap): string {
  const named = textOf(fieldOf(map, "distribution"));
  if (named !== undefined) return named;
  const bounds = [numberValue(fieldOf(map, "min")), numberValue(fieldOf(map, "max"))];
  if (bounds.some((bound) => bound === undefined)) return "none";
  return isAllInts(bounds) ? "int_uniform" : "uniform";
}

function isAllInts(values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === "number");
}

/** W&B's own step is 1. */
function stepOf(map: YamlMap): number | FloatParam {
  return numberValue(fieldOf(map, "q")) ?? 1;
}

/** W&B goes to multiples of q; our steps begin at the lower bound. */
function stepNote(step: { readonly step?: number | FloatParam }, low: number | FloatParam): string {
  if (step.step === undefined) return "";
  const ratio = plain(low) / plain(step.step);
  return Math.abs(ratio - Math.round(ratio)) < 1e-9
    ? ""
    : "W&B rounds to multiples of q; here steps begin at the lower bound";
}

function plain(value: number | FloatParam): number {
  return plainNumber(value) ?? 0;
}
