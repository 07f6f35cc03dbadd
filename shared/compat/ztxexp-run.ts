/** [P] One directory of a ztxexp results root (schema 2), from the texts of its files. */
import { METRIC_KEYS_MAX, PARAMS_BYTES_MAX } from "../run/limits.ts";
import { isObject, type PythonJson, type PythonObject, pythonJsonText, readPythonJson } from "./imported-config.ts";
import { damaged, type FoundRun, type ImportedMetric, MetricLasts, timeOf } from "./imported-run.ts";

/** Texts of the files; undefined where there is none. */
export interface ZtxexpFiles {
  readonly runJson: string | undefined;
  readonly configJson: string | undefined;
  readonly metaJson: string | undefined;
  readonly metricsJson: string | undefined;
  readonly metricsJsonl: string | undefined;
}

/** Names of these files. */
export const ZTXEXP_FILES: { readonly [key in keyof ZtxexpFiles]: string } = {
  runJson: "run.json",
  configJson: "config.json",
  metaJson: "meta.json",
  metricsJson: "metrics.json",
  metricsJsonl: "metrics.jsonl",
};

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
      metrics: metricsOf(files),
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

/** What the program returned, and of the other metrics the last value. What cannot be read is passed over. */
function metricsOf(files: ZtxexpFiles): ImportedMetric[] {
  const lasts = new MetricLasts(METRIC_KEYS_MAX);
  for (const line of (files.metricsJsonl ?? "").split("\n")) {
    if (line === "") continue;
    const event = objectOf(line);
    if (typeof event === "string" || !isObject(event.metrics)) continue;
    const step = numberOf(event.step);
    for (const [key, value] of Object.entries(event.metrics)) {
      const number = numberOf(value);
      if (number !== undefined) lasts.add(key, number, step);
    }
  }
  const returned = files.metricsJson === undefined ? {} : objectOf(files.metricsJson);
  if (typeof returned === "object") addFinals(lasts, "", returned);
  return lasts.all();
}

function addFinals(lasts: MetricLasts, prefix: string, object: PythonObject): void {
  for (const [key, value] of Object.entries(object)) {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    const number = numberOf(value);
    if (number !== undefined) lasts.addFinal(name, number);
    else if (isObject(value)) addFinals(lasts, name, value);
  }
}

function numberOf(value: PythonJson | undefined): number | undefined {
  return typeof value === "bigint" || typeof value === "number" ? Number(value) : undefined;
}

/** A list of texts, or an object, whose entries become "key=value". */
function tagsOf(value: PythonJson | undefined): string[] {
  if (Array.isArray(value)) return value.filter((tag) => typeof tag === "string");
  if (!isObject(value)) return [];
  return Object.entries(value).map(([key, item]) => `${key}=${typeof item === "string" ? item : pythonJsonText(item)}`);
}
