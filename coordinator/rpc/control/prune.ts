/**
 * Prune: removes results directories of runs that are over. Each goes by itself, in an order that a kill cannot harm: noted in
 * the store, moved aside, removed there, noted as done. What is known of the run stays, its last values too.
 */
import type { PrunedRun, PruneRequest, PruneResponse } from "../../../proto/gen/runner/v1/control.ts";
import { createRunCondition, type RunCondition } from "../../../shared/expression/run-condition.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import type { RunRecord } from "../../../shared/run/records.ts";
import { isTerminal, type RunState, TERMINAL_STATES } from "../../../shared/run/states.ts";
import { runStateFromProto, runStateToProto } from "../../../shared/wire/views.ts";
import { news } from "../../feed.ts";
import { directoryBytes, moveAside, removeAside } from "../../results/removal.ts";
import { runDirectory } from "../../results/run-directory.ts";
import type { Selection } from "../../store/queries/refs.ts";
import { yieldTurn } from "./await-news.ts";
import type { ResultDeps } from "./deps-results.ts";

/** Without a word about states; with `keep_best` all that are over. */
const STATES_DEFAULT: readonly RunState[] = ["failed", "cancelled"];
const RUNS_PER_PORTION = 200;

/**
 * Throws AppError for references that fail, states that are not over, and a `where` that cannot be read or that no run can
 * answer; before anything is removed.
 */
export const prune = (deps: ResultDeps) =>
  async function* (request: PruneRequest, signal: AbortSignal): AsyncGenerator<PruneResponse> {
    const kept = new Map<string, number>();
    const chosen = await choose(deps, request, kept);
    for (let start = 0; start < chosen.length; start += RUNS_PER_PORTION) {
      const portion = chosen.slice(start, start + RUNS_PER_PORTION);
      const keepers = deps.pruned.keepers(portion.map(({ id }) => runId(id)));
      const runs: PrunedRun[] = [];
      for (const run of portion) {
        if (signal.aborted) return;
        const reason = keepers.get(runId(run.id)) ?? (await pruneOne(deps, run, request.dryRun, runs));
        if (reason !== undefined) kept.set(reason, (kept.get(reason) ?? 0) + 1);
      }
      if (runs.length > 0) yield { runs, kept: [] };
      await yieldTurn();
    }
    yield { runs: [], kept: [...kept].map(([reason, runs]) => ({ reason, runs })) };
  };

/** Finishes what a killed coordinator had begun. Before anything else may write results. */
export async function finishPruning(deps: Pick<ResultDeps, "pruned" | "queries" | "resultsRoot">): Promise<void> {
  for (const { id, isCurrent } of deps.pruned.unfinished()) {
    if (isCurrent) moveAside(deps.resultsRoot, runDirectory(deps.resultsRoot, deps.queries.record(id)), id);
    await removeAside(deps.resultsRoot, id);
    deps.pruned.finish(id);
  }
}

/** Removes it, or with `dryRun` only says that it would go. Why not, where it stays. */
async function pruneOne(
  deps: ResultDeps,
  run: RunRecord,
  dryRun: boolean,
  gone: PrunedRun[],
): Promise<string | undefined> {
  const id = runId(run.id);
  const directory = runDirectory(deps.resultsRoot, deps.queries.record(id));
  const bytes = await directoryBytes(directory);
  if (bytes === undefined) return "without a results directory";
  if (!dryRun) {
    // Looked at again in the transaction: much may have happened while the sizes were added up.
    const reason = deps.pruned.begin(id, deps.clock.wallMs(), bytes);
    if (reason !== undefined) return reason;
    moveAside(deps.resultsRoot, directory, id);
    await removeAside(deps.resultsRoot, id);
    deps.pruned.finish(id);
    deps.feed.publish(news({ runs: new Set([id]) }));
  }
  gone.push({ ref: run.ref, state: runStateToProto(run.state), finishedAt: run.finishedAt ?? 0, bytes });
  return undefined;
}

async function choose(deps: ResultDeps, request: PruneRequest, kept: Map<string, number>): Promise<RunRecord[]> {
  const nowMs = deps.clock.wallMs();
  const states = statesOf(request);
  const condition = request.where === "" ? undefined : createRunCondition(request.where, nowMs);
  const chosen: RunRecord[] = [];
  for (const selection of deps.queries.refs.newestFirst(request.refs)) {
    const ids = deps.queries.runs.ids(selection, { states, order: "asc" });
    const best = bestOf(deps, selection, request.keepBest);
    for (let start = 0; start < ids.length; start += RUNS_PER_PORTION) {
      for (const run of deps.queries.runs.getMany(ids.slice(start, start + RUNS_PER_PORTION))) {
        if (nowMs - (run.finishedAt ?? nowMs) < request.olderThanMs || !matches(condition, run)) continue;
        const reason = run.state === "succeeded" ? best(runId(run.id)) : undefined;
        if (reason === undefined) chosen.push(run);
        else kept.set(reason, (kept.get(reason) ?? 0) + 1);
      }
      await yieldTurn();
    }
  }
  condition?.finish();
  return chosen;
}

function matches(condition: RunCondition | undefined, run: RunRecord): boolean {
  return condition === undefined || condition.matches(run);
}

function statesOf(request: PruneRequest): readonly RunState[] {
  const states = request.states.map(runStateFromProto);
  const live = states.find((state) => !isTerminal(state));
  if (live) {
    throw new AppError("invalid", `a run that is ${live} keeps its results`, {
      id: "prune.live",
      hint: `runs of these states can go: ${TERMINAL_STATES.join(", ")}`,
    });
  }
  if (states.length > 0) return states;
  return request.keepBest > 0 ? TERMINAL_STATES : STATES_DEFAULT;
}

/** Why a succeeded run stays as one of the best of its sweep. */
function bestOf(deps: ResultDeps, selection: Selection, keepBest: number): (id: RunId) => string | undefined {
  if (keepBest <= 0) return () => undefined;
  const objective = deps.queries.sweeps.objective(selection.sweepId);
  if (!objective) return () => "the sweep has no objective to tell the best by";
  const whole = deps.queries.refs.sweep(selection.sweepId);
  const best = new Set(deps.queries.best.rank(whole, objective, keepBest).map((ranked) => ranked.runId));
  return (id) => (best.has(id) ? "among the best" : undefined);
}
