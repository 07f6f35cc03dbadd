/** ImportPoints: metric points of an imported run, stored as the stream that a program of ours would have left. */
import { mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { ImportPointsRequest, ImportPointsResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { runId } from "../../../shared/kernel/ids.ts";
import { news } from "../../feed.ts";
import { runDirectory, streamPath } from "../../results/run-directory.ts";
import type { ImportedPoints } from "../../store/imports.ts";
import type { ResultDeps } from "./deps-results.ts";

const NEWLINE = 10;

/**
 * A portion that is stored already changes nothing, so a call may be repeated. Throws AppError for a run that awaits no
 * points, a portion that leaves a gap, and half lines.
 */
export const importPoints = (deps: ResultDeps) => {
  let last: Promise<unknown> = Promise.resolve();
  return (request: ImportPointsRequest): Promise<ImportPointsResponse> => {
    const answer = last.then(() => storePoints(deps, request));
    last = answer.catch(() => undefined);
    return answer;
  };
};

async function storePoints(deps: ResultDeps, request: ImportPointsRequest): Promise<ImportPointsResponse> {
  const id = runId(request.runId);
  const known = deps.imports.pointsOf(id);
  const refuse = (message: string) => new AppError("invalid", message, { id: "import.points" });
  if (!known) throw refuse(`${request.runId} is no imported run`);
  const { data, offset } = request;
  const stored = offset + data.length;
  if (known.complete || stored <= known.stored) {
    if (request.complete) await finish(deps, known);
    return { stored: known.stored };
  }
  if (offset !== known.stored) throw refuse(`${known.stored} bytes are stored, these begin at ${offset}`);
  if (data.at(-1) !== NEWLINE) throw refuse("points come as whole lines");
  const path = streamPath(runDirectory(deps.resultsRoot, deps.queries.record(id)), 1, "client");
  mkdirSync(dirname(path), { recursive: true });
  // Not "w": a portion written again after a kill must leave the ones before it.
  const file = await open(path, "a+");
  try {
    await file.truncate(offset);
    await file.write(data, 0, data.length);
    await file.datasync();
  } finally {
    await file.close();
  }
  deps.outputs.transaction(() => {
    const keys = deps.outputs.metricKeys(known.fence);
    deps.outputs.writeProgress(known.fence, { stream: "client", committed: stored, parsed: stored });
    for (const last of deps.summarise(data, offset, keys)) deps.outputs.writeMetric(known.fence, last);
  });
  if (request.complete) await finish(deps, known);
  return { stored };
}

/** Its results directory is written as that of any run. */
async function finish(deps: ResultDeps, { id, complete }: ImportedPoints): Promise<void> {
  if (complete) return;
  await deps.project(id);
  deps.imports.complete(id);
  deps.feed.publish(news({ runs: new Set([id]) }));
}
