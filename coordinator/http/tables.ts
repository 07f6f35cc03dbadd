/** Tables of runs and curves: read by the reading thread. */
import type { Hono } from "hono";
import { createRunCondition } from "../../shared/expression/run-condition.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { SweepId } from "../../shared/kernel/ids.ts";
import { runId } from "../../shared/kernel/ids.ts";
import type { Cell, PlaceAnswer, RunTable } from "../../shared/run/dashboard.ts";
import { liveReason } from "../core/explain.ts";
import type { SortKey, TableReply } from "../reader/messages.ts";
import type { Reader } from "../reader/reader.ts";
import { yieldTurn } from "../rpc/control/await-news.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import type { AttemptRecord } from "../store/queries/attempts.ts";
import type { HttpEnv } from "./guard.ts";
import { invalidQuery, readInteger, readLimit, readNames, readNumber } from "./query.ts";
import { answer, named } from "./route.ts";

const OFFSET_MAX = 10_000_000;
const COLUMNS_MAX = 200;
const SORT_KEYS_MAX = 8;
const KEYS_MAX = 100;
const WIDTH_DEFAULT = 800;
const COLUMNS_DEFAULT = ["ref", "state"];
/** Reasons that are worked out before heartbeats and the like get their turn. */
const REASONS_PER_TURN = 100;

export function addTables(api: Hono<HttpEnv>, deps: ReadDeps, reader: Reader): void {
  answer(api, "tableColumns", async (c, query) =>
    c.json(await reader.ask("columns", { sweep: query.sweep || undefined, nowMs: deps.clock.wallMs() })),
  );

  answer(api, "tableRuns", async (c, query) => {
    const sort = readNames("sort", query.sort, SORT_KEYS_MAX).map(sortKey);
    const group = readNames("group", query.group, SORT_KEYS_MAX);
    const columns = query.columns ? readNames("columns", query.columns, COLUMNS_MAX) : COLUMNS_DEFAULT;
    const where = query.where ?? "";
    const sweep = query.sweep || undefined;
    const offset = query.offset === undefined ? 0 : readInteger("offset", query.offset, 0, OFFSET_MAX);
    const limit = readLimit(query.limit);
    const nowMs = deps.clock.wallMs();
    const asksReason = [...sort.map(({ column }) => column), ...group].includes("reason") || whereAsks(where, nowMs);
    const reasons = asksReason ? await liveReasons(deps, sweep, nowMs) : undefined;
    const reply = await reader.ask("table", { sweep, where, sort, columns, group, offset, limit, nowMs, reasons });
    return c.json(reasons ? reply.table : withReasons(deps, reply, nowMs));
  });

  answer(api, "runSeries", async (c, query) => {
    const { queries } = deps;
    const keys = readNames("keys", query.keys, KEYS_MAX);
    const x = query.x || "step";
    const width = query.width === undefined ? WIDTH_DEFAULT : readInteger("width", query.width, 10, 10_000);
    const range = { from: readNumber("from", query.from), to: readNumber("to", query.to) };
    const attempt = attemptOf(deps, named(c, "ref"), query.attempt);
    const path = attempt && deps.outputPath(attempt.fence, "client");
    if (!attempt || path === undefined) {
      return c.json({ x, series: keys.map((key) => ({ key, points: 0, exact: true, xs: [], ys: [] })) });
    }
    const { fence, startedAt = attempt.assignedAt } = attempt;
    const end = queries.attempts.committed(fence, "client");
    return c.json(await reader.ask("series", { fence, path, end, startedAt, keys, x, width, ...range }));
  });

  answer(api, "runPlace", async (c, query) => {
    const { attempts } = deps.queries;
    const attempt = attemptOf(deps, named(c, "ref"), query.attempt);
    const value = readNumber("value", query.value);
    if (value === undefined) throw invalidQuery("value", "must be a number");
    if (!attempt) return c.json({ ms: null, offset: null } satisfies PlaceAnswer);
    const { fence, startedAt = attempt.assignedAt } = attempt;
    const { key = "", x = "time" } = query;
    const path = deps.outputPath(fence, "client");
    const point = { fence, end: attempts.committed(fence, "client"), startedAt, key, x, value };
    const isTime = key === "" && x === "time";
    const at = isTime ? startedAt + value : path === undefined ? null : await reader.ask("moment", { ...point, path });
    const body: PlaceAnswer = {
      ms: at === null ? null : at - startedAt,
      offset: at === null ? null : (attempts.outputBy(fence, at) ?? null),
    };
    return c.json(body);
  });
}

/** The attempt of a number, or the last one; undefined where there is none yet. Throws AppError for a number that is not. */
function attemptOf({ queries }: ReadDeps, ref: string, asked: string | undefined): AttemptRecord | undefined {
  const attempts = queries.attempts.ofRun(queries.runs.outputRun(queries.refs.resolveRun(ref).runId));
  const number = asked === undefined ? undefined : readInteger("attempt", asked, 1, 1_000_000);
  const attempt = number === undefined ? attempts.at(-1) : attempts.find((one) => one.number === number);
  if (number !== undefined && !attempt) {
    throw new AppError("not_found", `${ref} has no attempt ${number}`, { id: "run.no-attempt" });
  }
  return attempt;
}

function sortKey(text: string): SortKey {
  return text.startsWith("-") ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

function whereAsks(where: string, nowMs: number): boolean {
  return where !== "" && createRunCondition(where, nowMs).needsReason;
}

/** Why each live run of the selection is where it is, which only memory knows. */
async function liveReasons(deps: ReadDeps, ref: string | undefined, nowMs: number): Promise<Map<string, string>> {
  const sweeps =
    ref === undefined ? undefined : new Set<SweepId>(deps.queries.refs.resolve([ref]).map((s) => s.sweepId));
  const ids = [...deps.cluster.runs.values()].filter((run) => !sweeps || sweeps.has(run.sweepId)).map(({ id }) => id);
  const reasons = new Map<string, string>();
  for (const [i, id] of ids.entries()) {
    const reason = liveReason(deps.cluster, id, nowMs);
    if (reason !== "") reasons.set(id, reason);
    if (i % REASONS_PER_TURN === REASONS_PER_TURN - 1) await yieldTurn();
  }
  return reasons;
}

/** The same for the rows of one page, where the column is shown and nothing rests on it. */
function withReasons(deps: ReadDeps, { table, ids }: TableReply, nowMs: number): RunTable {
  const at = table.columns.findIndex(({ key }) => key === "reason");
  if (at < 0 || table.groups) return table;
  const reasons = ids.map((id, row): Cell => {
    return liveReason(deps.cluster, runId(id), nowMs) || (table.cells[at]?.[row] ?? null);
  });
  return { ...table, cells: table.cells.with(at, reasons) };
}
