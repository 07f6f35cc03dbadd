/** Best: the leaderboard of a sweep. Replicates of a point are one row, unless each is asked for. */
import type { BestRequest, BestResponse, BestRow } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { nearest } from "../../../shared/kernel/nearest.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import { paramsFromJson, paramsToJson } from "../../../shared/spec/params-json.ts";
import type { Reduce } from "../../../shared/spec/types.ts";
import { ranksOf, type SampleSummary, summarise } from "../../../shared/stats/sample.ts";
import { runToProto } from "../../../shared/wire/views.ts";
import type { Scored } from "../../store/queries/best.ts";
import type { Selection } from "../../store/queries/refs.ts";
import type { Objective } from "../../store/queries/sweeps.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";

const ROWS_DEFAULT = 10;
const ROWS_MAX = 10_000;
const REDUCES: readonly Reduce[] = ["best", "last", "min", "max"];

/** Runs of one row. Only those that succeeded with a finite value are in `scored`. */
interface Group {
  readonly paramsJson: string;
  readonly scored: { readonly run: Scored; readonly value: number }[];
  withoutValue: number;
  notSucceeded: number;
  live: number;
}

/**
 * Metric, goal and what counts are those of the request, else of the sweep's objective. Equal values share a rank. Throws
 * AppError for a reference that fails, where metric or goal are not known, and for a metric that no succeeded run has.
 */
export const best =
  (deps: ReadDeps) =>
  async (request: BestRequest): Promise<BestResponse> => {
    const [selection] = deps.queries.refs.resolve([request.ref || "last"]);
    if (!selection) throw new Error("a reference resolved to nothing");
    const objective = objectiveOf(deps, request, selection, deps.queries.sweeps.objective(selection.sweepId));
    const limit = Math.min(request.limit > 0 ? request.limit : ROWS_DEFAULT, ROWS_MAX);
    const groups = new Map<string, Group>();
    const replicates = request.byRun ? undefined : deps.queries.sweeps.replicates(selection.sweepId);
    let lastOnly = 0;
    for (const portion of deps.queries.best.scores(selection, objective)) {
      for (const run of portion) {
        addTo(groups, run, replicates);
        if (run.state === "succeeded" && run.lastOnly) lastOnly += 1;
      }
      await yieldTurn();
    }
    const standing = [...groups.values()].filter(({ scored }) => scored.length > 0);
    if (standing.length === 0) assertMetricKnown(deps, selection, objective.metric);
    const rows = rankGroups(standing, objective);
    return {
      metric: objective.metric,
      goal: objective.goal,
      reduce: objective.reduce,
      rows: rows.slice(0, limit).flatMap((row) => rowOf(deps, row)),
      more: Math.max(0, rows.length - limit),
      withoutValue: [...groups.values()].reduce((sum, group) => sum + group.withoutValue, 0),
      lastOnly,
    };
  };

/** `replicates`: names of the parameters that a row may differ in; undefined: each run has its own. */
function addTo(groups: Map<string, Group>, run: Scored, replicates: readonly string[] | undefined): void {
  const paramsJson = replicates ? without(replicates, run.paramsJson) : run.paramsJson;
  const key = replicates ? paramsJson : run.runId;
  let group = groups.get(key);
  if (!group) {
    group = { paramsJson, scored: [], withoutValue: 0, notSucceeded: 0, live: 0 };
    groups.set(key, group);
  }
  if (!isTerminal(run.state)) group.live += 1;
  else if (run.state !== "succeeded") group.notSucceeded += 1;
  else if (run.value === undefined) group.withoutValue += 1;
  else group.scored.push({ run, value: run.value });
}

function without(names: readonly string[], paramsJson: string): string {
  if (!names.some((name) => paramsJson.includes(JSON.stringify(name)))) return paramsJson;
  const params = new Map(paramsFromJson(paramsJson));
  for (const name of names) params.delete(name);
  return paramsToJson(params);
}

interface RankedGroup {
  readonly group: Group;
  readonly summary: SampleSummary;
  readonly rank: number;
}

/** The best mean first; equal ones by the position of their first run. The runs of each group the best first too. */
function rankGroups(groups: readonly Group[], { goal }: Objective): RankedGroup[] {
  const sign = goal === "maximize" ? -1 : 1;
  const summaries = groups.map(({ scored }) => summarise(scored.map(({ value }) => value)));
  const order = goal === "maximize" ? "highest first" : "lowest first";
  const ranks = ranksOf(
    summaries.map(({ mean }) => mean),
    order,
  );
  for (const { scored } of groups) scored.sort((a, b) => sign * (a.value - b.value) || a.run.index - b.run.index);
  return groups
    .flatMap((group, i): RankedGroup[] => {
      const [summary, rank] = [summaries[i], ranks[i]];
      return summary === undefined || rank === undefined ? [] : [{ group, summary, rank }];
    })
    .sort((a, b) => a.rank - b.rank);
}

function rowOf(deps: ReadDeps, { group, summary, rank }: RankedGroup): BestRow[] {
  const runs = deps.queries.runs.getMany(group.scored.map(({ run }) => run.runId));
  const [first] = runs;
  if (!first) return [];
  return [
    {
      run: runToProto(first),
      value: summary.mean,
      rank,
      groupParamsJson: group.paramsJson,
      refs: runs.map(({ ref }) => ref),
      deviation: summary.deviation,
      halfWidth: summary.halfWidth,
      withoutValue: group.withoutValue,
      notSucceeded: group.notSucceeded,
      live: group.live,
    },
  ];
}

function objectiveOf(
  deps: ReadDeps,
  request: BestRequest,
  selection: Selection,
  declared: Objective | undefined,
): Objective {
  const metric = request.metric || declared?.metric;
  if (!metric) {
    throw new AppError("invalid", `${selection.ref} has no [objective]; say which metric to rank by`, {
      id: "best.no-metric",
      hint: `exp best ${selection.ref} --metric NAME --goal maximize`,
    });
  }
  const isDeclared = metric === declared?.metric;
  const goal = request.goal || (isDeclared ? declared.goal : "");
  if (goal !== "maximize" && goal !== "minimize") {
    // Which way is better matters only of a metric that is there.
    if (goal === "") assertMetricKnown(deps, selection, metric);
    const problem = goal === "" ? `is a high or a low "${metric}" better?` : `"${goal}" is no goal`;
    throw new AppError("invalid", problem, { id: "best.goal", hint: "say --goal maximize or --goal minimize" });
  }
  const wanted = request.reduce || (isDeclared ? declared.reduce : "best");
  const reduce = REDUCES.find((each) => each === wanted);
  if (!reduce) {
    throw new AppError("invalid", `"${wanted}" is no value of a run`, {
      id: "best.reduce",
      hint: `there are: ${REDUCES.join(", ")}`,
    });
  }
  return { metric, goal, reduce };
}

/** No row at all may just mean that nothing has succeeded yet: then the empty answer is right. */
function assertMetricKnown(deps: ReadDeps, selection: Selection, metric: string): void {
  const names = deps.queries.best.metricNames(selection);
  if (names.length === 0 || names.includes(metric)) return;
  const near = nearest(metric, names, 3);
  throw new AppError("not_found", `no succeeded run of ${selection.ref} logged "${metric}"`, {
    id: "best.unknown-metric",
    hint: near.length > 0 ? `did you mean ${near.join(", ")}?` : `it has ${names.slice(0, 8).join(", ")}`,
  });
}
