/**
 * [P] Where the results of a run lie: one directory that EXP and ztxexp both take for their own, with our own files in
 * `.exp/`. The time in its name is that of the first attempt, so all attempts of a run share it.
 */
import { join } from "node:path";
import { assert } from "../../shared/kernel/assert.ts";
import type { StreamName } from "../../shared/subjects.ts";
import { shanghaiStamp } from "./timestamps.ts";

export interface RunPlace {
  readonly sweepRef: string;
  readonly runRef: string;
  /** Unix ms. */
  readonly firstAssignedAt: number;
}

/** `<root>/digits.1/digits.1.4_2026-11-21__13-05-09` */
export function runDirectory(root: string, place: RunPlace): string {
  assert(isSafe(place.sweepRef) && isSafe(place.runRef), `${place.runRef} is no handle`);
  return join(root, place.sweepRef, directoryName(place.runRef, place.firstAssignedAt));
}

/** The last part of it: what ztxexp calls the id of a run. `firstAssignedAt`: Unix ms. */
export function directoryName(runRef: string, firstAssignedAt: number): string {
  return `${runRef}_${shanghaiStamp(firstAssignedAt)}`;
}

/** Where the output of a rank lies: rank 0's stands for the run, the others' beside it in the same layout. */
export function rankDirectory(directory: string, rank: number): string {
  return rank === 0 ? directory : join(directory, "ranks", String(rank));
}

/** File of a byte stream of an attempt. Attempts count from 1. */
export function streamPath(directory: string, attempt: number, stream: StreamName): string {
  if (stream === "output") return join(directory, terminalLog(attempt));
  return join(directory, ".exp", `attempt-${attempt}.${stream}.jsonl`);
}

/** Relative to the run's directory. */
export function terminalLog(attempt: number): string {
  return `terminal_logs/${attemptName(attempt)}.log`;
}

/** "run_0001": what EXP calls a run is an attempt here. */
export function attemptName(attempt: number): string {
  return `run_${String(attempt).padStart(4, "0")}`;
}

function isSafe(handle: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(handle);
}
