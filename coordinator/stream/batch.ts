/**
 * Stores one batch of byte ranges: judge each, write the new bytes, sync every touched file and every directory with a new
 * name once, commit all new offsets and metric values in one transaction. Only after that may anything be acknowledged.
 * What cannot be stored now (a full disk, a directory without permission) is left out and comes again; a failed sync is
 * thrown and must end the process.
 */
import { crc32 } from "node:zlib";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import type { StreamName } from "../../shared/subjects.ts";
import type { OutputStore } from "../store/outputs.ts";
import type { AttemptStreams, AttemptTable } from "./attempt-streams.ts";
import { judgeRange } from "./commit-rule.ts";
import type { OpenFiles } from "./open-files.ts";

/** SQLite's code for a full disk: the transaction is undone and may be tried again. */
const SQLITE_FULL = 13;

/** Least time between two notes of how much output there is, and its least share of the time since the first. */
const NOTE_GAP_MS = 2_000;
const NOTE_GAP_SHARE = 0.002;

/** A byte range as it came in. */
export interface Range {
  readonly agentId: string;
  readonly fence: Fence;
  readonly stream: StreamName;
  readonly offset: number;
  /** Undefined where its way in vouches for the bytes. */
  readonly crc: number | undefined;
  readonly data: Uint8Array;
}

export interface Mark {
  readonly attempt: AttemptStreams;
  readonly stream: StreamName;
}

export interface BatchResult {
  /** Streams that grew, and streams of which something came again: their watermark is worth telling. */
  readonly told: readonly Mark[];
  readonly grown: ReadonlySet<Fence>;
  /** Runs of which their programs said something in words. */
  readonly worded: ReadonlySet<RunId>;
  /** Streams with a hole. */
  readonly holes: readonly Mark[];
  readonly dropped: readonly { readonly range: Range; readonly reason: DropReason }[];
  /** Attempts with more metric names than are kept. */
  readonly crowded: readonly AttemptStreams[];
  /** Why bytes could not be stored; empty where all were. */
  readonly problem: string;
  readonly bytes: number;
}

export type DropReason = "unknown attempt" | "not its agent" | "damaged";

interface Plan extends Mark {
  readonly from: number;
  end: number;
  readonly parts: Uint8Array[];
}

export interface BatchParts {
  readonly table: AttemptTable;
  readonly files: OpenFiles;
  readonly store: OutputStore;
  readonly clock: Clock;
}

export async function storeBatch(ranges: readonly Range[], parts: BatchParts): Promise<BatchResult> {
  const judged = judge(ranges, parts.table);
  const written: Plan[] = [];
  let problem = "";
  await Promise.all(
    [...judged.plans.values()].map(async (plan) => {
      try {
        if (plan.stream === "client") await parts.table.summaryOf(plan.attempt);
        await parts.files.write(plan.attempt.files.path(plan.stream), plan.from, plan.parts);
        written.push(plan);
      } catch (error) {
        problem = errorMessage(error);
      }
    }),
  );
  const worded = new Set<RunId>();
  if (written.length > 0) {
    await parts.files.sync();
    const refusal = await commit(written, parts, worded);
    if (refusal !== "") return { ...result(judged, []), worded: new Set(), problem: refusal };
  }
  return { ...result(judged, written), worded, problem };
}

interface Judged {
  readonly plans: ReadonlyMap<string, Plan>;
  readonly repeats: readonly Mark[];
  readonly holes: readonly Mark[];
  readonly dropped: BatchResult["dropped"];
}

function judge(ranges: readonly Range[], table: AttemptTable): Judged {
  const plans = new Map<string, Plan>();
  const repeats = new Map<string, Mark>();
  const holes = new Map<string, Mark>();
  const dropped: { range: Range; reason: DropReason }[] = [];
  for (const range of ranges) {
    const { fence, stream, offset, data } = range;
    const attempt = table.find(fence);
    const reason = refusal(range, attempt);
    if (!attempt || reason) {
      dropped.push({ range, reason: reason ?? "unknown attempt" });
      continue;
    }
    const key = `${fence}.${stream}`;
    const plan = plans.get(key);
    const committed = plan?.end ?? attempt.committed.get(stream) ?? 0;
    const verdict = judgeRange(committed, offset, data.length);
    if (verdict.kind === "hole") holes.set(key, { attempt, stream });
    if (verdict.kind === "repeat") repeats.set(key, { attempt, stream });
    if (verdict.kind !== "write") continue;
    const bytes = verdict.skip === 0 ? data : data.subarray(verdict.skip);
    if (plan) {
      plan.parts.push(bytes);
      plan.end += bytes.length;
    } else {
      plans.set(key, { attempt, stream, from: committed, end: committed + bytes.length, parts: [bytes] });
    }
  }
  return { plans, repeats: [...repeats.values()], holes: [...holes.values()], dropped };
}

function refusal(range: Range, attempt: AttemptStreams | undefined): DropReason | undefined {
  if (!attempt) return "unknown attempt";
  if (attempt.files.agentId !== range.agentId) return "not its agent";
  if (!Number.isSafeInteger(range.offset) || range.offset < 0) return "damaged";
  return range.crc !== undefined && crc32(range.data) !== range.crc ? "damaged" : undefined;
}

/**
 * Empty when it is committed; else why not, and nothing has changed. Adds runs that something was said of to `worded`. Throws
 * what is no matter of space.
 */
async function commit(
  plans: readonly Plan[],
  { store, table, clock }: BatchParts,
  worded: Set<RunId>,
): Promise<string> {
  try {
    store.transaction(() => {
      for (const { attempt, stream, parts, from, end } of plans) {
        const summary = stream === "client" ? attempt.summary : undefined;
        if (summary) {
          for (const part of parts) summary.feed(part);
          for (const last of summary.take()) store.writeMetric(attempt.fence, last);
          const words = summary.takeWords();
          const run = words.length > 0 ? store.writeWords(attempt.fence, words, clock.wallMs()) : undefined;
          if (run !== undefined) worded.add(run);
        }
        if (stream === "output") noteTime(attempt, from, end, clock.wallMs(), store);
        store.writeProgress(attempt.fence, { stream, committed: end, parsed: summary?.parsed ?? 0 });
      }
    });
  } catch (error) {
    // The summaries have moved on; the store has not.
    for (const { attempt } of plans) await table.forget(attempt.fence);
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_FULL) return errorMessage(error);
    throw error;
  }
  for (const { attempt, stream, end } of plans) attempt.committed.set(stream, end);
  return "";
}

/**
 * Notes how much there is now, so that the output can be shown as of a time. What is over in a moment leaves none, and what goes
 * on for long ever fewer: a day of output some hundreds or thousands.
 */
function noteTime(attempt: AttemptStreams, from: number, end: number, nowMs: number, store: OutputStore): void {
  const { noted } = attempt;
  if (!noted) {
    attempt.noted = { firstMs: nowMs, lastMs: nowMs };
    return;
  }
  if (nowMs - noted.lastMs < Math.max(NOTE_GAP_MS, (nowMs - noted.firstMs) * NOTE_GAP_SHARE)) return;
  // What came first was there when nothing was noted yet.
  if (noted.lastMs === noted.firstMs) store.writeTime(attempt.fence, noted.firstMs, from);
  store.writeTime(attempt.fence, nowMs, end);
  noted.lastMs = nowMs;
}

function result(judged: Judged, written: readonly Plan[]): Omit<BatchResult, "problem" | "worded"> {
  return {
    told: [...judged.repeats, ...written],
    grown: new Set(written.map((plan) => plan.attempt.fence)),
    holes: judged.holes,
    dropped: judged.dropped,
    crowded: written.map((plan) => plan.attempt).filter((attempt) => (attempt.summary?.refused ?? 0) > 0),
    bytes: written.reduce((sum, plan) => sum + plan.end - plan.from, 0),
  };
}
