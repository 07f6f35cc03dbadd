/** [P] Runs as a table: only what differs between them, and what waits or failed last, so that it may be long. */
import type { JsonValue, RunView } from "../../shared/run/views.ts";
import { stateColour } from "./colour.ts";
import { type FieldOptions, fieldOf, paramText, type RunField, whereText, whyText } from "./run-fields.ts";
import type { Column } from "./table.ts";
import { plural, shortNumber } from "./text.ts";
import { ageText, spanText } from "./time.ts";

const PARAM_COLUMNS_MAX = 6;

export interface RunTableOptions extends FieldOptions {
  /** Metrics to show, in this order. */
  readonly metrics: readonly string[];
}

export function runColumns(runs: readonly RunView[], options: RunTableOptions): Column<RunView>[] {
  return [
    { title: "NAME", cell: (run) => run.ref },
    { title: "STATE", cell: (run) => run.state, colour: (run) => stateColour(run.state) },
    ...varyingParams(runs).map(
      (key): Column<RunView> => ({ title: key, cell: (run) => paramText(run.params[key]), rank: 1 }),
    ),
    ...options.metrics.map(
      (key): Column<RunView> => ({ title: key, align: "right", cell: (run) => metricText(run, key) }),
    ),
    { title: "WHERE", cell: (run) => whereText(run, options.deviceNames), optional: true, rank: 2 },
    { title: "ATTEMPT", cell: (run) => String(run.attempt), align: "right", wide: true },
    { title: "EXIT", cell: (run) => (run.exitCode === null ? "" : String(run.exitCode)), align: "right", wide: true },
    { title: "ID", cell: (run) => run.id, wide: true },
    { title: "TOOK", cell: (run) => spanText(run.startedAt, run.finishedAt, options.nowMs), optional: true, rank: 2 },
    { title: "AGE", cell: (run) => ageText(run.createdAt, options.nowMs), rank: 3 },
    { title: "WHY", cell: whyText, optional: true },
  ];
}

/** What `--cols` asks for: names alone are all that is shown; with "+" in front they are added, with "-" left out. */
export interface ColumnChoice {
  readonly fields: readonly RunField[];
  readonly columns: readonly Column<RunView>[];
  /** True where `fields` is all that is shown. */
  readonly isWhole: boolean;
}

/** Of the runs that are `shown`. Throws AppError (invalid) for a name that none of `all` has. */
export function chosenColumns(
  names: readonly string[],
  shown: readonly RunView[],
  all: readonly RunView[],
  options: RunTableOptions,
): ColumnChoice {
  const usual = runColumns(shown, options);
  const field = (name: string) => fieldOf(name, all, options);
  if (!names.some((name) => /^[+-]/.test(name))) {
    const fields = names.map(field);
    return {
      fields,
      columns: names.length === 0 ? usual : fields.map(({ column }) => column),
      isWhole: names.length > 0,
    };
  }
  const removed = names.filter((name) => name.startsWith("-")).map((name) => field(name.slice(1)).column.title);
  const fields = names.filter((name) => !name.startsWith("-")).map((name) => field(name.replace(/^\+/, "")));
  const added = fields.map(({ column }) => column);
  const stay = usual.filter(({ title }) => !removed.includes(title) && !added.some((column) => column.title === title));
  const last = stay.findIndex(({ title }) => title === "WHERE" || title === "WHY");
  const at = last < 0 ? stay.length : last;
  return { fields, columns: [...stay.slice(0, at), ...added, ...stay.slice(at)], isWhole: false };
}

/** "13 runs: 1 running, 11 queued, 1 failed" */
export function runsFooter(runs: readonly RunView[]): string {
  const counts: { [state: string]: number } = {};
  for (const { state } of runs) counts[state] = (counts[state] ?? 0) + 1;
  return `${plural(runs.length, "run")}: ${countsText(counts)}`;
}

const ORDER = ["running", "assigned", "unknown", "queued", "held", "succeeded", "failed", "cancelled", "skipped"];

/** "1 running, 11 queued"; states that are not there are not named. */
export function countsText(counts: { readonly [state: string]: number }): string {
  const rank = (state: string) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}

/** Keys whose value differs between the runs, in the order of the parameters; the first few of many. */
export function varyingParams(runs: readonly RunView[]): string[] {
  return varyingKeys(runs.map(({ params }) => params));
}

/** As `varyingParams`, of parameters alone. */
export function varyingKeys(all: readonly { readonly [key: string]: JsonValue }[]): string[] {
  const first = new Map<string, string>();
  const varying = new Set<string>();
  for (const [n, params] of all.entries()) {
    for (const [key, value] of Object.entries(params)) {
      const text = paramText(value);
      const seen = first.get(key);
      if (seen === undefined) {
        first.set(key, text);
        if (n > 0) varying.add(key);
      } else if (seen !== text) varying.add(key);
    }
  }
  for (const key of first.keys()) if (all.some((params) => params[key] === undefined)) varying.add(key);
  return [...first.keys()].filter((key) => varying.has(key)).slice(0, PARAM_COLUMNS_MAX);
}

function metricText(run: RunView, key: string): string {
  const value = run.metrics[key];
  return value === undefined ? "" : shortNumber(value);
}
