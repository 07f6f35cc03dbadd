/** The answers of the reading thread, by the names of the questions. */
import { createAnnotations } from "../store/annotations.ts";
import type { Database } from "../store/database.ts";
import type { Queries } from "../store/queries/queries.ts";
import { readColumns } from "./columns.ts";
import type { Changed, QuestionKind, Questions } from "./messages.ts";
import { PointCache } from "./point-cache.ts";
import { RunCache } from "./run-cache.ts";
import { readMoment, readSeries } from "./series.ts";
import { readSweepDetail } from "./sweep-detail.ts";
import { createTables } from "./tables.ts";

export type Answers = {
  readonly [Kind in QuestionKind]: (
    ask: Questions[Kind]["ask"],
  ) => Questions[Kind]["answer"] | Promise<Questions[Kind]["answer"]>;
} & {
  /** Drops or renews what changed. */
  note(changed: Changed): void;
};

export function createAnswers(db: Database, queries: Queries): Answers {
  const runs = new RunCache(queries, createAnnotations(db));
  const points = new PointCache();
  const tables = createTables(runs);
  return {
    note: (changed) => runs.note(changed),
    columns: ({ sweep, nowMs }) => readColumns(runs, sweep, nowMs),
    table(ask) {
      const reply = tables.read(ask);
      // Whoever sees a first page sorts or filters all of it next.
      if (ask.sweep === undefined) void runs.warm();
      return reply;
    },
    axes: ({ sweepId }) => runs.ofSweep(sweepId).axes(),
    sweep: ({ sweepId, nowMs }) => readSweepDetail(queries, runs, sweepId, nowMs),
    series: (ask) => readSeries(points, ask),
    moment: (ask) => readMoment(points, ask),
    async prepare({ fence, path, end }) {
      await points.prepare(fence, path, end);
      return undefined;
    },
    events: (ask) => queries.history.events(ask),
    ended: ({ node, limit }) => queries.history.endedOn(node, limit),
    usage: ({ sinceMs, nowMs }) => queries.history.usage(sinceMs, nowMs),
  };
}
