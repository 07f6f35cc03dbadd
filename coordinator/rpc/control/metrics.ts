/** Metrics: every logged point of a run, read from its stored client stream line by line. */
import type { MetricPoint, MetricsRequest, MetricsResponse } from "../../../proto/gen/runner/v1/control.ts";
import { type MetricEvent, parseClientLine, type SystemEvent } from "../../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../../shared/run/limits.ts";
import { yieldTurn } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";
import { openStored, readLines } from "./stored-file.ts";

const POINTS_PER_MESSAGE = 2_000;

/**
 * Throws AppError for a reference that fails. Points come in the order in which they were logged; those without a step
 * are counted from 0 for each key. A reused run shows the points of the run that it stands for.
 */
export const metrics = (deps: ReadDeps) =>
  async function* (request: MetricsRequest, signal: AbortSignal): AsyncGenerator<MetricsResponse> {
    const id = deps.queries.runs.outputRun(deps.queries.refs.resolveRun(request.ref).runId);
    const attempt = deps.queries.attempts.ofRun(id).at(-1);
    const file = attempt && (await openStored(deps.outputPath(attempt.fence, "client")));
    if (!attempt || !file) return;
    try {
      const wanted = request.keys.length > 0 ? new Set(request.keys) : undefined;
      const counts = new Map<string, number>();
      let points: MetricPoint[] = [];
      const end = deps.queries.attempts.committed(attempt.fence, "client");
      for await (const line of readLines(file, end, CLIENT_LINE_BYTES_MAX)) {
        if (signal.aborted) return;
        const event = parseClientLine(line);
        if (event?.kind === "metric") points.push(...pointsOf(event, wanted, counts));
        if (event?.kind === "system" && wanted) points.push(...hostPoints(event, wanted, attempt.startedAt));
        if (points.length >= POINTS_PER_MESSAGE) {
          yield { points };
          points = [];
          await yieldTurn();
        }
      }
      if (points.length > 0) yield { points };
    } finally {
      await file.close();
    }
  };

/** Their x is the time: whole seconds since the start. Only where they are asked for by name. */
function hostPoints(event: SystemEvent, wanted: Set<string>, startedAt = 0): MetricPoint[] {
  const at = event.at ?? 0;
  return [...event.values].flatMap(([key, value]) => {
    if (typeof value !== "number" || !wanted.has(key)) return [];
    return [{ key, value, step: Math.max(0, Math.round(at - startedAt / 1000)), at }];
  });
}

function pointsOf(event: MetricEvent, wanted: Set<string> | undefined, counts: Map<string, number>): MetricPoint[] {
  const points: MetricPoint[] = [];
  for (const [key, value] of event.values) {
    if (typeof value !== "number" || (wanted && !wanted.has(key))) continue;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    points.push({ key, value, step: event.step ?? count, at: event.at ?? 0 });
  }
  return points;
}
