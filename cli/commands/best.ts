/** `exp best`: the leaderboard of a sweep. Replicates (other seeds, or repeats) are one row: mean, spread, confidence. */
import type { BestResponse } from "../../proto/gen/runner/v1/control.ts";
import { viewParams } from "../../shared/run/records.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { type BestView, bestColumns, bestFooter } from "../render/best.ts";
import type { Command } from "../session.ts";

const REDUCES = ["best", "last", "min", "max"] as const;

export const best: Command = {
  options: {
    limit: { describe: "so many [10]", alias: "n" },
    metric: { describe: "rank by this one [the sweep's objective]", values: "metrics" },
    goal: { describe: "maximize or minimize" },
    reduce: {
      describe: "what counts of a run's values: best, last, min or max [the objective's, else best]",
      values: REDUCES,
    },
    "by-run": { describe: "each run by itself, seeds not put together", type: "flag" },
  },
  examples: [
    ["exp best digits.1 -n 3", "the three best points: mean over their seeds, with its confidence"],
    ["exp best digits.1 --by-run --metric loss --goal minimize --reduce last", "single runs by their last loss"],
  ],
  async run(session, args) {
    const goal = args.choice("goal", ["maximize", "minimize"] as const) ?? "";
    const reduce = args.choice("reduce", REDUCES) ?? "";
    const limit = args.integer("limit", 1) ?? 10;
    const byRun = args.flag("by-run");
    const client = await session.connect();
    const response = await client.best({
      ref: args.required("sweep"),
      metric: args.text("metric") ?? "",
      ...{ goal, reduce, limit, byRun },
    });
    const rows = viewsOf(response);
    await session.out.list({
      rows,
      columns: bestColumns(rows, response.metric),
      name: (row) => row.ref,
      json: (row) => row,
      footer: bestFooter(response, rows),
      empty: "no run has succeeded yet",
    });
    if (!session.out.isJson) for (const note of notesOf(response)) session.out.note(note);
    const [first] = rows;
    if (first) session.out.next(`exp show ${first.ref}`);
    return EXIT.ok;
  },
};

function viewsOf({ rows, metric, goal, reduce }: BestResponse): BestView[] {
  return rows.flatMap(({ run, value, rank, deviation = null, halfWidth = null, ...row }): BestView[] =>
    run
      ? [
          {
            ...{ rank, value, metric, goal, reduce, n: row.refs.length, deviation },
            ci95: halfWidth === null ? null : [value - halfWidth, value + halfWidth],
            ...runFromProto(run),
            groupParams: viewParams(row.groupParamsJson),
            refs: row.refs,
            withoutValue: row.withoutValue,
            notSucceeded: row.notSucceeded,
            live: row.live,
          },
        ]
      : [],
  );
}

/** What does not show in the rows and may mislead those who only look at them. */
function notesOf({ metric, reduce, withoutValue, lastOnly }: BestResponse): string[] {
  const notes: string[] = [];
  if (withoutValue > 0) {
    notes.push(`left out: ${withoutValue} that succeeded without a finite value of ${metric}`);
  }
  if (lastOnly > 0 && reduce !== "last") {
    notes.push(`${lastOnly} with the last value instead of the ${reduce} one: no other is known of them`);
  }
  return notes;
}
