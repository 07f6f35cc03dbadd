/**
 * The JSON API: the same views as `exp --json`. Lists are arrays, newest first unless said otherwise, in pages of `limit`
 * rows; where there may be more, the Link header names the next page.
 */
import { type Context, Hono } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import { viewOfNode, viewOfRun, viewOfSweep } from "../../shared/run/records.ts";
import type { RunView } from "../../shared/run/views.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { listedRuns, readRun } from "../rpc/control/get-run.ts";
import type { ControlReads } from "../rpc/control/reads.ts";
import { listNodes } from "../store/queries/nodes.ts";
import type { Selection } from "../store/queries/refs.ts";
import type { HttpEnv } from "./guard.ts";
import { readFlag, readInteger, readLimit, readQuery, readStates } from "./query.ts";
import { type StreamSlots, streamBody } from "./stream-body.ts";

export function createApi(deps: ReadDeps, reads: ControlReads, slots: StreamSlots): Hono<HttpEnv> {
  const { queries } = deps;
  const api = new Hono<HttpEnv>();

  api.get("/runs", (c) => {
    const query = readQuery(c, ["limit", "after", "state"]);
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

  api.get("/runs/:ref", (c) => {
    readQuery(c, []);
    return c.json(viewOfRun(readRun(deps, queries.refs.resolveRun(c.req.param("ref")).runId)));
  });

  api.get("/runs/:ref/logs", async (c) => {
    const query = readQuery(c, ["attempt", "offset", "tail", "follow"]);
    const ref = c.req.param("ref");
    queries.refs.resolveRun(ref);
    const number = (key: "attempt" | "offset" | "tail") =>
      query[key] === undefined ? 0 : readInteger(key, query[key], 0, Number.MAX_SAFE_INTEGER);
    const follow = readFlag("follow", query.follow);
    const request = { ref, follow, attempt: number("attempt"), offset: number("offset"), tailLines: number("tail") };
    return streamBody(c, slots, "text/plain; charset=utf-8", follow, async function* (signal) {
      for await (const { data } of reads.logs(request, signal)) yield data;
    });
  });

  api.get("/runs/:ref/metrics", async (c) => {
    const query = readQuery(c, ["keys"]);
    const ref = c.req.param("ref");
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

  api.get("/sweeps", (c) => {
    const query = readQuery(c, ["limit", "after"]);
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

  api.get("/sweeps/:ref", (c) => {
    readQuery(c, []);
    const sweep = queries.sweeps.get(wholeSweep(deps, c.req.param("ref")).sweepId);
    if (!sweep) throw new Error("a sweep was resolved and is not there");
    return c.json(viewOfSweep(sweep));
  });

  // By position; `after` is the handle or the position of a run.
  api.get("/sweeps/:ref/runs", (c) => {
    const query = readQuery(c, ["limit", "after", "state"]);
    const limit = readLimit(query.limit);
    const selection = wholeSweep(deps, c.req.param("ref"));
    const after = query.after === undefined ? 0 : positionOf(deps, query.after);
    const filter = { states: readStates(query.state), order: "asc", from: after + 1, limit } as const;
    const runs = listedRuns(deps, queries.runs.ids(selection, filter));
    return page(c, runs.map(viewOfRun), limit, String(runs.at(-1)?.index));
  });

  api.get("/sweeps/:ref/best", async (c) => {
    const query = readQuery(c, ["metric", "goal", "limit"]);
    const { ref } = wholeSweep(deps, c.req.param("ref"));
    const limit = query.limit === undefined ? 0 : readLimit(query.limit);
    const { metric, goal, rows } = await reads.best({ ref, metric: query.metric ?? "", goal: query.goal ?? "", limit });
    return c.json({
      metric,
      goal,
      rows: rows.flatMap(({ run, rank, value }) => (run ? [{ rank, value, run: runFromProto(run) }] : [])),
    });
  });

  api.get("/nodes", (c) => {
    readQuery(c, []);
    return c.json(nodesOf(deps));
  });

  api.get("/devices", (c) => {
    readQuery(c, []);
    return c.json(nodesOf(deps).flatMap((node) => node.devices.map((device) => ({ node: node.name, ...device }))));
  });

  return api;
}

function nodesOf(deps: ReadDeps) {
  const now = { wallMs: deps.clock.wallMs(), monotonicMs: deps.clock.monotonicMs() };
  return listNodes(deps.cluster, now).map(viewOfNode);
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

/** A full page may not be the last. */
function page(c: Context<HttpEnv>, rows: readonly object[], limit: number, last: string | undefined): Response {
  if (rows.length >= limit && last !== undefined) {
    const url = new URL(c.req.url);
    url.searchParams.set("after", last);
    c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  return c.json(rows);
}
