/** What an attempt's own files tell of it: whether it still says something, and why it failed. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { Fence } from "../shared/kernel/ids.ts";
import { CAUSE_TAIL_BYTES, causesInOutput } from "../shared/run/causes.ts";
import { isOwnFailure } from "./core/end-of-attempt.ts";
import type { AgentEvent } from "./core/events.ts";
import type { AgentAttempt, AgentState } from "./core/state.ts";
import { attemptDir, attemptPaths } from "./process/attempt-dir.ts";

/** A look at how much the running attempts with an idle limit have said; `ownBytes` of it are the host's. */
export function activityOf(state: AgentState, workdir: string, ownBytes: (fence: Fence) => number): AgentEvent[] {
  const events: AgentEvent[] = [];
  for (const [fence, { assignment, phase }] of state.attempts) {
    if (phase !== "running" || assignment.idleLimitMs === 0) continue;
    const { output, client } = attemptPaths(attemptDir(workdir, fence));
    events.push({ kind: "activity", fence, bytes: sizeOf(output) + sizeOf(client) - ownBytes(fence) });
  }
  return events;
}

/** What the end of the output shows of a failure by the program's own fault; nothing of any other end. */
export function causesOf(dir: string, attempt: AgentAttempt | undefined): string[] {
  const outcome = attempt?.finish?.outcome;
  if (!attempt || !outcome || !isOwnFailure(outcome)) return [];
  return causesInOutput(tailOf(attemptPaths(dir).output), attempt.assignment.logPatterns);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last part of a file as text; empty where it cannot be read: a cause that is not found is no reason to fail here. */
function tailOf(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    const start = Math.max(0, size - CAUSE_TAIL_BYTES);
    const tail = Buffer.alloc(size - start);
    const read = readSync(file, tail, 0, tail.length, start);
    return tail.toString("utf8", 0, read);
  } catch {
    return "";
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
