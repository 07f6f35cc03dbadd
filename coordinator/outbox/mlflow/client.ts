/** The calls of MLflow's REST API that showing runs takes, by its documented names and limits. */
import { type Answer, CallError, call, fieldsOf } from "../http-call.ts";

export interface MlflowAccess {
  /** Such as https://mlflow.example.org, without a "/" at the end. */
  readonly url: string;
  /** Value of the header Authorization; empty: none. */
  readonly authorization: string;
}

export interface MlflowMetric {
  readonly key: string;
  /** NaN and infinities as the texts that JSON of protobuf has for them. */
  readonly value: number | string;
  /** Unix ms. */
  readonly timestamp: number;
  readonly step: number;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface NewRun {
  readonly experimentId: string;
  readonly name: string;
  /** Unix ms. */
  readonly startTime: number;
  readonly tags: readonly KeyValue[];
}

export interface RunUpdate {
  readonly status: "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";
  /** Unix ms. */
  readonly endTime: number | undefined;
}

export interface RunParts {
  readonly metrics?: readonly MlflowMetric[];
  readonly params?: readonly KeyValue[];
  readonly tags?: readonly KeyValue[];
}

export interface MlflowClient {
  /** Id of the experiment; made where there is none. */
  experiment(name: string, signal: AbortSignal): Promise<string>;
  /** Id of the newest run of the experiment with such a tag. */
  findRun(experimentId: string, tag: KeyValue, signal: AbortSignal): Promise<string | undefined>;
  createRun(run: NewRun, signal: AbortSignal): Promise<string>;
  updateRun(id: string, update: RunUpdate, signal: AbortSignal): Promise<void>;
  logBatch(id: string, parts: RunParts, signal: AbortSignal): Promise<void>;
  isDeleted(id: string, signal: AbortSignal): Promise<boolean>;
  /** Hands each point of the metric to `visit`. */
  history(id: string, key: string, visit: (metric: MlflowMetric) => void, signal: AbortSignal): Promise<void>;
  /** One line about the server. */
  probe(signal: AbortSignal): Promise<string>;
}

/** A refusal with a code of MLflow. */
export class MlflowError extends CallError {
  readonly code: string;

  constructor(code: string, message: string, isTransient: boolean, afterMs?: number) {
    super(message, isTransient, afterMs);
    this.name = "MlflowError";
    this.code = code;
  }
}

export const NOT_THERE = "RESOURCE_DOES_NOT_EXIST";
const ALREADY_THERE = "RESOURCE_ALREADY_EXISTS";
/** Refusals that would come again for the same content. */
const FINAL: ReadonlySet<string> = new Set([NOT_THERE, ALREADY_THERE, "INVALID_PARAMETER_VALUE", "BAD_REQUEST"]);
const PAGE = 25_000;
const PAGES_MAX = 1_000;

export function createMlflowClient({ url, authorization }: MlflowAccess): MlflowClient {
  const headers = authorization === "" ? {} : { authorization };
  const get = (path: string, query: { readonly [name: string]: string }, signal: AbortSignal) =>
    read(call({ method: "GET", url: `${url}/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`, headers, signal }));
  const post = (path: string, body: unknown, signal: AbortSignal) =>
    read(call({ method: "POST", url: `${url}/api/2.0/mlflow/${path}`, headers, body: JSON.stringify(body), signal }));

  async function findExperiment(name: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const answer = await get("experiments/get-by-name", { experiment_name: name }, signal);
      const { experiment_id: id, lifecycle_stage: stage } = fieldsOf(answer.experiment);
      // Somebody has to decide: nothing goes into what was thrown away.
      if (stage === "deleted") throw new CallError(`the experiment ${name} is deleted there: restore it`, true);
      return textOf(id, "experiment_id");
    } catch (error) {
      if (error instanceof MlflowError && error.code === NOT_THERE) return undefined;
      throw error;
    }
  }

  return {
    async experiment(name, signal) {
      const known = await findExperiment(name, signal);
      if (known !== undefined) return known;
      try {
        return textOf((await post("experiments/create", { name }, signal)).experiment_id, "experiment_id");
      } catch (error) {
        if (!(error instanceof MlflowError) || error.code !== ALREADY_THERE) throw error;
        const made = await findExperiment(name, signal);
        if (made === undefined) throw new CallError(`the experiment ${name} is there and cannot be found`, true);
        return made;
      }
    },
    async findRun(experimentId, { key, value }, signal) {
      const filter = `tags."${key}" = '${value}'`;
      const body = { experiment_ids: [experimentId], filter, max_results: 1, run_view_type: "ALL" };
      const { runs } = await post("runs/search", body, signal);
      const [run] = Array.isArray(runs) ? runs : [];
      return run === undefined ? undefined : textOf(fieldsOf(fieldsOf(run).info).run_id, "run_id");
    },
    async createRun({ experimentId, name, startTime, tags }, signal) {
      const body = { experiment_id: experimentId, run_name: name, start_time: startTime, tags };
      const { run } = await post("runs/create", body, signal);
      return textOf(fieldsOf(fieldsOf(run).info).run_id, "run_id");
    },
    async updateRun(id, { status, endTime }, signal) {
      await post("runs/update", { run_id: id, status, ...(endTime !== undefined && { end_time: endTime }) }, signal);
    },
    async logBatch(id, parts, signal) {
      await post("runs/log-batch", { run_id: id, ...parts }, signal);
    },
    async isDeleted(id, signal) {
      const { run } = await get("runs/get", { run_id: id }, signal);
      return fieldsOf(fieldsOf(run).info).lifecycle_stage === "deleted";
    },
    async history(id, key, visit, signal) {
      let page = "";
      for (let n = 0; n < PAGES_MAX; n++) {
        const query = { run_id: id, metric_key: key, max_results: String(PAGE), ...(page && { page_token: page }) };
        const answer = await get("metrics/get-history", query, signal);
        for (const each of Array.isArray(answer.metrics) ? answer.metrics : []) {
          const { value, timestamp, step } = fieldsOf(each);
          visit({ key, value: numberOf(value), timestamp: Number(timestamp ?? 0), step: Number(step ?? 0) });
        }
        page = typeof answer.next_page_token === "string" ? answer.next_page_token : "";
        if (page === "") return;
      }
    },
    async probe(signal) {
      const { experiments } = await post("experiments/search", { max_results: 1 }, signal);
      return Array.isArray(experiments) && experiments.length > 0 ? "it has experiments" : "it has no experiment yet";
    },
  };
}

/** What does not speak of the content (a wrong token, a proxy, another program) may be mended meanwhile. */
async function read(answer: Promise<Answer>): Promise<{ readonly [name: string]: unknown }> {
  try {
    const { json } = await answer;
    if (typeof json !== "object" || json === null) throw new CallError("the answer is not one of MLflow", true);
    return fieldsOf(json);
  } catch (error) {
    if (!(error instanceof CallError) || !error.answer) throw error;
    const { error_code: code, message } = fieldsOf(error.answer.json);
    if (typeof code !== "string") throw new CallError(error.message, true, error.afterMs, error.answer);
    const text = `${code}: ${String(message ?? "").slice(0, 300)}`;
    throw new MlflowError(code, text, error.isTransient || !FINAL.has(code), error.afterMs);
  }
}

function textOf(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new CallError(`the answer has no ${what}`, true);
}

function numberOf(value: unknown): number | string {
  return typeof value === "number" ? value : String(value ?? 0);
}
