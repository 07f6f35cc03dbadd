/** `exp pivot`: one metric over two lists of parameters, on request with the ranks in each column. */
import { AppError } from "../../shared/kernel/errors.ts";
import { nearest } from "../../shared/kernel/nearest.ts";
import { jsonNumber } from "../../shared/run/records.ts";
import type { RunView } from "../../shared/run/views.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import { type Args, usage } from "../args.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { AGGREGATES, fieldOf, type Key, type PivotQuestion, pivotColumns, pivotOf } from "../render/pivot.ts";
import { paramText } from "../render/run-fields.ts";
import { plural } from "../render/text.ts";
import { statesOf, whereOf } from "../run-filter.ts";
import type { Command } from "../session.ts";

export const pivot: Command = {
  options: {
    rows: { describe: "parameters down, by comma" },
    cols: { describe: "parameters across, by comma" },
    value: { describe: "metric: its last value in each run [the sweep's objective]", values: "metrics" },
    agg: { describe: `of several runs in one place: ${AGGREGATES.join(", ")} [mean]`, values: AGGREGATES },
    rank: { describe: "mark the first three of each column", type: "flag" },
    goal: { describe: "maximize or minimize: what is first [the objective's, else maximize]" },
    state: { describe: "runs in this state, repeatable [succeeded]", type: "texts" },
    where: { describe: "only runs for which this holds: exp help expressions" },
  },
  examples: [
    ["exp pivot digits.1 --rows lr --cols depth --value acc --rank", "mean over seeds, the best of each column marked"],
    ["exp pivot digits.1 --rows model,lr --cols data --agg best -o csv", "as CSV"],
  ],
  async run(session, args) {
    const [rows, columns] = [namesOf(args, "rows"), namesOf(args, "cols")];
    const states = statesOf(args);
    const where = whereOf(args);
    const ref = args.required("ref");
    const client = await session.connect();
    const found = await client.listRuns({ refs: [ref], states: states.length > 0 ? states : ["succeeded"], where });
    const runs = found.map(runFromProto);
    const question: PivotQuestion = { rows, columns, ...(await measureOf(client, args, runs)), ...aggregateOf(args) };
    if (runs.length > 0) for (const name of [...rows, ...columns, question.value]) assertKnown(runs, name);
    const table = pivotOf(runs, question);
    const withRanks = args.flag("rank");
    await session.out.list({
      rows: table.rows,
      columns: pivotColumns(table, question, withRanks),
      name: ({ key }) => key.map(paramText).join(" "),
      json: ({ key, cells }) => ({
        row: named(rows, key),
        cells: table.columns.flatMap((column, i) => {
          const cell = cells[i];
          if (!cell) return [];
          const { value, runs, rank } = cell;
          return [{ column: named(columns, column), value: jsonNumber(value), runs, ...(withRanks && { rank }) }];
        }),
      }),
      footer: `${question.aggregate} of ${question.value}, ${plural(runs.length, "run")}`,
      empty: "no run has succeeded yet",
    });
    if (!session.out.isJson) {
      if (table.withoutValue > 0) {
        session.out.note(`left out: ${plural(table.withoutValue, "run")} without a number for ${question.value}`);
      }
      if (table.withoutKey > 0) {
        session.out.note(
          `left out: ${plural(table.withoutKey, "run")} without one of ${[...rows, ...columns].join(", ")}`,
        );
      }
    }
    return EXIT.ok;
  },
};

function namesOf(args: Args, option: "rows" | "cols"): string[] {
  const names = args.texts(option).flatMap((text) => text.split(",").map((name) => name.trim()));
  if (names.length === 0 || names.includes("")) throw usage(`--${option} is missing: parameters, by comma`);
  return names;
}

function aggregateOf(args: Args): Pick<PivotQuestion, "aggregate"> {
  return { aggregate: args.choice("agg", AGGREGATES) ?? "mean" };
}

/** The goal of an objective is that of its metric only. */
async function measureOf(
  client: Client,
  args: Args,
  runs: readonly RunView[],
): Promise<Pick<PivotQuestion, "value" | "goal">> {
  const said = args.text("value");
  const [sweep] = runs.length > 0 ? await client.listSweeps([runs[0]?.sweep ?? ""], 1) : [];
  const metric = sweep?.objective?.metric;
  const value = said ?? metric;
  if (value === undefined || value === "") {
    throw usage("--value is missing, and the sweep has no objective", "such as --value acc");
  }
  const declared = value === metric && sweep?.objective?.goal === "minimize" ? "minimize" : "maximize";
  return { value, goal: args.choice("goal", ["maximize", "minimize"] as const) ?? declared };
}

/** Throws AppError for a name that none of the runs has. */
function assertKnown(runs: readonly RunView[], name: string): void {
  if (runs.some((run) => fieldOf(run, name) !== undefined)) return;
  const known = new Set(runs.flatMap(({ params, metrics }) => [...Object.keys(params), ...Object.keys(metrics)]));
  const near = nearest(name, known, 3);
  throw new AppError("not_found", `no run has a parameter or metric "${name}"`, {
    id: "pivot.unknown",
    hint: near.length > 0 ? `did you mean ${near.join(", ")}?` : `there are: ${[...known].slice(0, 12).join(", ")}`,
  });
}

function named(names: readonly string[], key: Key): { [name: string]: Key[number] } {
  return Object.fromEntries(names.map((name, i) => [name, key[i] ?? null]));
}
