/** [P] A leaderboard as a table. Columns about several runs of one point are there where a point has several. */
import type { JsonValue, RunView } from "../../shared/run/views.ts";
import { paramText } from "./run-fields.ts";
import { varyingKeys } from "./runs.ts";
import type { Column } from "./table.ts";
import { escapeControl, shortNumber } from "./text.ts";

/** A row: the best run of the group, and what is known of the group. */
export interface BestView extends RunView {
  readonly rank: number;
  /** The mean over the runs that count. */
  readonly value: number;
  readonly metric: string;
  readonly goal: string;
  readonly reduce: string;
  /** How many runs count. */
  readonly n: number;
  /** Of the sample; null for one run. */
  readonly deviation: number | null;
  /** 95 % confidence interval of the mean, by Student's t; null for one run. */
  readonly ci95: readonly [low: number, high: number] | null;
  /** What its runs have in common. */
  readonly groupParams: { readonly [key: string]: JsonValue };
  /** The runs that count, the best first. */
  readonly refs: readonly string[];
  readonly withoutValue: number;
  readonly notSucceeded: number;
  readonly live: number;
}

export function bestColumns(rows: readonly BestView[], metric: string): Column<BestView>[] {
  const isGrouped = rows.some(({ n }) => n > 1);
  const group: Column<BestView>[] = [
    { title: "N", cell: ({ n }) => String(n), align: "right" },
    { title: "SD", cell: ({ deviation }) => numberText(deviation), align: "right", rank: 2 },
    {
      title: "95% CI",
      cell: ({ ci95 }) => (ci95 ? `${shortNumber(ci95[0])} to ${shortNumber(ci95[1])}` : ""),
      rank: 3,
    },
  ];
  const others: Column<BestView>[] = rows.some((row) => missingText(row) !== "")
    ? [{ title: "WITHOUT", cell: missingText }]
    : [];
  const keys = varyingKeys(rows.map(({ groupParams }) => groupParams));
  return [
    { title: "RANK", cell: ({ rank }) => String(rank), align: "right" },
    { title: "NAME", cell: ({ ref }) => ref },
    {
      title: metric,
      cell: ({ value }) => shortNumber(value),
      align: "right",
      colour: ({ rank }) => (rank === 1 ? "good" : undefined),
    },
    ...(isGrouped ? group : []),
    ...keys.map(
      (key): Column<BestView> => ({ title: key, cell: ({ groupParams }) => paramText(groupParams[key]), rank: 1 }),
    ),
    ...(isGrouped ? others : []),
  ];
}

/** "maximize acc (best value of each run; mean over seeds); 2 share rank 1; 5 more with -n" */
export function bestFooter(
  { metric, goal, reduce, more }: { metric: string; goal: string; reduce: string; more: number },
  rows: readonly BestView[],
): string {
  const words = [`${goal} ${escapeControl(metric)} (${reduce} value of each run${means(rows)})`];
  const ties = rows.filter(({ rank }) => rank === 1).length;
  if (ties > 1) words.push(`${ties} share rank 1`);
  if (more > 0) words.push(`${more} more: -n`);
  return words.join("; ");
}

function means(rows: readonly BestView[]): string {
  return rows.some(({ n }) => n > 1) ? "; mean over replicates" : "";
}

/** "1 running, 1 failed": runs of the point that the mean does not know. */
function missingText({ withoutValue, notSucceeded, live }: BestView): string {
  const parts = [
    [live, "not over"],
    [notSucceeded, "not succeeded"],
    [withoutValue, "no value"],
  ] as const;
  return parts.flatMap(([count, word]) => (count > 0 ? [`${count} ${word}`] : [])).join(", ");
}

function numberText(value: number | null): string {
  return value === null ? "" : shortNumber(value);
}
