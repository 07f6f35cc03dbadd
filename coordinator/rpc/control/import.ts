/** Import: runs that EXP or ztxexp completed become terminal runs here, one sweep for each directory they lie in. */

import { hash } from "node:crypto";
import { posix } from "node:path";
import {
  type ImportedPlace,
  type ImportedRun as ImportedRunMessage,
  type ImportRequest,
  type ImportResponse,
  ImportTool,
} from "../../../proto/gen/runner/v1/control.ts";
import {
  comparedText,
  configKey,
  experimentKey,
  isObject,
  type PythonObject,
  paramsOfConfig,
  readPythonJson,
} from "../../../shared/compat/imported-config.ts";
import type { ImportTool as Tool } from "../../../shared/compat/imported-run.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { runId, sweepId } from "../../../shared/kernel/ids.ts";
import { METRIC_KEYS_MAX, PARAMS_BYTES_MAX, RUNS_PER_SWEEP_MAX } from "../../../shared/run/limits.ts";
import { nameProblem, sweepRef } from "../../../shared/run/names.ts";
import { paramsToJson } from "../../../shared/spec/params-json.ts";
import { escapeTemplate } from "../../../shared/spec/placeholders.ts";
import { templateToJson } from "../../../shared/spec/template-json.ts";
import type { RunShape } from "../../../shared/spec/types.ts";
import type { NewImportedRun } from "../../core/imported.ts";
import type { ImportedSweep } from "../../store/imports.ts";
import type { Caller } from "../auth.ts";
import type { WriteDeps } from "./deps-write.ts";

/** Of one call. */
const RUNS_MAX = 10_000;

export type ImportDeps = Pick<WriteDeps, "engine" | "queries" | "submissions" | "newUlid" | "clock">;

/** One import at a time: what is there already is looked up before it is written. */
export const importRuns = (deps: ImportDeps) => {
  let last: Promise<unknown> = Promise.resolve();
  return (request: ImportRequest, caller: Caller): Promise<ImportResponse> => {
    const answer = last.then(() => importOne(deps, request, caller));
    last = answer.catch(() => undefined);
    return answer;
  };
};

async function importOne(deps: ImportDeps, request: ImportRequest, caller: Caller): Promise<ImportResponse> {
  const tool = checked(request);
  const read = request.runs.map((run) => readRun(tool, request.root, run));
  const known = deps.queries.imports.known(read.map(({ origin }) => origin));
  const fresh = [...new Map(read.map((run) => [run.origin, run])).values()]
    .filter(({ origin }) => !known.has(origin))
    .sort((a, b) => a.startedAt - b.startedAt);
  const submitId = `import-${hash("sha256", JSON.stringify([tool, request.host, request.root]), "hex").slice(0, 32)}`;
  const earlier = deps.queries.imports.sweepOf(submitId);
  const answer = { added: fresh.length, known: read.length - fresh.length };
  if (fresh.length === 0) {
    return { sweep: earlier ? sweepRef(earlier.name, earlier.number) : "", ...answer, places: placesOf(deps, read) };
  }
  if ((earlier?.total ?? 0) + fresh.length > RUNS_PER_SWEEP_MAX) {
    throw new AppError("exhausted", `one sweep holds at most ${RUNS_PER_SWEEP_MAX} runs`, { id: "import.too-many" });
  }
  const number = earlier?.number ?? deps.submissions.nextNumber(request.name);
  const name = earlier?.name ?? request.name;
  const { shapes, shapeOf } = shapesOf(fresh, earlier);
  await deps.engine.apply({
    kind: "import",
    by: caller.name,
    sweep: {
      id: earlier?.id ?? sweepId(`swp_${deps.newUlid()}`),
      name,
      project: "",
      description: `imported from ${tool}`,
      note: "",
      tags: [],
      shapes: [],
      submitId,
      createdAt: deps.clock.wallMs(),
      total: fresh.length,
      priority: 0,
      parallel: 0,
      shares: true,
      hold: false,
      after: [],
      failuresMax: 0,
      gpuMsMax: 0,
      deadline: 0,
      objective: undefined,
      sourcePath: request.root,
      sourceText: "",
    },
    number,
    into: earlier?.id,
    shapes,
    runs: fresh.map(({ shape, relative: _, ...run }, i): NewImportedRun => {
      const index = (earlier?.total ?? 0) + i + 1;
      return { ...run, id: runId(`run_${deps.newUlid()}`), index, shape: shapeOf(shape) };
    }),
  });
  return { sweep: sweepRef(name, number), ...answer, places: placesOf(deps, read) };
}

/** Where the points of runs go that bring some. */
function placesOf(deps: ImportDeps, read: readonly ReadRun[]): ImportedPlace[] {
  const awaiting = new Map(read.flatMap((run) => (run.pointsFollow ? [[run.origin, run.relative]] : [])));
  return deps.queries.imports.points([...awaiting.keys()]).map(({ id, origin, stored, complete }) => {
    const ref = deps.queries.runs.get(id)?.ref ?? "";
    return { directory: awaiting.get(origin) ?? "", runId: id, ref, stored, complete };
  });
}

/** Throws AppError (invalid) for a request that nothing can be made of. */
function checked(request: ImportRequest): Tool {
  const refuse = (message: string) => new AppError("invalid", message, { id: "import.request" });
  const problem = nameProblem(request.name);
  if (problem !== undefined) throw refuse(`the name of the sweep ${problem}`);
  if (!request.root.startsWith("/")) throw refuse("the imported directory is not absolute");
  if (request.runs.length > RUNS_MAX) throw refuse(`more than ${RUNS_MAX} runs in one call`);
  if (request.tool === ImportTool.IMPORT_TOOL_EXP) return "exp";
  if (request.tool === ImportTool.IMPORT_TOOL_ZTXEXP) return "ztxexp";
  if (request.tool === ImportTool.IMPORT_TOOL_TENSORBOARD) return "tensorboard";
  throw refuse("runs of which program?");
}

type ReadRun = Omit<NewImportedRun, "id" | "index" | "shape"> & {
  readonly shape: RunShape;
  /** Its directory from the root. */
  readonly relative: string;
};

function readRun(tool: Tool, root: string, run: ImportedRunMessage): ReadRun {
  const config = configOf(run);
  const text = tool === "ztxexp" ? comparedText(config) : undefined;
  const key =
    tool === "exp" ? experimentKey(String(config.name), run.command) : text === undefined ? undefined : configKey(text);
  // Without the root: a directory that was moved holds the same runs.
  const origin = JSON.stringify([tool, placeName(tool, run.directory), run.startedAt, key ?? ""]);
  return {
    fingerprint: `v2:${hash("sha256", `imported ${origin}`, "hex")}`,
    paramsJson: paramsToJson(paramsOfConfig(config)),
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    metrics: run.metrics.slice(0, METRIC_KEYS_MAX),
    key,
    comparedText: text ?? "",
    origin,
    directory: posix.join(root, run.directory),
    shape: shapeOfRun(run),
    relative: run.directory,
    // Only a program of an earlier version sends last values instead.
    pointsFollow: run.metrics.length === 0,
  };
}

/** TensorBoard's directories are told apart by the whole way ("lr=0.1/train", "lr=0.2/train"). */
function placeName(tool: Tool, directory: string): string {
  return tool === "tensorboard" ? directory : posix.basename(directory);
}

function configOf({ directory, configJson }: ImportedRunMessage): PythonObject {
  const refuse = (why: string) =>
    new AppError("invalid", `the configuration of ${directory} ${why}`, { id: "import.config" });
  if (Buffer.byteLength(configJson) > PARAMS_BYTES_MAX) throw refuse("is too large");
  const read = readPythonJson(configJson);
  if ("problem" in read) throw refuse(`is not JSON: ${read.problem}`);
  if (!isObject(read.value)) throw refuse("is no object");
  return read.value;
}

/** Runs of one command and the same tags share a shape, across imports too. */
function shapesOf(runs: readonly ReadRun[], earlier: ImportedSweep | undefined) {
  const keyOf = (shape: RunShape) => templateToJson(shape.template) + JSON.stringify(shape.tags);
  const numbers = new Map(earlier?.shapes.map(({ templateJson, tagsJson }, i) => [templateJson + tagsJson, i]));
  const shapes: { number: number; shape: RunShape }[] = [];
  for (const { shape } of runs) {
    const key = keyOf(shape);
    if (numbers.has(key)) continue;
    shapes.push({ number: numbers.size, shape });
    numbers.set(key, numbers.size);
  }
  return { shapes, shapeOf: (shape: RunShape) => numbers.get(keyOf(shape)) ?? 0 };
}

/** What ran is known, what it needed is not. It never runs again: a run that succeeded cannot be retried. */
function shapeOfRun({ command, tags }: ImportedRunMessage): RunShape {
  return {
    template: { command: escapeTemplate(command || "(not known)"), args: "none", cwd: "/", env: {} },
    resources: { gpus: undefined, cpus: undefined },
    limits: { timeMs: 0, idleMs: 0, stopGraceMs: 0 },
    retry: { max: 0 },
    tags,
  };
}
