/**
 * `exp import`: takes over what EXP or ztxexp completed, with its curves, so that it is listed and not run again; and TensorBoard's
 * event files.
 */
import { hostname } from "node:os";
import { basename, resolve } from "node:path";
import { type ImportedPlace, ImportTool as ImportToolMessage } from "../../proto/gen/runner/v1/control.ts";
import { sweepName } from "../../shared/compat/exp-toml.ts";
import type { ImportedRun, ImportTool } from "../../shared/compat/imported-run.ts";
import { nameProblem } from "../../shared/run/names.ts";
import { type Args, usage } from "../args.ts";
import type { Client } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { pointsOf, type Say } from "../import-points.ts";
import { findRuns } from "../import-source.ts";
import { findEventRuns } from "../import-tensorboard.ts";
import { plural } from "../render/text.ts";
import type { Command } from "../session.ts";

/** Of one call: so many runs, or so many characters of them. */
const BATCH_RUNS = 1_000;
const BATCH_CHARS = 4 * 1024 * 1024;

const TOOLS: { readonly [tool in ImportTool]: ImportToolMessage } = {
  exp: ImportToolMessage.IMPORT_TOOL_EXP,
  ztxexp: ImportToolMessage.IMPORT_TOOL_ZTXEXP,
  tensorboard: ImportToolMessage.IMPORT_TOOL_TENSORBOARD,
};

export const importRuns: Command = {
  options: {
    name: { describe: "name of the sweep that the runs are listed in [name of the directory]" },
  },
  examples: [
    ["exp import exp ./experiments", "what EXP wrote under its base_experiment_dir"],
    ["exp import ztxexp ./results_root", "a results root of ztxexp"],
    ["exp import tensorboard ./logs", "event files: each directory is a run, each scalar a metric point"],
  ],
  async run(session, args) {
    const tool = toolOf(args);
    const root = resolve(session.config.cwd, args.required("path"));
    const name = args.text("name") ?? sweepName(basename(root));
    const problem = nameProblem(name);
    if (problem !== undefined) throw usage(`--name ${problem}`);
    const client = await session.connect();
    const sender = createSender(client, { tool, host: hostname(), root, name }, (problem) => session.out.warn(problem));
    const runs = tool === "tensorboard" ? findEventRuns(root) : findRuns(tool, root);
    const others = new Map<string, number>();
    let damaged = 0;
    for await (const { directory, found } of runs) {
      if (found.kind === "completed") {
        await sender.add(found.run);
      } else if (found.kind === "damaged") {
        damaged += 1;
        session.out.warn(`${directory} is left out: ${found.problem}`);
      } else if (found.kind === "not-completed") {
        others.set(found.status, (others.get(found.status) ?? 0) + 1);
      }
    }
    const { sweep, added, known } = await sender.end();
    const notCompleted = Object.fromEntries([...others].sort(([a], [b]) => (a < b ? -1 : 1)));
    await session.out.single({
      json: { sweep: sweep === "" ? null : sweep, added, known, damaged, notCompleted },
      lines: [summary(root, { sweep, added, known, damaged }, notCompleted)],
      name: sweep,
    });
    if (added > 0) session.out.next(`exp ls ${sweep}`);
    return added + known === 0 ? EXIT.refused : EXIT.ok;
  },
};

interface Totals {
  readonly sweep: string;
  readonly added: number;
  readonly known: number;
}

function toolOf(args: Args): ImportTool {
  const tool = args.required("tool");
  if (tool === "exp" || tool === "ztxexp" || tool === "tensorboard") return tool;
  throw usage(`import what? "${tool}" is not known`, "exp import exp, ztxexp or tensorboard, and the directory");
}

/** Sends runs in batches, each of them durable when the next one goes. */
function createSender(
  client: Client,
  place: { readonly tool: ImportTool; readonly host: string; readonly root: string; readonly name: string },
  say: Say,
) {
  const { tool, root } = place;
  let batch: ImportedRun[] = [];
  let chars = 0;
  let totals: Totals = { sweep: "", added: 0, known: 0 };
  const send = async () => {
    const runs = batch.map((run) => ({ ...run, metrics: [], tags: [...run.tags] }));
    batch = [];
    chars = 0;
    const { sweep, added, known, places } = await client.importRuns({ ...place, tool: TOOLS[tool], runs });
    for (const each of places) {
      if (!each.complete) await sendPoints(client, each, pointsOf(tool, root, each.directory, say));
    }
    totals = { sweep, added: totals.added + added, known: totals.known + known };
  };
  return {
    async add(run: ImportedRun): Promise<void> {
      batch.push(run);
      chars += run.configJson.length + run.command.length;
      if (batch.length >= BATCH_RUNS || chars >= BATCH_CHARS) await send();
    },
    async end(): Promise<Totals> {
      if (batch.length > 0) await send();
      return totals;
    },
  };
}

/** From where an earlier call was interrupted. The last portion says that it is the last. */
async function sendPoints(client: Client, place: ImportedPlace, portions: AsyncIterable<Buffer>): Promise<void> {
  let offset = 0;
  let data: Buffer = Buffer.alloc(0);
  const send = async (complete: boolean) => {
    const end = offset + data.length;
    if (complete || end > place.stored) await client.importPoints({ runId: place.runId, offset, data, complete });
    offset = end;
  };
  for await (const portion of portions) {
    if (data.length > 0) await send(false);
    data = portion;
  }
  await send(true);
}

/** "results.1: 12 runs imported, 3 known already; left out: 2 failed, 1 damaged" */
function summary(
  root: string,
  totals: Totals & { readonly damaged: number },
  notCompleted: { readonly [status: string]: number },
): string {
  const { sweep, added, known, damaged } = totals;
  const left = Object.entries(notCompleted).map(([status, count]) => `${count} ${status}`);
  if (damaged > 0) left.push(`${damaged} damaged`);
  const rest = left.length === 0 ? "" : `; left out: ${left.join(", ")}`;
  if (sweep === "") return `${root} holds no completed run${rest}`;
  const before = known === 0 ? "" : `, ${known} known already`;
  return `${sweep}: ${plural(added, "run")} imported${before}${rest}`;
}
