/**
 * [P] EXP's own file as a sweep: each run of its queue is a point with its own command, directory and environment, in EXP's
 * order. `${…}` has no meaning in such a file and stays as it is.
 */
import { hash } from "node:crypto";
import { NAME_CHARS_MAX } from "../run/limits.ts";
import { canonicalJson } from "../spec/canonical.ts";
import { readDocument, type SpecSource } from "../spec/document.ts";
import { paramsToJson } from "../spec/params-json.ts";
import { escapeTemplate } from "../spec/placeholders.ts";
import type { SpecProblem } from "../spec/problems.ts";
import { createReport, fileOf, problemsOf } from "../spec/report.ts";
import type { ExpandedSweep, Params, RunShape, SweepPoint, SweepSettings } from "../spec/types.ts";
import { type ExpEntry, isExpShape, readExpFile } from "./exp-file.ts";
import { Notes } from "./exp-notes.ts";
import { experimentKey } from "./imported-config.ts";

/** What EXP gives a program between TERM and KILL. */
const STOP_GRACE_MS = 5_000;

/** Parameters that say which run of the file a run is. */
const EXP_NAME_PARAM = "name";
const REPEAT_PARAM = "repeat";
const DESCRIPTION_PARAM = "description";

/** Undefined for what is no EXP file; what is no TOML at all is left to the reader of sweep files to refuse. */
export function readExpSweep(source: SpecSource): { sweep: ExpandedSweep } | { problems: SpecProblem[] } | undefined {
  if (source.format !== "toml" || !/scheduler|experiments/.test(source.text)) return undefined;
  const root = readDocument(source);
  if ("message" in root || !isExpShape(root)) return undefined;
  const report = createReport([fileOf(source)]);
  const warnings = createReport([fileOf(source)]);
  const notes = new Notes();
  const file = readExpFile(report, notes, root, {
    configDirectory: source.directory,
    workingDirectory: source.workingDirectory || source.directory,
    home: source.home ?? "",
  });
  if (report.findings.length > 0) return { problems: problemsOf(report) };
  notes.intoReport(warnings);
  return { sweep: sweepOf(sweepName(source.path), file.entries, file.parallel, problemsOf(warnings)) };
}

/** The name of the file without its ending, as far as a sweep can be called so. */
export function sweepName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1).replace(/\.toml$/i, "");
  const name = file.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, NAME_CHARS_MAX) || "experiments";
}

/** What makes two runs of EXP files the same work. `repeat` counts the runs of one name and command. */
function expFingerprint(entry: Pick<ExpEntry, "name" | "command" | "environment" | "repeat">): string {
  const { name, command, environment, repeat } = entry;
  return `v2:${hash("sha256", canonicalJson({ experiment: { name, command, environment, repeat } }), "hex")}`;
}

function sweepOf(
  name: string,
  entries: readonly ExpEntry[],
  parallel: number,
  warnings: readonly SpecProblem[],
): ExpandedSweep {
  const { shapes, shapeOf } = shapesOf(entries);
  const repeated = new Set(entries.filter(({ repeat }) => repeat > 1).map(workOf));
  return {
    sweep: { ...NO_SETTINGS, name, parallel },
    shapes,
    points: { [Symbol.iterator]: () => pointsOf(entries, shapeOf, repeated) },
    total: entries.length,
    numbered: false,
    params: { replicates: [REPEAT_PARAM], numbered: [], derived: [] },
    report: {
      axes: [{ step: "runs", key: "experiments", size: entries.length, variant: undefined }],
      product: entries.length,
      where: [],
      duplicates: 0,
      steps: ["runs"],
      order: "exp",
      shuffleSeed: 0,
      cut: 0,
      warnings,
    },
  };
}

const NO_SETTINGS: Omit<SweepSettings, "name" | "parallel"> = {
  project: "",
  description: "",
  note: "",
  tags: [],
  priority: 0,
  hold: false,
  after: [],
  failures: 0,
  gpuMs: 0,
  deadline: 0,
  runsMax: 0,
  objective: undefined,
  rerun: "missing",
  identity: { ignore: [], include: ["command"] },
};

function* pointsOf(
  entries: readonly ExpEntry[],
  shapeOf: readonly number[],
  repeated: ReadonlySet<string>,
): Generator<SweepPoint> {
  for (const [i, entry] of entries.entries()) {
    const params = paramsOf(entry, repeated.has(workOf(entry)));
    yield {
      index: i + 1,
      params,
      paramsJson: paramsToJson(params),
      fingerprint: expFingerprint(entry),
      shape: shapeOf[i] ?? 0,
      priority: entry.priority,
      imported: { key: experimentKey(entry.name, entry.command), nth: entry.repeat },
    };
  }
}

function paramsOf(entry: ExpEntry, isRepeated: boolean): Params {
  const params = new Map<string, string | number>([[EXP_NAME_PARAM, entry.name]]);
  if (isRepeated) params.set(REPEAT_PARAM, entry.repeat);
  if (entry.description !== undefined) params.set(DESCRIPTION_PARAM, entry.description);
  return params;
}

function workOf({ name, command }: ExpEntry): string {
  return JSON.stringify([name, command]);
}

/** Repeats share a shape, and so do entries that differ in nothing that a shape holds. */
function shapesOf(entries: readonly ExpEntry[]): { shapes: RunShape[]; shapeOf: number[] } {
  const shapes: RunShape[] = [];
  const known = new Map<string, number>();
  let group = 0;
  let last = 0;
  const shapeOf = entries.map((entry) => {
    if (entry.group === group) return last;
    group = entry.group;
    const shape = shapeOfEntry(entry);
    const key = JSON.stringify(shape);
    const found = known.get(key);
    last = found ?? shapes.length;
    if (found === undefined) {
      known.set(key, last);
      shapes.push(shape);
    }
    return last;
  });
  return { shapes, shapeOf };
}

function shapeOfEntry(entry: ExpEntry): RunShape {
  const env: { [name: string]: string } = { EXPERIMENT_NAME: escapeTemplate(entry.name) };
  for (const [name, value] of Object.entries(entry.environment)) env[name] = escapeTemplate(value);
  return {
    template: {
      command: escapeTemplate(withLiveOutput(entry.command)),
      args: "none",
      cwd: escapeTemplate(entry.cwd),
      env,
      ...(entry.table && { table: entry.table }),
    },
    resources: { gpus: entry.gpus, cpus: undefined },
    limits: { timeMs: 0, idleMs: 0, stopGraceMs: STOP_GRACE_MS },
    retry: { max: entry.retries },
    tags: entry.tags,
  };
}

/** `conda run` holds output back until the end unless it is told not to. */
function withLiveOutput(command: string): string {
  if (command.includes("--no-capture-output")) return command;
  return command.replace("conda run", "conda run --no-capture-output");
}
