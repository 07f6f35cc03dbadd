/** [P] One directory of a ztxexp results root (schema 2), from the texts of its files. */
import { PARAMS_BYTES_MAX } from "../run/limits.ts";
import { isObject, type PythonJson, type PythonObject, pythonJsonText, readPythonJson } from "./imported-config.ts";
import { damaged, type FoundRun, timeOf } from "./imported-run.ts";

/** Texts of the files; undefined where there is none. */
export interface ZtxexpFiles {
  readonly runJson: string | undefined;
  readonly configJson: string | undefined;
  readonly metaJson: string | undefined;
}

/** Names of files. */
export const ZTXEXP_FILES = {
  runJson: "run.json",
  configJson: "config.json",
  metaJson: "meta.json",
  metricsJson: "metrics.json",
} as const;

/** The points that were logged, one on each line. */
export const ZTXEXP_METRICS = "metrics.jsonl";

/** ztxexp compares `schema_version` as a number, so `2.0` is right and `"2"` is not. */
export function readZtxexpRun(directory: string, files: ZtxexpFiles): FoundRun {
  if (files.runJson === undefined) return { kind: "other" };
  const run = objectOf(files.runJson);
  if (typeof run === "string") return damaged(`run.json ${run}`);
  if (Number(run.schema_version) !== 2 || typeof run.schema_version === "string") return { kind: "other" };
  if (run.status !== "succeeded") return { kind: "not-completed", status: String(run.status) };
  const startedAt = timeOf(run.started_at, "Z");
  const finishedAt = timeOf(run.finished_at, "Z") ?? startedAt;
  if (files.configJson === undefined) return damaged("config.json is missing");
  const config = objectOf(files.configJson);
  if (typeof config === "string") return damaged(`config.json ${config}`);
  const configJson = pythonJsonText(config);
  if (Buffer.byteLength(configJson) > PARAMS_BYTES_MAX) {
    return damaged(`config.json has more than ${PARAMS_BYTES_MAX / 1024} KiB`);
  }
  const meta = files.metaJson === undefined ? {} : objectOf(files.metaJson);
  return {
    kind: "completed",
    run: {
      directory,
      configJson,
      command: typeof meta === "object" && typeof meta.started_cmd === "string" ? meta.started_cmd : "",
      startedAt: startedAt ?? finishedAt ?? 0,
      finishedAt: Math.max(startedAt ?? 0, finishedAt ?? 0),
      tags: tagsOf(run.tags),
    },
  };
}

/** The object, or what is wrong with the text. */
function objectOf(text: string): PythonObject | string {
  const read = readPythonJson(text);
  if ("problem" in read) return `is not valid JSON: ${read.problem}`;
  return isObject(read.value) ? read.value : "is no object";
}

/** A list of texts, or an object, whose entries become "key=value". */
function tagsOf(value: PythonJson | undefined): string[] {
  if (Array.isArray(value)) return value.filter((tag) => typeof tag === "string");
  if (!isObject(value)) return [];
  return Object.entries(value).map(([key, item]) => `${key}=${typeof item === "string" ? item : pythonJsonText(item)}`);
}
