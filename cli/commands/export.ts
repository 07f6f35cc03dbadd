/** `exp export`: runs as a table, all their metric points, or their results directories as EXP and ztxexp read them. */
import { open, readdir, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { makeDirectory } from "../../shared/make-directory.ts";
import { jsonNumber, type RunRecord, viewOfRun } from "../../shared/run/records.ts";
import { runRecordFromProto } from "../../shared/wire/views.ts";
import { usage } from "../args.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { bringDirectory, clearStage, type Layout } from "../export/directories.ts";
import { cellText, type Frame, frameOfPoints, frameOfRuns, type MetricPoint } from "../export/frame.ts";
import { csvCell } from "../render/delimited.ts";
import { plural } from "../render/text.ts";
import { whereOf } from "../run-filter.ts";
import { type Command, referencesOf, type Session } from "../session.ts";

const FORMATS = ["csv", "jsonl", "xlsx", "parquet", "exp", "ztxexp"] as const;
type Format = (typeof FORMATS)[number];
const CONTENTS = ["last", "all"] as const;

export const exportRuns: Command = {
  options: {
    format: {
      describe: "csv, jsonl, xlsx, parquet, or exp, ztxexp: directories that those programs read [by --out]",
      values: FORMATS,
    },
    out: { describe: "file, or directory for exp and ztxexp; csv and jsonl go to stdout without it" },
    where: { describe: "only runs for which this holds: exp help expressions" },
    metrics: { describe: "last: a row for each run; all: a row for each metric point [last]", values: CONTENTS },
  },
  examples: [
    ["exp export digits.1 --out runs.csv", "a row for each run: facts, parameters, last metrics"],
    ["exp export digits.1 --metrics all --out points.parquet", "every metric point"],
    ["exp export --where 'state == \"succeeded\"' --format ztxexp --out ./results", "directories for ztxexp"],
  ],
  async run(session, args) {
    const out = args.text("out");
    const format = args.choice("format", FORMATS) ?? formatOf(out);
    const metrics = args.choice("metrics", CONTENTS) ?? "last";
    const where = whereOf(args);
    const refs = await referencesOf(session, args, "refs");
    const isText = format === "csv" || format === "jsonl";
    if (out === undefined && !isText) throw usage(`--out is missing: ${format} is no text for a terminal`);
    const client = await session.connect();
    const runs = (await client.listRuns({ refs, where })).map(runRecordFromProto);
    if (format === "exp" || format === "ztxexp") {
      return exportDirectories(session, client, runs, format, resolve(session.config.cwd, out ?? ""));
    }
    const contentOf = (done: () => void) =>
      metrics === "last" ? runsAs(format, runs) : pointsAs(format, client, runs, done);
    // Last values are here already; points come run by run.
    const shown = (work: (done: () => void) => Promise<void>) =>
      metrics === "last"
        ? session.during(
            "exporting",
            work(() => undefined),
          )
        : session.counting("exporting", runs.length, work);
    if (out === undefined) {
      const print = async (done: () => void) => {
        for await (const piece of contentOf(done)) await session.out.data(piece);
      };
      // On a terminal the text itself shows that it goes on.
      await (session.config.terminal.stdoutIsTty ? print(() => undefined) : shown(print));
      return EXIT.ok;
    }
    const path = resolve(session.config.cwd, out);
    await shown((done) => writeWhole(path, contentOf(done)));
    session.out.note(`${plural(runs.length, "run")} in ${path}`);
    return EXIT.ok;
  },
};

function formatOf(out: string | undefined): Format {
  const ending = out?.match(/\.(csv|jsonl|xlsx|parquet)$/)?.[1];
  const format = FORMATS.find((each) => each === ending);
  if (format) return format;
  throw usage("--format is missing", `there are: ${FORMATS.join(", ")}`);
}

type TableFormat = Exclude<Format, Layout>;

async function* runsAs(format: TableFormat, runs: readonly RunRecord[]): AsyncGenerator<string | Buffer> {
  if (format === "jsonl") {
    for (const run of runs) yield `${JSON.stringify(viewOfRun(run))}\n`;
  } else {
    yield* frameAs(format, frameOfRuns(runs));
  }
}

/** Texts as they come; the other two need all points at once. */
async function* pointsAs(
  format: TableFormat,
  client: Client,
  runs: readonly RunRecord[],
  done: () => void,
): AsyncGenerator<string | Buffer> {
  if (format === "xlsx" || format === "parquet") {
    const points: MetricPoint[] = [];
    for await (const part of pointsOf(client, runs, done)) points.push(...part);
    yield* frameAs(format, frameOfPoints(points));
    return;
  }
  if (format === "csv") yield "ref,key,step,value,at\n";
  for await (const part of pointsOf(client, runs, done)) {
    yield format === "jsonl" ? part.map(jsonLine).join("") : csvLines(frameOfPoints(part));
  }
}

/** `done`: after each run. */
async function* pointsOf(client: Client, runs: readonly RunRecord[], done: () => void): AsyncGenerator<MetricPoint[]> {
  for (const { ref } of runs) {
    for await (const { points } of client.metrics({ ref, keys: [] })) {
      yield points.map(({ key, step, value, at }) => ({
        ...{ ref, key, step, value },
        at: at > 0 ? at * 1000 : undefined,
      }));
    }
    done();
  }
}

function jsonLine({ ref, key, step, value, at }: MetricPoint): string {
  const time = at === undefined ? null : new Date(at).toISOString();
  return `${JSON.stringify({ ref, key, step, value: jsonNumber(value), at: time })}\n`;
}

async function* frameAs(format: Exclude<TableFormat, "jsonl">, frame: Frame): AsyncGenerator<string | Buffer> {
  switch (format) {
    case "csv":
      yield `${frame.columns.map(({ name }) => csvCell(name)).join(",")}\n`;
      yield csvLines(frame);
      return;
    case "xlsx":
      yield (await import("../export/xlsx.ts")).workbook(frame);
      return;
    case "parquet":
      yield (await import("../export/parquet.ts")).parquet(frame);
  }
}

function csvLines({ rows, columns }: Frame): string {
  let text = "";
  for (let row = 0; row < rows; row++) {
    text += `${columns.map(({ kind, values }) => csvCell(cellText(kind, values[row]))).join(",")}\n`;
  }
  return text;
}

/** The file appears when it is whole. Throws AppError where it cannot be written. */
async function writeWhole(path: string, content: AsyncIterable<string | Buffer>): Promise<void> {
  const temporary = `${path}.part`;
  const file = await open(temporary, "w").catch((error: unknown) => {
    const why = systemCode(error) === "ENOENT" ? "there is no such directory" : errorMessage(error);
    throw new AppError("invalid", `cannot write ${path}: ${why}`, { id: "export.write", cause: error });
  });
  try {
    for await (const piece of content) await file.writeFile(piece);
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

async function exportDirectories(
  session: Session,
  client: Client,
  runs: readonly RunRecord[],
  layout: Layout,
  root: string,
): Promise<number> {
  makeDirectory(root);
  await clearStage(root);
  const without = new Map<string, number>();
  const here = new Set<string>();
  let [written, there, bytes] = [0, 0, 0];
  const bring = async ({ ref }: RunRecord): Promise<void> => {
    const brought = await bringDirectory(client, ref, layout, root);
    if (brought.kind === "none") {
      without.set(brought.reason, (without.get(brought.reason) ?? 0) + 1);
      return;
    }
    // A run and those that were reused from it are one directory.
    if (brought.kind === "there" && !here.has(brought.directory)) there += 1;
    if (brought.kind === "written") [written, bytes] = [written + 1, bytes + brought.bytes];
    here.add(brought.directory);
  };
  await session.counting("exporting", runs.length, async (done) => {
    for (const run of runs) {
      await bring(run);
      done();
    }
  });
  await clearStage(root);
  const left = Object.fromEntries(without);
  await session.out.single({
    json: { out: root, written, there, bytes, without: left },
    lines: [
      `${root}: ${plural(written, "run")} written${there === 0 ? "" : `, ${there} there already and left alone`}`,
      ...Object.entries(left).map(([reason, count]) => `left out: ${count}: ${reason}`),
    ],
    name: root,
  });
  if (written > 0) {
    const [first] = await readdir(root);
    session.out.note(layout === "exp" ? `EXP reads each: Experiment.load_from_dir("${root}/${first}")` : READS);
  }
  return written + there === 0 && runs.length > 0 ? EXIT.refused : EXIT.ok;
}

const READS = "ztxexp reads it: ResultAnalyzer(path); exclude_completed() takes its runs for completed";
