/** The names that an expression about a run knows: facts of the run, its parameters, its metrics. */
import type { RunRecord } from "../run/records.ts";
import { paramsFromJson } from "../spec/params-json.ts";
import { FloatParam, type Params } from "../spec/types.ts";
import type { Value } from "./value.ts";
import type { Scope } from "./walk.ts";

type Fact = (run: RunRecord, nowMs: number) => Value | undefined;

/** What is known of every run by the same name. Undefined where a run does not have it (yet). */
const FACTS: ReadonlyMap<string, Fact> = new Map<string, Fact>([
  ["ref", (run) => run.ref],
  ["sweep", (run) => run.sweep],
  ["sweep.name", (run) => run.sweep.replace(/\.\d+$/, "")],
  ["index", (run) => run.index],
  ["state", (run) => run.state],
  ["reason", (run) => run.reason],
  ["node", (run) => run.node],
  ["attempt", (run) => run.attempt],
  ["priority", (run) => run.priority],
  ["gpus", (run) => run.devices.length],
  ["exit_code", (run) => run.exitCode],
  ["reused", (run) => run.reusedFrom !== ""],
  ["seconds", secondsRunning],
  ["age", (run, nowMs) => seconds(nowMs - run.createdAt)],
]);

/**
 * A bare name is a fact, else a parameter, else a metric; `run.X`, `params.X` and `metrics.X` say which. `params` and
 * `metrics` alone are tables. `known`: its parameters, where they are read already.
 */
export function scopeOfRun(run: RunRecord, nowMs: number, known?: Params): Scope {
  let read = known;
  const params = () => {
    read ??= paramsOf(run);
    return read;
  };
  return (name) => {
    const bare = FACTS.get(name)?.(run, nowMs) ?? params().get(name) ?? metricOf(run, name);
    return bare ?? qualified(run, nowMs, params, name);
  };
}

/** Every name that the scope of any run has: as an expression joins it, with how it is best written. */
export function namesOfAnyRun(): [name: string, written: string][] {
  return [...FACTS.keys()].flatMap((name) => [[name, name] as [string, string], [`run.${name}`, name]]);
}

/** The further names of this run: of its parameters and metrics. */
export function namesOfRun(run: RunRecord, known?: Params): [name: string, written: string][] {
  const params = known ?? paramsOf(run);
  return [...bothNames("params", params.keys()), ...bothNames("metrics", Object.keys(run.metrics))];
}

/** `lr` and `params.lr`, both best written `lr`; what is no such name goes in brackets: `metrics["val/acc"]`. */
function bothNames(table: string, names: Iterable<string>): [string, string][] {
  return [...names].flatMap((name) => {
    const written = IDENTIFIERS.test(name) ? name : `${table}[${JSON.stringify(name)}]`;
    return [[name, written] as [string, string], [`${table}.${name}`, written]];
  });
}

const IDENTIFIERS = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$/u;

function qualified(run: RunRecord, nowMs: number, params: () => Params, name: string): Value | undefined {
  if (name === "params") return Object.fromEntries(params());
  if (name === "metrics") {
    return Object.fromEntries(Object.entries(run.metrics).map(([key, value]) => [key, new FloatParam(value)]));
  }
  const dot = name.indexOf(".");
  const rest = name.slice(dot + 1);
  switch (name.slice(0, Math.max(0, dot))) {
    case "run":
      return FACTS.get(rest)?.(run, nowMs);
    case "params":
      return params().get(rest);
    case "metrics":
      return metricOf(run, rest);
    default:
      return undefined;
  }
}

function metricOf(run: RunRecord, name: string): FloatParam | undefined {
  const value = Object.hasOwn(run.metrics, name) ? run.metrics[name] : undefined;
  return value === undefined ? undefined : new FloatParam(value);
}

function paramsOf(run: RunRecord): Params {
  return paramsFromJson(run.paramsJson || "{}");
}

/** Of the current or last attempt; undefined before it started. */
function secondsRunning(run: RunRecord, nowMs: number): FloatParam | undefined {
  return run.startedAt === undefined ? undefined : seconds((run.finishedAt ?? nowMs) - run.startedAt);
}

function seconds(ms: number): FloatParam {
  return new FloatParam(Math.max(0, ms) / 1000);
}
