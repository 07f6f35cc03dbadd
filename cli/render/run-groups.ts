/** [P] `exp ls --group`: one row for each value that runs share, with their states and the mean of their metrics. */
import type { JsonValue, RunView } from "../../shared/run/views.ts";
import { summarise } from "../../shared/stats/sample.ts";
import { paramText, type RunField, type SortKey, sortedBy, wrongName } from "./run-fields.ts";
import { countsText } from "./runs.ts";
import type { Column } from "./table.ts";
import { shortNumber } from "./text.ts";

export interface RunGroup {
  /** What its runs have in common, by name; null where they have none. */
  readonly group: { readonly [key: string]: JsonValue };
  readonly runs: number;
  /** By state. */
  readonly counts: { readonly [state: string]: number };
  /** Over the runs with a finite last value. */
  readonly metrics: { readonly [key: string]: GroupMetric };
  readonly refs: readonly string[];
}

export interface GroupMetric {
  readonly n: number;
  readonly mean: number | null;
  /** Standard deviation of the sample; null for fewer than two. */
  readonly sd: number | null;
}

/** In the order of what they share, unless `sort` says otherwise: by a name of the group, a metric (its mean) or "runs". */
export function groupsOf(
  runs: readonly RunView[],
  by: readonly RunField[],
  metrics: readonly RunField[],
  sort: readonly SortKey[],
): RunGroup[] {
  const members = new Map<string, RunView[]>();
  for (const run of runs) {
    const key = JSON.stringify(by.map(({ value }) => value(run) ?? null));
    const known = members.get(key);
    if (known) known.push(run);
    else members.set(key, [run]);
  }
  const groups = [...members.values()].map((each) => groupOf(each, by, metrics));
  const wanted = sort.length > 0 ? sort : by.map(({ key }) => ({ key, descending: false }));
  return sortedBy(
    groups,
    wanted.map(({ key, descending }) => ({ value: sortValue(key, by, metrics), descending })),
  );
}

export function groupColumns(by: readonly RunField[], metrics: readonly RunField[]): Column<RunGroup>[] {
  return [
    ...by.map(
      ({ key, column }): Column<RunGroup> => ({
        title: column.title,
        cell: ({ group }) => (group[key] === null ? "" : paramText(group[key])),
      }),
    ),
    { title: "RUNS", cell: ({ runs }) => String(runs), align: "right" },
    ...metrics.flatMap(({ key, column }): Column<RunGroup>[] => [
      { title: column.title, cell: ({ metrics: known }) => numberText(known[key]?.mean), align: "right" },
      {
        title: "SD",
        cell: ({ metrics: known }) => numberText(known[key]?.sd),
        align: "right",
        optional: true,
        rank: 1,
      },
    ]),
    { title: "STATES", cell: ({ counts }) => countsText(counts) },
  ];
}

function groupOf(runs: readonly RunView[], by: readonly RunField[], metrics: readonly RunField[]): RunGroup {
  const [first] = runs;
  const counts: { [state: string]: number } = {};
  for (const { state } of runs) counts[state] = (counts[state] ?? 0) + 1;
  return {
    group: Object.fromEntries(by.map(({ key, value }) => [key, (first && value(first)) ?? null])),
    runs: runs.length,
    counts,
    metrics: Object.fromEntries(metrics.map(({ key, value }) => [key, metricOf(runs.map(value))])),
    refs: runs.map(({ ref }) => ref),
  };
}

function metricOf(values: readonly (JsonValue | undefined)[]): GroupMetric {
  const numbers = values.filter((value): value is number => typeof value === "number");
  if (numbers.length === 0) return { n: 0, mean: null, sd: null };
  const { count, mean, deviation = null } = summarise(numbers);
  return { n: count, mean, sd: deviation };
}

function sortValue(key: string, by: readonly RunField[], metrics: readonly RunField[]) {
  if (key === "runs") return ({ runs }: RunGroup): JsonValue => runs;
  if (by.some((field) => field.key === key)) return ({ group }: RunGroup) => group[key] ?? undefined;
  if (metrics.some((field) => field.key === key)) return (row: RunGroup) => row.metrics[key]?.mean ?? undefined;
  const known = ["runs", ...by.map((field) => field.key), ...metrics.map((field) => field.key)];
  throw wrongName(
    `groups cannot be sorted by ${JSON.stringify(key)}`,
    `there are ${known.join(", ")}; --cols adds metrics`,
  );
}

function numberText(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : shortNumber(value);
}
