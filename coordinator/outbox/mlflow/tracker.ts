/**
 * Runs in MLflow: an experiment for each sweep, a run for each run, found again by a tag. Servers that keep points in a database
 * pass over a point that they have; others do not, so what may have arrived before is asked for and left out.
 */
import type { Logger } from "pino";
import { paramsToPlain } from "../../../shared/spec/params-json.ts";
import { CallError } from "../http-call.ts";
import type { CurvePoint } from "../run-points.ts";
import { type PortionToSend, RunGone, type Tracker } from "../run-tracker.ts";
import type { SharedRun } from "../shared-run.ts";
import {
  type KeyValue,
  type MlflowClient,
  MlflowError,
  type MlflowMetric,
  NOT_THERE,
  type RunUpdate,
} from "./client.ts";
import { cutText, EXPERIMENT_CHARS_MAX, mlflowKey, PARAM_CHARS_MAX, TAG_CHARS_MAX } from "./names.ts";

export interface MlflowTrackerOptions {
  /** As `mlflow:name`. */
  readonly name: string;
  /** Before the names of experiments. */
  readonly prefix: string;
  readonly client: MlflowClient;
  readonly logger: Pick<Logger, "warn">;
}

type Items =
  | { readonly kind: "metrics"; readonly list: readonly MlflowMetric[] }
  | { readonly kind: "params" | "tags"; readonly list: readonly KeyValue[] };

/** By which a run is found again. */
const RUN_TAG = "expfleet.run_id";
/** Of a call. */
const COUNT_MAX = { metrics: 1_000, params: 100, tags: 100 } as const;
/** Of a call, whose limit is a million. */
const BYTES_MAX = 800_000;
const DOUBLE_MAX = Number.MAX_VALUE;

export function createMlflowTracker({ name, prefix, client, logger }: MlflowTrackerOptions): Tracker {
  /** Ids by name. */
  const experiments = new Map<string, string>();

  async function experimentOf(run: SharedRun, signal: AbortSignal): Promise<string> {
    const experiment = experimentName(prefix, run);
    const id = experiments.get(experiment) ?? (await client.experiment(experiment, signal));
    experiments.set(experiment, id);
    return id;
  }

  /** In calls that are small enough; what is refused goes alone, so that it takes nothing along. */
  async function log(
    remote: string,
    items: Items,
    signal: AbortSignal,
    countMax: number = COUNT_MAX[items.kind],
  ): Promise<void> {
    for (const parts of partsOf(items, countMax)) {
      try {
        await client.logBatch(remote, { [parts.kind]: parts.list }, signal);
      } catch (error) {
        if (!(error instanceof MlflowError) || error.isTransient || error.code === NOT_THERE) throw error;
        if (await client.isDeleted(remote, signal)) throw new CallError("the run was deleted there", false);
        if (parts.list.length > 1) await log(remote, parts, signal, Math.ceil(parts.list.length / 2));
        else logger.warn({ channel: name, run: remote, refused: parts.list[0]?.key, error: error.message }, "left out");
      }
    }
  }

  /** What is not there is made anew, from the beginning. */
  async function within<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MlflowError) || error.code !== NOT_THERE) throw error;
      experiments.clear();
      throw new RunGone(error.message);
    }
  }

  return {
    name,
    valuesMax: COUNT_MAX.metrics,
    async open(run, remote, _sent, signal) {
      if (remote !== undefined) return remote;
      return await within(async () => {
        const experimentId = await experimentOf(run, signal);
        const tag = { key: RUN_TAG, value: run.record.runId };
        // An earlier try may have made it, and its answer been lost.
        const found = await client.findRun(experimentId, tag, signal);
        if (found !== undefined) return found;
        const startTime = run.attempts[0]?.startedAt ?? run.record.createdAt;
        const tags = [tag, ...tagsOf(run)].slice(0, COUNT_MAX.tags);
        return await client.createRun({ experimentId, name: run.record.runRef, startTime, tags }, signal);
      });
    },
    async send(_run, remote, portion, signal) {
      await within(async () => {
        const all = metricsOf(portion.points);
        const list = portion.isRepeat ? await withoutKnown(client, remote, all, signal) : all;
        await log(remote, { kind: "metrics", list }, signal);
        await log(remote, { kind: "tags", list: finalTexts(portion) }, signal);
      });
      return 0;
    },
    description: (run) => JSON.stringify([updateOf(run), tagsOf(run), paramsOf(run)]),
    async describe(run, remote, signal) {
      await within(async () => {
        await log(remote, { kind: "params", list: paramsOf(run) }, signal);
        await log(remote, { kind: "tags", list: tagsOf(run) }, signal);
        await client.updateRun(remote, updateOf(run), signal);
      });
    },
    probe: (signal) => client.probe(signal),
  };
}

export function experimentName(prefix: string, { project, record }: SharedRun): string {
  const name = `${prefix}${project === "" ? "" : `${project}/`}${record.sweepRef}`;
  return name.length <= EXPERIMENT_CHARS_MAX ? name : mlflowKey(name);
}

/** Points as metrics, each once: MLflow has a place for equal ones only once. */
export function metricsOf(points: readonly CurvePoint[]): MlflowMetric[] {
  const metrics = new Map<string, MlflowMetric>();
  for (const { step, at, values } of points) {
    for (const [key, value] of values) {
      const metric = {
        key: mlflowKey(key),
        value: Number.isFinite(value) ? value : String(value),
        timestamp: Math.floor(at),
        step: Math.trunc(step),
      };
      metrics.set(idOf(metric), metric);
    }
  }
  return [...metrics.values()];
}

async function withoutKnown(
  client: MlflowClient,
  remote: string,
  metrics: readonly MlflowMetric[],
  signal: AbortSignal,
): Promise<MlflowMetric[]> {
  const missing = new Map(metrics.map((metric) => [idOf(metric), metric]));
  for (const key of new Set(metrics.map((metric) => metric.key))) {
    await client.history(remote, key, (metric) => missing.delete(idOf(metric)), signal);
  }
  return [...missing.values()];
}

/** Databases keep infinities as the largest numbers. */
function idOf({ key, value, timestamp, step }: MlflowMetric): string {
  const number = Number(value);
  const kept = Math.abs(number) >= DOUBLE_MAX ? Math.sign(number) * Number.POSITIVE_INFINITY : number;
  return `${step} ${timestamp} ${kept} ${key}`;
}

function finalTexts({ points }: PortionToSend): KeyValue[] {
  const last = new Map<string, string>();
  for (const { texts } of points) for (const [key, text] of texts) last.set(mlflowKey(`final.${key}`), text);
  return [...last].map(([key, text]) => ({ key, value: cutText(text, TAG_CHARS_MAX) }));
}

function paramsOf({ record }: SharedRun): KeyValue[] {
  return Object.entries(paramsToPlain(record.params)).map(([key, value]) => ({
    key: mlflowKey(key),
    value: cutText(typeof value === "string" ? value : JSON.stringify(value), PARAM_CHARS_MAX),
  }));
}

/** Those that a run has no more are empty: MLflow would keep the old ones. */
function tagsOf({ record, project, annotation, attempts }: SharedRun): KeyValue[] {
  const commit = record.provenance?.code?.git?.commit;
  const tags: { [key: string]: string | undefined } = {
    "mlflow.source.name": record.command,
    "mlflow.source.git.commit": commit ?? undefined,
    "expfleet.run": record.runRef,
    "expfleet.sweep": record.sweepRef,
    "expfleet.project": project || undefined,
    "expfleet.state": record.state,
    "expfleet.reason": record.reason,
    "expfleet.attempt": String(attempts.length),
    "expfleet.node": attempts.at(-1)?.node,
    "expfleet.tags": [...new Set([...record.tags, ...annotation.tags])].join(","),
    "expfleet.note": annotation.note,
  };
  return Object.entries(tags).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: cutText(value, TAG_CHARS_MAX) }],
  );
}

function updateOf({ record }: SharedRun): RunUpdate {
  return { status: STATUS[record.state], endTime: record.finishedAt };
}

const STATUS: { readonly [state in SharedRun["record"]["state"]]: RunUpdate["status"] } = {
  queued: "SCHEDULED",
  assigned: "SCHEDULED",
  held: "SCHEDULED",
  running: "RUNNING",
  unknown: "RUNNING",
  succeeded: "FINISHED",
  skipped: "FINISHED",
  failed: "FAILED",
  cancelled: "KILLED",
};

function* partsOf(items: Items, countMax: number): Generator<Items> {
  let list: (MlflowMetric | KeyValue)[] = [];
  let bytes = 0;
  for (const item of items.list) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (list.length > 0 && (list.length === countMax || bytes + size > BYTES_MAX)) {
      yield { kind: items.kind, list } as Items;
      list = [];
      bytes = 0;
    }
    list.push(item);
    bytes += size;
  }
  if (list.length > 0) yield { kind: items.kind, list } as Items;
}
