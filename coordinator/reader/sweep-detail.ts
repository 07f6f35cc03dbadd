/** Everything of a sweep's page that is not a table. */
import { required } from "../../shared/kernel/assert.ts";
import type { SweepId } from "../../shared/kernel/ids.ts";
import type { SweepDetail } from "../../shared/run/dashboard.ts";
import type { RunState } from "../../shared/run/states.ts";
import type { Queries } from "../store/queries/queries.ts";
import { jsonOf } from "./param-cell.ts";
import type { CachedRun, CachedSweep, RunCache } from "./run-cache.ts";

const LETTERS: { readonly [state in RunState]: string } = {
  queued: "q",
  held: "h",
  assigned: "a",
  running: "r",
  unknown: "u",
  succeeded: "s",
  failed: "f",
  cancelled: "c",
  skipped: "k",
};

export function readSweepDetail(queries: Queries, cache: RunCache, id: SweepId, nowMs: number): SweepDetail {
  const sweep = required(queries.sweeps.get(id), "a sweep");
  const cached = cache.ofSweep(id);
  const medianMs = medianDuration(cached.runs);
  return {
    ref: sweep.ref,
    name: sweep.name,
    total: sweep.total,
    counts: sweep.counts,
    reused: sweep.reused,
    createdAt: sweep.createdAt,
    objective: sweep.objective ? { metric: sweep.objective.metric, goal: sweep.objective.goal } : null,
    axes: cached.axes().map((key) => ({
      key,
      values: [...(cached.columns.get(key)?.values.values() ?? [])].map(jsonOf),
    })),
    strip: cached.runs.map(({ record }) => LETTERS[record.state]).join(""),
    medianMs,
    etaMs: medianMs === null ? null : timeLeft(cached.runs, medianMs, nowMs),
    source: queries.sweeps.source(id),
    bestOverTime: bestOverTime(queries, cached),
  };
}

function medianDuration(runs: readonly CachedRun[]): number | null {
  const durations = runs
    .filter(({ record }) => record.state === "succeeded" && record.reusedFrom === "")
    .flatMap(({ record: { startedAt, finishedAt } }) =>
      startedAt === undefined || finishedAt === undefined ? [] : [finishedAt - startedAt],
    )
    .sort((a, b) => a - b);
  return durations[Math.floor(durations.length / 2)] ?? null;
}

/** With as many at a time as run now, each as long as the median. Null where some wait and none runs; 0 at the end. */
function timeLeft(runs: readonly CachedRun[], medianMs: number, nowMs: number): number | null {
  let waiting = 0;
  let running = 0;
  let restMs = 0;
  for (const { record } of runs) {
    if (record.state === "queued") waiting += 1;
    if (record.state !== "assigned" && record.state !== "running") continue;
    running += 1;
    restMs += Math.max(0, medianMs - (record.startedAt === undefined ? 0 : nowMs - record.startedAt));
  }
  if (waiting + running === 0) return 0;
  return running === 0 ? null : Math.round((waiting * medianMs + restMs) / running);
}

/** By what the leaderboard ranks. */
function bestOverTime(queries: Queries, { selection, objective, runs }: CachedSweep): SweepDetail["bestOverTime"] {
  const at: number[] = [];
  const value: number[] = [];
  const ref: string[] = [];
  if (!objective) return { at, value, ref };
  const sign = objective.goal === "maximize" ? 1 : -1;
  const ended: { readonly at: number; readonly value: number; readonly ref: string }[] = [];
  for (const portion of queries.best.scores(selection, objective)) {
    for (const { index, state, value } of portion) {
      const record = runs[index - 1]?.record;
      if (!record || state !== "succeeded" || value === undefined) continue;
      ended.push({ at: record.finishedAt ?? record.createdAt, value, ref: record.ref });
    }
  }
  for (const one of ended.sort((a, b) => a.at - b.at)) {
    const best = value.at(-1);
    if (best !== undefined && sign * one.value <= sign * best) continue;
    at.push(one.at);
    value.push(one.value);
    ref.push(one.ref);
  }
  return { at, value, ref };
}
