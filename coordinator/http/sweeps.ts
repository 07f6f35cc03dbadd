/** Sweeps: lists, one of them, its runs, its leaderboard, its page. */
import type { Hono } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import type { BestAnswer, SweepDetail } from "../../shared/run/dashboard.ts";
import { viewOfRun, viewOfSweep } from "../../shared/run/records.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { listedRuns } from "../rpc/control/get-run.ts";
import type { ControlReads } from "../rpc/control/reads.ts";
import type { Selection } from "../store/queries/refs.ts";
import type { HttpEnv } from "./guard.ts";
import { page } from "./page-of-rows.ts";
import { readFlag, readLimit, readStates } from "./query.ts";
import { answer, named } from "./route.ts";

export interface SweepParts {
  readonly deps: ReadDeps;
  readonly reads: ControlReads;
  readonly detail: (selection: Selection) => Promise<SweepDetail>;
}

export function addSweeps(api: Hono<HttpEnv>, { deps, reads, detail }: SweepParts): void {
  const { queries } = deps;

  answer(api, "sweeps", (c, query) => {
    const limit = readLimit(query.limit);
    const before = query.after === undefined ? undefined : wholeSweep(deps, query.after).seq;
    const sweeps = [];
    for (const selection of queries.refs.newestFirst([], before)) {
      if (sweeps.length >= limit) break;
      const sweep = queries.sweeps.get(selection.sweepId);
      if (sweep) sweeps.push(viewOfSweep(sweep));
    }
    return page(c, sweeps, limit, sweeps.at(-1)?.ref);
  });

  answer(api, "sweep", (c) => {
    const sweep = queries.sweeps.get(wholeSweep(deps, named(c, "ref")).sweepId);
    if (!sweep) throw new Error("a sweep was resolved and is not there");
    return c.json(viewOfSweep(sweep));
  });

  answer(api, "sweepDetail", async (c) => c.json(await detail(wholeSweep(deps, named(c, "ref")))));

  // By position; `after` is the handle or the position of a run.
  answer(api, "sweepRuns", (c, query) => {
    const limit = readLimit(query.limit);
    const selection = wholeSweep(deps, named(c, "ref"));
    const after = query.after === undefined ? 0 : positionOf(deps, query.after);
    const filter = { states: readStates(query.state), order: "asc", from: after + 1, limit } as const;
    const runs = listedRuns(deps, queries.runs.ids(selection, filter));
    return page(c, runs.map(viewOfRun), limit, String(runs.at(-1)?.index));
  });

  answer(api, "sweepBest", async (c, query) => {
    const { ref } = wholeSweep(deps, named(c, "ref"));
    const limit = query.limit === undefined ? 0 : readLimit(query.limit);
    const byRun = !readFlag("fold", query.fold);
    const asked = { ref, metric: query.metric ?? "", goal: query.goal ?? "", reduce: "", byRun, limit };
    const { metric, goal, reduce, rows, more } = await reads.best(asked);
    const answered: BestAnswer = {
      metric,
      goal: goal === "maximize" ? "maximize" : "minimize",
      reduce,
      rows: rows.flatMap(({ run, rank, value, refs, groupParamsJson, deviation = null, halfWidth = null }) => {
        if (!run) return [];
        const params = JSON.parse(groupParamsJson) as BestAnswer["rows"][number]["params"];
        return [{ rank, value, run: runFromProto(run), refs, params, deviation, halfWidth }];
      }),
      more,
    };
    return c.json(answered);
  });
}

function wholeSweep(deps: ReadDeps, ref: string): Selection {
  const [selection] = deps.queries.refs.resolve([ref]);
  if (selection?.picks !== "all") {
    throw new AppError("invalid", `"${ref}" names runs; a sweep is wanted`, { id: "ref.sweep-wanted" });
  }
  return selection;
}

function positionOf(deps: ReadDeps, after: string): number {
  return /^\d{1,9}$/.test(after) ? Number(after) : deps.queries.refs.resolveRun(after).index;
}
