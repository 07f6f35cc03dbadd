/**
 * Logs: the stored output of a run, byte for byte, and on as it grows. Without a wanted attempt a follower goes from an
 * attempt to the next one, until the run has ended and its output is whole. A reused run shows the output of the run that
 * it stands for.
 */
import type { FileHandle } from "node:fs/promises";
import type { LogsRequest, LogsResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { Fence, RunId } from "../../../shared/kernel/ids.ts";
import { isTerminal } from "../../../shared/run/states.ts";
import type { AttemptRecord } from "../../store/queries/attempts.ts";
import { awaitNews, type NewsWaiter } from "./await-news.ts";
import type { ReadDeps } from "./deps.ts";
import { openStored, readRange, tailOffset } from "./stored-file.ts";

/** Throws AppError for a reference that fails and for an attempt that is not there. Ends silently on abort. */
export const logs = (deps: ReadDeps) =>
  async function* (request: LogsRequest, signal: AbortSignal): AsyncGenerator<LogsResponse> {
    const id = deps.queries.runs.outputRun(deps.queries.refs.resolveRun(request.ref).runId);
    let current: Fence | undefined;
    const waiter = awaitNews(deps.feed, signal, (news) => {
      return news.runs.has(id) || (current !== undefined && news.outputs.has(current));
    });
    try {
      let attempt = await firstAttempt(deps, id, request, waiter, signal);
      let start: Start = startOf(request);
      while (attempt && !signal.aborted) {
        current = attempt.fence;
        yield* oneAttempt(deps, attempt, start, request.follow, waiter, signal);
        start = { offset: 0, tailLines: 0 };
        attempt =
          request.follow && request.attempt === 0 ? await laterAttempt(deps, id, attempt, waiter, signal) : undefined;
      }
    } finally {
      waiter.close();
    }
  };

interface Start {
  readonly offset: number;
  /** 0: from the offset. */
  readonly tailLines: number;
}

function startOf(request: LogsRequest): Start {
  if (request.offset < 0) return { offset: 0, tailLines: -request.offset };
  return { offset: request.offset, tailLines: Math.max(0, request.tailLines) };
}

/** The wanted attempt; undefined where there is none and none is waited for. */
async function firstAttempt(
  deps: ReadDeps,
  id: RunId,
  request: LogsRequest,
  waiter: NewsWaiter,
  signal: AbortSignal,
): Promise<AttemptRecord | undefined> {
  while (!signal.aborted) {
    const every = deps.queries.attempts.everyRank(id);
    const attempts = every.filter(({ rank }) => rank === request.rank);
    const wanted = request.attempt > 0 ? attempts.find(({ number }) => number === request.attempt) : attempts.at(-1);
    if (wanted) return wanted;
    const of = every.findLast(({ number }) => request.attempt === 0 || number === request.attempt);
    if (of && request.rank >= of.nodes) throw noRank(request, of);
    if (request.attempt > 0) {
      const last = attempts.at(-1)?.number ?? 0;
      throw new AppError("not_found", `${request.ref} has no attempt ${request.attempt}; it had ${last}`, {
        id: "run.no-attempt",
      });
    }
    if (!request.follow || hasEnded(deps, id)) return undefined;
    await waiter.next();
  }
  return undefined;
}

function noRank({ ref, rank }: LogsRequest, { nodes }: AttemptRecord): AppError {
  const ranks = nodes === 1 ? "it ran on one node, which is rank 0" : `its ranks are 0 to ${nodes - 1}`;
  return new AppError("not_found", `${ref} has no rank ${rank}: ${ranks}`, { id: "run.no-rank" });
}

/** The attempt after this one, once it is there; undefined when the run has ended without. */
async function laterAttempt(
  deps: ReadDeps,
  id: RunId,
  attempt: AttemptRecord,
  waiter: NewsWaiter,
  signal: AbortSignal,
): Promise<AttemptRecord | undefined> {
  while (!signal.aborted) {
    // In this order: an attempt may begin between the two looks, but none begins after the end.
    const ended = hasEnded(deps, id);
    const later = deps.queries.attempts
      .everyRank(id)
      .find(({ number, rank }) => number > attempt.number && rank === attempt.rank);
    if (later || ended) return later;
    await waiter.next();
  }
  return undefined;
}

function hasEnded(deps: ReadDeps, id: RunId): boolean {
  const state = deps.queries.runs.state(id);
  return state === undefined || isTerminal(state);
}

async function* oneAttempt(
  deps: ReadDeps,
  attempt: AttemptRecord,
  start: Start,
  follow: boolean,
  waiter: NewsWaiter,
  signal: AbortSignal,
): AsyncGenerator<LogsResponse> {
  let file: FileHandle | undefined;
  let offset: number | undefined;
  try {
    while (!signal.aborted) {
      const now = deps.queries.attempts.get(attempt.fence) ?? attempt;
      const end = deps.queries.attempts.committed(attempt.fence, "output");
      file ??= await openStored(deps.outputPath(attempt.fence, "output"));
      if (file) {
        offset ??= start.tailLines > 0 ? await tailOffset(file, end, start.tailLines) : start.offset;
        for await (const data of readRange(file, offset, end)) {
          if (signal.aborted) return;
          yield { offset, data: Buffer.from(data), attempt: attempt.number, incomplete: "" };
          offset += data.length;
        }
      }
      if (now.sealed || !follow) {
        const incomplete = incompleteReason(now, end, file !== undefined);
        if (incomplete !== "") {
          yield { offset: offset ?? 0, data: Buffer.alloc(0), attempt: attempt.number, incomplete };
        }
        return;
      }
      await waiter.next();
    }
  } finally {
    await file?.close();
  }
}

/** Why what was sent is not all that the attempt wrote; empty where it is, or where it still runs. */
function incompleteReason(attempt: AttemptRecord, stored: number, hasFile: boolean): string {
  if (attempt.phase !== "ended") return "";
  const size = attempt.finalSizes?.output;
  if (size === undefined) {
    return attempt.startedAt === undefined
      ? ""
      : "its host never said how much output there was; the end may be missing";
  }
  if (stored < size) {
    const missing = `${size - stored} of ${size} bytes`;
    return attempt.sealed ? `${missing} never came` : `${missing} are still on their way`;
  }
  return size > 0 && !hasFile ? "the stored file is gone" : "";
}
