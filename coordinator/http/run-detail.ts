/** Everything of a run's page that is not a stream. */
import { type RunId, runId, type SweepId } from "../../shared/kernel/ids.ts";
import { type ClientEvent, numericCells, parseClientLine } from "../../shared/run/client-event.ts";
import type { AttemptView, RunDetail } from "../../shared/run/dashboard.ts";
import { describeRequest, requestFromJson } from "../../shared/run/devices.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";
import { viewOfRun } from "../../shared/run/records.ts";
import { describeOutcome, isTerminal } from "../../shared/run/states.ts";
import { explain } from "../core/explain.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { readRun } from "../rpc/control/get-run.ts";
import { openStored, readLines } from "../rpc/control/stored-file.ts";
import type { Annotations } from "../store/annotations.ts";
import type { AttemptRecord } from "../store/queries/attempts.ts";

/** The newest events that a page shows; /events has them all. */
const EVENTS_MAX = 200;
/** Bytes of the points at the start, by which metrics are ordered. */
const HEAD_BYTES = 64 * 1024;

export interface DetailParts {
  readonly deps: ReadDeps;
  readonly annotations: Annotations;
  /** Parameters with more than one value in a sweep. */
  readonly axesOf: (sweep: SweepId) => Promise<readonly string[]>;
}

/** Throws AppError for a reference that fails. */
export async function readRunDetail({ deps, annotations, axesOf }: DetailParts, ref: string): Promise<RunDetail> {
  const { queries } = deps;
  const place = queries.refs.resolveRun(ref);
  const id = place.runId;
  const run = readRun(deps, id);
  const record = queries.record(id);
  const shape = queries.runs.shape(id);
  const annotation = annotations.get(id);
  const view = viewOfRun(run);
  const everyRank = queries.attempts.everyRank(id).map((attempt) => attemptView(deps, attempt));
  return {
    run: view,
    command: record.command,
    cwd: record.cwd,
    resources: describeRequest(requestFromJson(shape?.resourcesJson ?? "{}")),
    differing: (await axesOf(place.sweepId)).filter((key) => Object.hasOwn(view.params, key)),
    attempts: everyRank.filter(({ rank }) => rank === 0),
    ranks: everyRank.filter(({ nodes }) => nodes > 1),
    events: queries.history.events({ before: undefined, limit: EVENTS_MAX, run: id, kinds: [] }).reverse(),
    replicates: queries.sweeps.replicates(place.sweepId),
    metricKeys: await metricKeysOf(deps, id, Object.keys(run.metrics)),
    resultsDir: run.resultsDir,
    reusedFrom: run.reusedFrom === "" ? null : run.reusedFrom,
    why: isTerminal(run.state) ? [] : whyLines(deps, id),
    tags: [...new Set([...record.tags, ...annotation.tags])],
    ownTags: annotation.tags,
    note: annotation.note,
    favourite: annotation.favourite,
  };
}

export function attemptView(deps: ReadDeps, attempt: AttemptRecord): AttemptView {
  return {
    number: attempt.number,
    fence: attempt.fence,
    rank: attempt.rank,
    nodes: attempt.nodes,
    node: attempt.node,
    devices: attempt.devices,
    state: attempt.outcome ? describeOutcome(attempt.outcome) : attempt.phase,
    phase: attempt.phase,
    outcome: attempt.outcome ?? null,
    assignedAt: attempt.assignedAt,
    startedAt: attempt.startedAt ?? null,
    finishedAt: attempt.finishedAt ?? null,
    outputBytes: deps.queries.attempts.committed(attempt.fence, "output"),
  };
}

/** As `exp why` says it: the reason, what it asks for, and what each node says. */
function whyLines(deps: ReadDeps, id: RunId): string[] {
  const explanation = explain(deps.cluster, id, deps.clock.wallMs());
  if (!explanation) return [];
  const { reason, needs, nodes } = explanation;
  return [reason, `needs ${needs}`, ...nodes.map((node) => `${node.node}: ${node.reason}`)];
}

/** In the order in which they first appear near the start of the points; then by name. */
async function metricKeysOf(deps: ReadDeps, id: RunId, known: readonly string[]): Promise<string[]> {
  const attempt = deps.queries.attempts.ofRun(deps.queries.runs.outputRun(runId(id))).at(-1);
  const file = attempt && (await openStored(deps.outputPath(attempt.fence, "client")));
  if (!attempt || !file) return [...known].sort();
  const seen = new Set<string>();
  try {
    const end = Math.min(HEAD_BYTES, deps.queries.attempts.committed(attempt.fence, "client"));
    for await (const line of readLines(file, end, CLIENT_LINE_BYTES_MAX)) {
      for (const key of keysOf(parseClientLine(line))) seen.add(key);
    }
  } finally {
    await file.close();
  }
  return [...[...seen].filter((key) => known.includes(key)), ...known.filter((key) => !seen.has(key)).sort()];
}

function keysOf(event: ClientEvent | undefined): Iterable<string> {
  switch (event?.kind) {
    case "metric":
    case "summary":
      return event.values.keys();
    case "row":
      return numericCells(event).keys();
    default:
      return [];
  }
}
