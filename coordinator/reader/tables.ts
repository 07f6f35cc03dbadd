/**
 * Tables of runs: chosen by an expression, grouped, sorted, a page of them by column. The expression is that of
 * `exp ls --where`, evaluated by the same code on the same records. What was chosen and sorted is kept for a moment, as
 * somebody who scrolls asks for the next page of it.
 */
import { createRunCondition } from "../../shared/expression/run-condition.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { RunTable } from "../../shared/run/dashboard.ts";
import { cellReader, columnOf } from "./columns.ts";
import { foldGroups, groupRuns } from "./groups.ts";
import type { SortKey, TableQuestion, TableReply } from "./messages.ts";
import { type CachedRun, countOf, type RunCache } from "./run-cache.ts";
import { sortedBy } from "./sorting.ts";

const KEPT_MAX = 4;
/** An expression may take long for each run; others wait for the thread meanwhile. */
const FILTER_MS_MAX = 10_000;
const RUNS_PER_LOOK = 500;
/** Ages and durations go on without any change of a run. */
const KEPT_MS = 2_000;

interface Chosen {
  readonly key: string;
  readonly version: number;
  readonly atMs: number;
  readonly runs: readonly CachedRun[];
}

export interface Tables {
  /** Throws AppError for a reference or an expression that fails, and for a column that is none. */
  read(question: TableQuestion): TableReply;
}

export function createTables(cache: RunCache): Tables {
  let kept: Chosen[] = [];

  /** The runs of the question in their order. */
  function choose(question: TableQuestion): readonly CachedRun[] {
    const { sweep, where, sort, nowMs } = question;
    const order = question.group.length === 0 ? sort : [];
    const key = JSON.stringify([sweep, where, order]);
    const known = kept.find((chosen) => chosen.key === key);
    const fresh = known && known.version === cache.version && Math.abs(nowMs - known.atMs) < KEPT_MS;
    if (fresh && !question.reasons) return known.runs;
    const runs = sortedRuns(cache, matching(cache, question), order, question);
    kept = [{ key, version: cache.version, atMs: nowMs, runs }, ...kept.filter((other) => other !== known)];
    kept.length = Math.min(kept.length, KEPT_MAX);
    return runs;
  }

  return {
    read(question) {
      if (question.group.length > 0) {
        const groups = groupRuns(cache, choose(question), question);
        return foldGroups(cache, groups, question);
      }
      if (question.where === "" && question.sort.length === 0) return plainPage(cache, question);
      const runs = choose(question);
      return pageOf(cache, runs.slice(question.offset, question.offset + question.limit), runs.length, question);
    },
  };
}

/** By position within one sweep; of several sweeps the newest first. */
function inOrder(runs: readonly CachedRun[], many: boolean): readonly CachedRun[] {
  return many ? runs.toReversed() : runs;
}

/** A page of all runs reads only the sweeps that it shows. */
function plainPage(cache: RunCache, question: TableQuestion): TableReply {
  const selections = cache.select(question.sweep);
  const total = selections.reduce((sum, selection) => sum + countOf(selection), 0);
  const runs: CachedRun[] = [];
  let passed = 0;
  for (const selection of selections) {
    const count = countOf(selection);
    const start = Math.max(0, question.offset - passed);
    if (start < count) {
      const ordered = inOrder(cache.runsOf(selection), selections.length > 1);
      runs.push(...ordered.slice(start, start + question.limit - runs.length));
    }
    if (runs.length >= question.limit) break;
    passed += count;
  }
  return pageOf(cache, runs, total, question);
}

function matching(cache: RunCache, { sweep, where, nowMs, reasons }: TableQuestion): CachedRun[] {
  const selections = cache.select(sweep);
  cache.assertFit(selections);
  const condition = where === "" ? undefined : createRunCondition(where, nowMs);
  const found: CachedRun[] = [];
  const untilMs = performance.now() + FILTER_MS_MAX;
  let looked = 0;
  for (const selection of selections) {
    for (const run of inOrder(cache.runsOf(selection), selections.length > 1)) {
      looked += 1;
      if (looked % RUNS_PER_LOOK === 0 && performance.now() > untilMs) throw tooLong(looked);
      if (!condition || condition.matches(withReason(run, reasons), run.params)) found.push(run);
    }
  }
  condition?.finish();
  return found;
}

function tooLong(looked: number): AppError {
  const problem = `the filter took ${FILTER_MS_MAX / 1000} s for the first ${looked} runs`;
  return new AppError("exhausted", problem, { id: "table.too-long", hint: "make it simpler, or choose a sweep" });
}

function withReason({ record }: CachedRun, reasons: ReadonlyMap<string, string> | undefined): CachedRun["record"] {
  const reason = reasons?.get(record.id);
  return reason === undefined ? record : { ...record, reason };
}

function sortedRuns(
  cache: RunCache,
  runs: CachedRun[],
  sort: readonly SortKey[],
  { nowMs, reasons }: TableQuestion,
): readonly CachedRun[] {
  const keys = sort.map(({ column, descending }) => ({
    column,
    descending,
    read: cellReader(cache, column, nowMs, reasons),
  }));
  return sortedBy(runs, keys);
}

function pageOf(cache: RunCache, runs: readonly CachedRun[], total: number, question: TableQuestion): TableReply {
  const { columns, nowMs, reasons, offset } = question;
  const table: RunTable = {
    total,
    offset,
    columns: columns.map((key) => columnOf(key, runs)),
    cells: columns.map((key) => runs.map(cellReader(cache, key, nowMs, reasons))),
    refs: runs.map(({ record }) => record.ref),
    states: runs.map(({ record }) => record.state),
  };
  return { table, ids: runs.map(({ record }) => record.id) };
}
