/** Rows that stand for several runs: equal in the columns of the group, with means and spreads of the rest. */
import type { Cell, Column, RunTable } from "../../shared/run/dashboard.ts";
import { cellReader, columnOf, type ReadCell } from "./columns.ts";
import type { TableQuestion, TableReply } from "./messages.ts";
import type { CachedRun, RunCache } from "./run-cache.ts";
import { sortedBy } from "./sorting.ts";

export interface Group {
  readonly runs: CachedRun[];
}

/** In the order in which their first runs come. */
export function groupRuns(
  cache: RunCache,
  runs: readonly CachedRun[],
  { group, nowMs, reasons }: TableQuestion,
): Group[] {
  const readers = group.map((key) => cellReader(cache, key, nowMs, reasons));
  const groups = new Map<string, Group>();
  for (const run of runs) {
    const key = readers.map((read) => keyOf(read(run))).join();
    const known = groups.get(key);
    if (known) known.runs.push(run);
    else groups.set(key, { runs: [run] });
  }
  return [...groups.values()];
}

/** Without a comma that could be taken for one between two. */
function keyOf(cell: Cell): string {
  return typeof cell === "string" ? JSON.stringify(cell) : String(cell);
}

/** A page of the groups, sorted by what they show. */
export function foldGroups(cache: RunCache, groups: readonly Group[], question: TableQuestion): TableReply {
  const { columns, sort, offset, limit, nowMs, reasons } = question;
  const runs = groups.flatMap((group) => group.runs);
  const folded = (key: string) => {
    const column = columnOf(key, runs);
    const read = cellReader(cache, key, nowMs, reasons);
    return { column, fold: (group: Group) => foldCell(group, column, read) };
  };
  const keys = sort.map(({ column, descending }) => {
    const { fold } = folded(column);
    return { column, descending, read: (group: Group) => fold(group).cell };
  });
  const page = sortedBy(groups, keys).slice(offset, offset + limit);
  const shown = columns.map(folded).map(({ column, fold }) => ({ column, cells: page.map(fold) }));
  const heads = page.map(bestOf);
  const table: RunTable = {
    total: groups.length,
    offset,
    columns: shown.map(({ column }) => column),
    cells: shown.map(({ cells }) => cells.map(({ cell }) => cell)),
    refs: heads.map(({ record }) => record.ref),
    states: heads.map(({ record }) => record.state),
    groups: {
      runs: page.map((group) => group.runs.length),
      deviations: shown.map(({ column, cells }) => (isFolded(column) ? cells.map(({ deviation }) => deviation) : null)),
    },
  };
  return { table, ids: heads.map(({ record }) => record.id) };
}

interface Folded {
  readonly cell: Cell;
  readonly deviation: number | null;
}

function isFolded({ kind }: Column): boolean {
  return kind === "number" || kind === "duration";
}

/** The mean of finite numbers; of anything else what all have in common. */
function foldCell({ runs }: Group, column: Column, read: ReadCell): Folded {
  return isFolded(column) ? foldNumbers(runs, read) : { cell: commonCell(runs, read), deviation: null };
}

function commonCell(runs: readonly CachedRun[], read: ReadCell): Cell {
  const [head] = runs;
  const first = head ? read(head) : null;
  return runs.every((run) => read(run) === first) ? first : null;
}

function foldNumbers(runs: readonly CachedRun[], read: ReadCell): Folded {
  const numbers: number[] = [];
  let sum = 0;
  let same = true;
  for (const run of runs) {
    const cell = read(run);
    if (typeof cell !== "number") continue;
    numbers.push(cell);
    sum += cell;
    same &&= cell === numbers[0];
  }
  const [first] = numbers;
  if (first === undefined) return { cell: null, deviation: null };
  if (numbers.length === 1) return { cell: first, deviation: null };
  // Equal numbers have exactly their own mean, whatever their sum was rounded to.
  if (same) return { cell: first, deviation: 0 };
  const mean = sum / numbers.length;
  let squares = 0;
  for (const value of numbers) squares += (value - mean) ** 2;
  return { cell: mean, deviation: Math.sqrt(squares / (numbers.length - 1)) };
}

/** The run with the best value of its sweep's objective, else the first. */
function bestOf({ runs }: Group): CachedRun {
  const [first] = runs;
  if (!first) throw new Error("assertion failed: a group has a run");
  const { objective } = first.sweep;
  if (!objective) return first;
  const sign = objective.goal === "maximize" ? 1 : -1;
  const value = ({ record: { metrics } }: CachedRun) => {
    const logged = Object.hasOwn(metrics, objective.metric) ? metrics[objective.metric] : undefined;
    return logged === undefined || Number.isNaN(logged) ? Number.NEGATIVE_INFINITY : sign * logged;
  };
  return runs.reduce((best, run) => (value(run) > value(best) ? run : best), first);
}
