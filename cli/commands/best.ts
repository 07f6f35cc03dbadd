/** `exp best`: the leaderboard of a sweep. */
import type { RunView } from "../../shared/run/views.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import { EXIT } from "../exit-codes.ts";
import { paramText, varyingParams } from "../render/runs.ts";
import type { Column } from "../render/table.ts";
import { shortNumber } from "../render/text.ts";
import type { Command } from "../session.ts";

interface BestView extends RunView {
  readonly rank: number;
  readonly value: number;
  readonly metric: string;
  readonly goal: string;
}

export const best: Command = {
  options: {
    limit: { describe: "so many [10]", alias: "n" },
    metric: { describe: "rank by this one [the sweep's objective]" },
    goal: { describe: "maximize or minimize" },
  },
  examples: [["exp best digits.1 -n 3", "the three best runs"]],
  async run(session, args) {
    const goal = args.choice("goal", ["maximize", "minimize"] as const) ?? "";
    const limit = args.integer("limit", 1) ?? 10;
    const client = await session.connect();
    const response = await client.best({
      ref: args.required("sweep"),
      metric: args.text("metric") ?? "",
      goal,
      limit,
    });
    const { metric } = response;
    const rows = response.rows.flatMap(({ run, value, rank }): BestView[] =>
      run ? [{ rank, value, metric, goal: response.goal, ...runFromProto(run) }] : [],
    );
    await session.out.list({
      rows,
      columns: columns(rows, metric),
      name: (row) => row.ref,
      json: (row) => row,
      footer: `${response.goal} ${metric}`,
      empty: "no run has succeeded yet",
    });
    const [first] = rows;
    if (first) session.out.next(`exp show ${first.ref}`);
    return EXIT.ok;
  },
};

function columns(rows: readonly BestView[], metric: string): Column<BestView>[] {
  return [
    { title: "RANK", cell: ({ rank }) => String(rank), align: "right" },
    { title: "NAME", cell: ({ ref }) => ref },
    {
      title: metric,
      cell: ({ value }) => shortNumber(value),
      align: "right",
      colour: ({ rank }) => (rank === 1 ? "good" : undefined),
    },
    ...varyingParams(rows).map(
      (key): Column<BestView> => ({ title: key, cell: ({ params }) => paramText(params[key]) }),
    ),
  ];
}
