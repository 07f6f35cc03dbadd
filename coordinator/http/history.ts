/** What happened, and who used what: read by the reading thread. */
import type { Hono } from "hono";
import type { EventsAnswer, UsageAnswer } from "../../shared/run/dashboard.ts";
import type { Reader } from "../reader/reader.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { historyOf } from "../rpc/control/events.ts";
import type { Usage } from "../store/queries/history.ts";
import type { HttpEnv } from "./guard.ts";
import { invalidQuery, readInteger, readLimit, readNames } from "./query.ts";
import { answer } from "./route.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS_DEFAULT = 14;
const KINDS_MAX = 50;
/** Sweeps that a table of use shows. */
const ROWS_MAX = 1_000;

export function addHistory(api: Hono<HttpEnv>, deps: ReadDeps, reader: Reader): void {
  answer(api, "events", async (c, query) => {
    const limit = readLimit(query.limit);
    const kinds = readNames("kind", query.kind, KINDS_MAX);
    const before =
      query.before === undefined ? undefined : readInteger("before", query.before, 0, Number.MAX_SAFE_INTEGER);
    const of = historyOf(deps, query.run ?? "");
    const events = await reader.ask("events", { before, limit, kinds, node: query.node || undefined, ...of });
    const body: EventsAnswer = { events };
    return c.json(body);
  });

  answer(api, "usage", async (c, query) => {
    const days = query.days === undefined ? DAYS_DEFAULT : readInteger("days", query.days, 1, 366);
    const { kind } = query;
    if (kind !== undefined && kind !== "gpu" && kind !== "cpu") throw invalidQuery("kind", "must be gpu or cpu");
    const nowMs = deps.clock.wallMs();
    const firstDay = Math.floor(nowMs / DAY_MS) - days + 1;
    const used = await reader.ask("usage", { sinceMs: firstDay * DAY_MS, nowMs });
    return c.json(usageAnswer(used, firstDay, days, kind ?? (used.some(({ gpuMs }) => gpuMs > 0) ? "gpu" : "cpu")));
  });
}

function usageAnswer(used: readonly Usage[], firstDay: number, days: number, kind: "gpu" | "cpu"): UsageAnswer {
  const bySweep = new Map<string, { sweep: string; hours: number[]; sum: number }>();
  for (const { sweep, day, gpuMs, cpuMs } of used) {
    const ms = kind === "gpu" ? gpuMs : cpuMs;
    if (ms === 0) continue;
    const row = bySweep.get(sweep) ?? { sweep, hours: new Array<number>(days).fill(0), sum: 0 };
    row.hours[day - firstDay] = ms / HOUR_MS;
    row.sum += ms;
    bySweep.set(sweep, row);
  }
  const rows = [...bySweep.values()].sort((a, b) => b.sum - a.sum || (a.sweep < b.sweep ? -1 : 1));
  return {
    kind,
    days: Array.from({ length: days }, (_, i) => new Date((firstDay + i) * DAY_MS).toISOString().slice(0, 10)),
    rows: rows.slice(0, ROWS_MAX).map(({ sweep, hours }) => ({ sweep, hours })),
  };
}
