/**
 * [P] What `exp ls --cols`, `--sort` and `--group` name: facts of a run, its parameters, its metrics. The names are those of
 * expressions: a bare name is a fact, else a parameter, else a metric; `params.X` and `metrics.X` say which.
 */

import { AppError } from "../../shared/kernel/errors.ts";
import { nearest } from "../../shared/kernel/nearest.ts";
import { RUN_STATES } from "../../shared/run/states.ts";
import type { JsonValue, RunView } from "../../shared/run/views.ts";
import { stateColour } from "./colour.ts";
import type { Column } from "./table.ts";
import { plural, shortNumber } from "./text.ts";
import { ageText, clockText, spanText } from "./time.ts";

export interface RunField {
  /** As it was asked for. */
  readonly key: string;
  readonly isMetric: boolean;
  readonly column: Column<RunView>;
  /** Undefined: this run has none. */
  readonly value: (run: RunView) => JsonValue | undefined;
}

export interface FieldOptions {
  readonly nowMs: number;
  /** Short name of a device, such as "gpu-01:2", by UUID. */
  readonly deviceNames: ReadonlyMap<string, string>;
}

interface Fact {
  readonly title: string;
  readonly cell?: (run: RunView, options: FieldOptions) => string;
  readonly value: (run: RunView, options: FieldOptions) => JsonValue | undefined;
}

const seconds = (from: string | null, to: number): number | undefined =>
  from === null ? undefined : Math.max(0, to - Date.parse(from)) / 1000;

const FACTS: ReadonlyMap<string, Fact> = new Map<string, Fact>([
  ["ref", { title: "NAME", value: (run) => run.ref }],
  ["sweep", { title: "SWEEP", value: (run) => run.sweep }],
  ["index", { title: "INDEX", value: (run) => run.index }],
  ["id", { title: "ID", value: (run) => run.id }],
  ["state", { title: "STATE", value: (run) => run.state }],
  ["reason", { title: "WHY", value: (run) => whyText(run) || undefined }],
  ["node", { title: "NODE", value: (run) => run.node ?? undefined }],
  ["where", { title: "WHERE", value: (run, { deviceNames }) => whereText(run, deviceNames) || undefined }],
  ["gpus", { title: "GPUS", value: (run) => run.devices.length }],
  ["attempt", { title: "ATTEMPT", value: (run) => run.attempt }],
  ["priority", { title: "PRIORITY", value: (run) => run.priority }],
  ["exit_code", { title: "EXIT", value: (run) => run.exitCode ?? undefined }],
  ["created", { title: "CREATED", value: (run) => run.createdAt, cell: (run) => clockText(run.createdAt) }],
  [
    "started",
    { title: "STARTED", value: (run) => run.startedAt ?? undefined, cell: (run) => clockText(run.startedAt) },
  ],
  [
    "finished",
    { title: "FINISHED", value: (run) => run.finishedAt ?? undefined, cell: (run) => clockText(run.finishedAt) },
  ],
  [
    "seconds",
    {
      title: "TOOK",
      value: ({ startedAt, finishedAt }, { nowMs }) =>
        seconds(startedAt, finishedAt === null ? nowMs : Date.parse(finishedAt)),
      cell: (run, { nowMs }) => spanText(run.startedAt, run.finishedAt, nowMs),
    },
  ],
  [
    "age",
    {
      title: "AGE",
      value: (run, { nowMs }) => seconds(run.createdAt, nowMs),
      cell: (run, { nowMs }) => ageText(run.createdAt, nowMs),
    },
  ],
]);

/** Further names, for those who read the titles of a table. A parameter or metric of such a name goes before. */
const SAME: ReadonlyMap<string, string> = new Map([
  ["name", "ref"],
  ["why", "reason"],
  ["took", "seconds"],
  ["exit", "exit_code"],
]);

/** The names that every run has. */
export const FACT_NAMES: readonly string[] = [...FACTS.keys()];

/** Throws AppError (invalid) for a bare name that none of the runs has; where there are no runs any name will do. */
export function fieldOf(key: string, runs: readonly RunView[], options: FieldOptions): RunField {
  const fact = FACTS.get(key);
  if (fact) return factField(key, fact, options);
  if (key.startsWith("params.")) return paramField(key, key.slice("params.".length));
  if (key.startsWith("metrics.")) return metricField(key, key.slice("metrics.".length));
  if (runs.some(({ params }) => Object.hasOwn(params, key))) return paramField(key, key);
  if (runs.some(({ metrics }) => Object.hasOwn(metrics, key))) return metricField(key, key);
  const lower = key.toLowerCase();
  const titled = FACTS.get(SAME.get(lower) ?? lower);
  if (titled) return factField(key, titled, options);
  if (runs.length === 0) return metricField(key, key);
  throw unknownName(key, runs);
}

export interface SortKey {
  readonly key: string;
  readonly descending: boolean;
}

/** "lr:desc,acc" as keys. Throws AppError (invalid) where a name is missing. */
export function sortKeysOf(texts: readonly string[]): SortKey[] {
  return namesOf("sort", texts).map((text) => {
    const [, key = text, order] = /^(.+):(asc|desc)$/.exec(text) ?? [];
    return { key, descending: order === "desc" };
  });
}

/** The names of an option, given with commas or several times. Throws AppError (invalid) for an empty one. */
export function namesOf(option: string, texts: readonly string[]): string[] {
  return texts.flatMap((text) =>
    text.split(",").map((word) => {
      const name = word.trim();
      if (name === "") throw wrongName(`--${option} ${JSON.stringify(text)} has a name missing`);
      return name;
    }),
  );
}

/** By the first key, then the next. What has no value comes last either way, and equal ones keep their order. */
export function sortedBy<Row>(
  rows: readonly Row[],
  keys: readonly { readonly value: (row: Row) => JsonValue | undefined; readonly descending: boolean }[],
): Row[] {
  if (keys.length === 0) return [...rows];
  const ranked = rows.map((row) => ({ row, ranks: keys.map(({ value }) => rankOf(value(row))) }));
  ranked.sort((a, b) => {
    for (const [n, { descending }] of keys.entries()) {
      const by = compare(a.ranks[n], b.ranks[n], descending);
      if (by !== 0) return by;
    }
    return 0;
  });
  return ranked.map(({ row }) => row);
}

/** "gpu-01:2", "gpu-01:2+3" for four devices, or the node alone. */
export function whereText(run: RunView, deviceNames: ReadonlyMap<string, string>): string {
  if (run.node === null) return "";
  const [device, ...others] = run.devices;
  if (device === undefined) return run.node;
  const name = deviceNames.get(device) ?? run.node;
  return others.length === 0 ? name : `${name}+${others.length}`;
}

/** Why it is in its state, and that its results are gone. */
export function whyText({ reason, prunedAt }: RunView): string {
  if (prunedAt === null) return reason;
  return `${reason}${reason === "" ? "" : "; "}results pruned`;
}

export function paramText(value: JsonValue | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The value of a parameter or metric by name; own keys only, as names come from users. */
function own<T>(table: { readonly [key: string]: T }, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function factField(key: string, fact: Fact, options: FieldOptions): RunField {
  const value = (run: RunView) => fact.value(run, options);
  const cell = (run: RunView) => fact.cell?.(run, options) ?? paramText(value(run));
  const colour = fact.title === "STATE" ? { colour: (run: RunView) => stateColour(run.state) } : {};
  return { key, isMetric: false, column: { title: fact.title, cell, ...colour }, value };
}

function paramField(key: string, name: string): RunField {
  const value = ({ params }: RunView) => own(params, name);
  return { key, isMetric: false, column: { title: name, cell: (run) => paramText(value(run)) }, value };
}

function metricField(key: string, name: string): RunField {
  const value = ({ metrics }: RunView) => own(metrics, name);
  const cell = (run: RunView) => {
    const last = value(run);
    return last === undefined ? "" : shortNumber(last);
  };
  return { key, isMetric: true, column: { title: name, cell, align: "right" }, value };
}

function unknownName(key: string, runs: readonly RunView[]) {
  const known = new Set(FACT_NAMES);
  for (const { params, metrics } of runs)
    for (const name of [...Object.keys(params), ...Object.keys(metrics)]) known.add(name);
  const close = nearest(key, known, 3);
  const hint =
    close.length > 0 ? `did you mean ${close.join(", ")}?` : `there are ${[...known].slice(0, 30).join(", ")}`;
  return wrongName(`none of the ${plural(runs.length, "run")} has ${JSON.stringify(key)}`, hint);
}

export function wrongName(message: string, hint?: string): AppError {
  return new AppError("invalid", message, { id: "usage", ...(hint === undefined ? {} : { hint }) });
}

/** Numbers before texts; undefined and not-a-number are no value. */
type Rank = number | string | undefined;

const NUMBERS_AS_TEXT: ReadonlyMap<string, number | undefined> = new Map([
  ["NaN", undefined],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function rankOf(value: JsonValue | undefined): Rank {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return JSON.stringify(value);
  if (NUMBERS_AS_TEXT.has(value)) return NUMBERS_AS_TEXT.get(value);
  const state = (RUN_STATES as readonly string[]).indexOf(value);
  // Handles and names by their numbers: "digits.2" before "digits.10".
  return state >= 0 ? state : value.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

function compare(a: Rank, b: Rank, descending: boolean): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  const less = typeof a === typeof b ? a < b : typeof a === "number";
  return less === descending ? 1 : -1;
}
