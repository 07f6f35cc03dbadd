/** Runs: lists, one of them, its page, its logs and its points. */
import type { Hono } from "hono";
import type { RunDetail, RunRecordAnswer } from "../../shared/run/dashboard.ts";
import { viewOfRun } from "../../shared/run/records.ts";
import type { RunView } from "../../shared/run/views.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { environmentsOf, refOf } from "../rpc/control/get-record.ts";
import { listedRuns, readRun } from "../rpc/control/get-run.ts";
import type { ControlReads } from "../rpc/control/reads.ts";
import type { HttpEnv } from "./guard.ts";
import { page } from "./page-of-rows.ts";
import { readFlag, readInteger, readLimit, readStates } from "./query.ts";
import { answer, named } from "./route.ts";
import { type StreamSlots, streamBody } from "./stream-body.ts";

export interface RunParts {
  readonly deps: ReadDeps;
  readonly reads: ControlReads;
  readonly slots: StreamSlots;
  readonly detail: (ref: string) => Promise<RunDetail>;
}

export function addRuns(api: Hono<HttpEnv>, { deps, reads, slots, detail }: RunParts): void {
  const { queries } = deps;

  answer(api, "runs", (c, query) => {
    const limit = readLimit(query.limit);
    const states = readStates(query.state);
    const after = query.after === undefined ? undefined : queries.refs.resolveRun(query.after);
    const runs: RunView[] = [];
    // One more than `after`'s sweep, so that the rest of that sweep comes first.
    for (const selection of queries.refs.newestFirst([], after && after.seq + 1)) {
      if (runs.length >= limit) break;
      const to = selection.seq === after?.seq ? { to: after.index - 1 } : {};
      const ids = queries.runs.ids(selection, { states, order: "desc", limit: limit - runs.length, ...to });
      runs.push(...listedRuns(deps, ids).map(viewOfRun));
    }
    return page(c, runs, limit, runs.at(-1)?.ref);
  });

  answer(api, "run", (c) => c.json(viewOfRun(readRun(deps, queries.refs.resolveRun(named(c, "ref")).runId))));

  answer(api, "runDetail", async (c) => c.json(await detail(named(c, "ref"))));

  answer(api, "runRecord", (c) => {
    const { runId, sweepId } = queries.refs.resolveRun(named(c, "ref"));
    const origin = queries.origins.ofSweep(sweepId);
    const body: RunRecordAnswer = {
      code: origin?.code ?? null,
      snapshot: origin?.snapshot ?? null,
      repeats: (origin?.repeats && refOf(deps, origin.repeats)[0]) ?? null,
      repeatedBy: queries.origins.repeatedBy(runId).flatMap((id) => refOf(deps, id)),
      environments: environmentsOf(deps, runId),
    };
    return c.json(body);
  });

  answer(api, "runLogs", (c, query) => {
    const ref = named(c, "ref");
    queries.refs.resolveRun(ref);
    const number = (key: "attempt" | "rank" | "offset" | "tail") =>
      query[key] === undefined ? 0 : readInteger(key, query[key], 0, Number.MAX_SAFE_INTEGER);
    const follow = readFlag("follow", query.follow);
    const [attempt, rank] = [number("attempt"), number("rank")];
    const request = { ref, follow, attempt, rank, offset: number("offset"), tailLines: number("tail") };
    return streamBody(c, slots, "text/plain; charset=utf-8", follow, async function* (signal) {
      for await (const { data } of reads.logs(request, signal)) yield data;
    });
  });

  answer(api, "runMetrics", (c, query) => {
    const ref = named(c, "ref");
    queries.refs.resolveRun(ref);
    const keys = query.keys ? query.keys.split(",") : [];
    return streamBody(c, slots, "application/json", false, async function* (signal) {
      let before = "[";
      for await (const { points } of reads.metrics({ ref, keys }, signal)) {
        // JSON has no NaN: such values are texts, as everywhere.
        const texts = points.map((p) =>
          JSON.stringify({ ...p, value: Number.isFinite(p.value) ? p.value : String(p.value) }),
        );
        yield Buffer.from(before + texts.join(","));
        before = ",";
      }
      yield Buffer.from(before === "[" ? "[]" : "]");
    });
  });
}
