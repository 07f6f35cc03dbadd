/** `exp metrics`: the last values of a run, or all points. */
import { isSystemMetric } from "../../shared/capture/options.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { nearest } from "../../shared/kernel/nearest.ts";
import { jsonNumber } from "../../shared/run/records.ts";
import { runFromProto } from "../../shared/wire/views.ts";
import { usage } from "../args.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { plotMetrics } from "../plot-metrics.ts";
import { csvText } from "../render/delimited.ts";
import type { Column } from "../render/table.ts";
import { shortNumber } from "../render/text.ts";
import type { Command } from "../session.ts";

interface Point {
  readonly key: string;
  readonly step: number;
  readonly value: number | string;
  /** ISO time; null where the program did not say. */
  readonly at: string | null;
}

export const metrics: Command = {
  options: {
    series: { describe: "all points, not only the last values", type: "flag" },
    csv: { describe: "all points as CSV", type: "flag" },
    plot: { describe: "draw the curves; REF may be several runs", type: "flag" },
    log: { describe: "logarithmic values (with --plot)", type: "flag" },
  },
  examples: [
    ["exp metrics digits.1.4 loss --csv > loss.csv", "one series as a file"],
    ["exp metrics digits.1.1-3 loss --plot --log", "three runs in one picture"],
  ],
  async run(session, args) {
    const ref = args.required("ref");
    const keys = args.texts("keys");
    const client = await session.connect();
    if (args.flag("log") && !args.flag("plot")) throw usage("--log is for --plot");
    if (args.flag("plot") && args.flag("csv")) throw usage("--plot and --csv at once");
    if (args.flag("plot")) {
      await plotMetrics(session, client, ref, keys, args.flag("log"));
      return EXIT.ok;
    }
    if (args.flag("series") || args.flag("csv")) {
      const points = await session.during("reading points", series(client, ref, keys));
      if (args.flag("csv")) await session.out.data(csvText(POINT_COLUMNS, points));
      else {
        await session.out.list({
          rows: points,
          columns: POINT_COLUMNS,
          name: ({ key }) => key,
          json: (point) => point,
          empty: EMPTY,
        });
      }
      return EXIT.ok;
    }
    const { run } = await client.getRun(ref);
    if (!run) throw new AppError("internal", "the coordinator answered without a run");
    const last = runFromProto(run).metrics;
    const wanted = keys.length > 0 ? keys : Object.keys(last).sort(hostLast);
    const rows = wanted.map((key) => {
      const value = last[key];
      if (value === undefined) throw unknownKey(key, run.ref, Object.keys(last));
      return { key, value };
    });
    await session.out.list({
      rows,
      columns: [
        { title: "KEY", cell: ({ key }) => key },
        {
          title: "VALUE",
          cell: ({ value }) => (session.config.format === "csv" ? String(value) : shortNumber(value)),
          align: "right",
        },
      ],
      name: ({ key }) => key,
      json: (row) => row,
      empty: EMPTY,
    });
    return EXIT.ok;
  },
};

function hostLast(a: string, b: string): number {
  return Number(isSystemMetric(a)) - Number(isSystemMetric(b)) || (a < b ? -1 : 1);
}

const EMPTY = "no metrics";

const POINT_COLUMNS: readonly Column<Point>[] = [
  { title: "KEY", cell: ({ key }) => key },
  { title: "STEP", cell: ({ step }) => String(step), align: "right" },
  { title: "VALUE", cell: ({ value }) => String(value), align: "right" },
  { title: "AT", cell: ({ at }) => at ?? "" },
];

async function series(client: Client, ref: string, keys: readonly string[]): Promise<Point[]> {
  const points: Point[] = [];
  for await (const part of client.metrics({ ref, keys: [...keys] })) {
    for (const { key, step, value, at } of part.points) {
      points.push({ key, step, value: jsonNumber(value), at: at > 0 ? new Date(at * 1000).toISOString() : null });
    }
  }
  const missing = keys.find((key) => !points.some((point) => point.key === key));
  if (missing !== undefined) {
    const { run } = await client.getRun(ref);
    throw unknownKey(missing, run?.ref ?? ref, Object.keys(run?.metrics ?? {}));
  }
  return points;
}

function unknownKey(key: string, ref: string, known: readonly string[]): AppError {
  const near = nearest(key, known, 3);
  return new AppError("not_found", `${ref} has no metric "${key}"`, {
    id: "metric.unknown",
    hint: hintOf(near, known),
  });
}

function hintOf(near: readonly string[], known: readonly string[]): string {
  if (near.length > 0) return `did you mean ${near.join(", ")}?`;
  if (known.length === 0) return "it has logged none yet";
  return `it has ${known.slice(0, 8).join(", ")}${known.length > 8 ? ", …" : ""}`;
}
