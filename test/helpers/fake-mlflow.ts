/**
 * An MLflow server made from the documented calls, with its documented limits. It keeps every point that it is sent, as servers
 * that write to files do, unless it is told to keep equal ones once, as databases do.
 */
import { type Received, type Receiver, type Reply, startReceiver } from "./receiver.ts";

export interface FakeMetric {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
}

export interface FakeRun {
  readonly id: string;
  readonly experimentId: string;
  name: string;
  status: string;
  startTime: number;
  endTime: number | undefined;
  deleted: boolean;
  readonly tags: Map<string, string>;
  readonly params: Map<string, string>;
  readonly metrics: FakeMetric[];
}

export interface FakeMlflow extends AsyncDisposable {
  readonly url: string;
  /** Names by id. */
  readonly experiments: Map<string, string>;
  readonly deletedExperiments: Set<string>;
  readonly runs: Map<string, FakeRun>;
  readonly receiver: Receiver;
  keepsOnce: boolean;
  /** Header that is asked for; empty: none. */
  authorization: string;
  /** A fault in place of the answer, and whether the call is carried out all the same. */
  fault: ((request: Received, count: number) => (Reply & { readonly late?: boolean }) | undefined) | undefined;
  run(name: string): FakeRun;
}

const HISTORY_PAGE = 500;
const KEY = /^[\p{L}\p{N}_\-./ ]{1,250}$/u;

class Refusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export async function startFakeMlflow(port = 0): Promise<FakeMlflow> {
  const receiver = await startReceiver(port);
  const fake: FakeMlflow = {
    url: receiver.url,
    experiments: new Map(),
    deletedExperiments: new Set(),
    runs: new Map(),
    receiver,
    keepsOnce: false,
    authorization: "",
    fault: undefined,
    run(name) {
      const found = [...fake.runs.values()].filter((run) => run.name === name);
      if (found.length !== 1 || !found[0]) throw new Error(`${found.length} runs are called ${name}`);
      return found[0];
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  receiver.answer = (request, count) => {
    const fault = fake.fault?.(request, count);
    if (fault && !fault.late) return fault;
    const answer = answerOf(fake, request);
    return fault ?? answer;
  };
  return fake;
}

function answerOf(fake: FakeMlflow, request: Received): Reply {
  if (fake.authorization !== "" && request.headers.authorization !== fake.authorization) {
    return { status: 401, body: "You are not authenticated" };
  }
  const url = new URL(request.path, fake.url);
  const path = url.pathname.replace("/api/2.0/mlflow/", "");
  try {
    return { body: carryOut(fake, `${request.method} ${path}`, url.searchParams, request) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, body: { error_code: error.code, message: error.message } };
  }
}

function carryOut(fake: FakeMlflow, call: string, query: URLSearchParams, { json, text }: Received): unknown {
  switch (call) {
    case "GET experiments/get-by-name": {
      const name = query.get("experiment_name");
      for (const [id, each] of fake.experiments) {
        const stage = fake.deletedExperiments.has(id) ? "deleted" : "active";
        if (each === name) return { experiment: { experiment_id: id, name, lifecycle_stage: stage } };
      }
      throw new Refusal("RESOURCE_DOES_NOT_EXIST", `no experiment ${name}`, 404);
    }
    case "POST experiments/create": {
      if ([...fake.experiments.values()].includes(json.name))
        throw new Refusal("RESOURCE_ALREADY_EXISTS", "it is there");
      const id = String(fake.experiments.size + 1);
      fake.experiments.set(id, json.name);
      return { experiment_id: id };
    }
    case "POST experiments/search":
      return { experiments: [...fake.experiments].map(([id, name]) => ({ experiment_id: id, name })) };
    case "POST runs/search": {
      const [, key = "", value] = /^tags\."([^"]+)" = '([^']*)'$/.exec(json.filter) ?? [];
      const found = [...fake.runs.values()].filter(
        (run) => json.experiment_ids.includes(run.experimentId) && run.tags.get(key) === value,
      );
      return { runs: found.slice(0, json.max_results).map(viewOf) };
    }
    case "POST runs/create": {
      if (!fake.experiments.has(json.experiment_id)) throw new Refusal("RESOURCE_DOES_NOT_EXIST", "no experiment", 404);
      const id = `r${fake.runs.size + 1}`;
      const run: FakeRun = {
        id,
        experimentId: json.experiment_id,
        name: json.run_name,
        status: "RUNNING",
        startTime: json.start_time,
        endTime: undefined,
        deleted: false,
        tags: new Map(),
        params: new Map(),
        metrics: [],
      };
      fake.runs.set(id, run);
      setTags(run, json.tags);
      return { run: viewOf(run) };
    }
    case "GET runs/get":
      return { run: viewOf(runOf(fake, query.get("run_id"))) };
    case "POST runs/update": {
      const run = activeRun(fake, json.run_id);
      run.status = json.status;
      run.endTime = json.end_time ?? run.endTime;
      return { run_info: viewOf(run).info };
    }
    case "POST runs/log-batch":
      return logBatch(fake, json, text);
    case "GET metrics/get-history": {
      const run = runOf(fake, query.get("run_id"));
      const all = run.metrics.filter(({ key }) => key === query.get("metric_key"));
      const from = Number(query.get("page_token") ?? 0);
      const to = from + HISTORY_PAGE;
      return { metrics: all.slice(from, to), ...(to < all.length && { next_page_token: String(to) }) };
    }
    default:
      throw new Refusal("ENDPOINT_NOT_FOUND", call, 404);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was sent.
function logBatch(fake: FakeMlflow, json: any, text: string): unknown {
  const run = activeRun(fake, json.run_id);
  const { metrics = [], params = [], tags = [] } = json;
  if (text.length > 1_000_000) throw new Refusal("INVALID_PARAMETER_VALUE", "larger than 1 MB");
  if (metrics.length > 1000 || params.length > 100 || tags.length > 100) {
    throw new Refusal("INVALID_PARAMETER_VALUE", "too many of them");
  }
  for (const { key, value } of params) {
    if (!KEY.test(key) || value.length > 6000) throw new Refusal("INVALID_PARAMETER_VALUE", `param ${key}`);
    if ((run.params.get(key) ?? value) !== value) throw new Refusal("INVALID_PARAMETER_VALUE", `param ${key} changes`);
  }
  for (const metric of metrics) {
    const { key, step, timestamp } = metric;
    const isNumber = typeof metric.value === "number" || ["NaN", "Infinity", "-Infinity"].includes(metric.value);
    const isWhole = Number.isSafeInteger(step) && Number.isSafeInteger(timestamp);
    if (!KEY.test(key) || !isNumber || !isWhole) throw new Refusal("INVALID_PARAMETER_VALUE", `metric ${key}`);
  }
  for (const { key, value } of params) run.params.set(key, value);
  const known = new Set(fake.keepsOnce ? run.metrics.map((each) => JSON.stringify(each)) : []);
  run.metrics.push(...metrics.filter((metric: FakeMetric) => !known.has(JSON.stringify(metric))));
  setTags(run, tags);
  return {};
}

function setTags(run: FakeRun, tags: readonly { key: string; value: string }[]): void {
  for (const { key, value } of tags) {
    if (!KEY.test(key) || value.length > 5000) throw new Refusal("INVALID_PARAMETER_VALUE", `tag ${key}`);
    run.tags.set(key, value);
  }
}

function runOf(fake: FakeMlflow, id: string | null): FakeRun {
  const run = fake.runs.get(id ?? "");
  if (!run) throw new Refusal("RESOURCE_DOES_NOT_EXIST", `no run ${id}`, 404);
  return run;
}

function activeRun(fake: FakeMlflow, id: string): FakeRun {
  const run = runOf(fake, id);
  if (run.deleted) throw new Refusal("INVALID_PARAMETER_VALUE", "The run must be in the 'active' state");
  return run;
}

function viewOf({ id, experimentId, name, status, startTime, deleted }: FakeRun) {
  const lifecycle_stage = deleted ? "deleted" : "active";
  return {
    info: { run_id: id, experiment_id: experimentId, run_name: name, status, start_time: startTime, lifecycle_stage },
  };
}
