/**
 * The JSON contract: what `--json` and the HTTP API print. Keys are only ever added. Times are ISO 8601 in UTC with
 * milliseconds, or null where it has not happened; lists are arrays; a missing number is null.
 */
import type { RunState } from "./states.ts";

/** A parameter value as JSON shows it. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export interface RunView {
  id: string;
  /** Handle such as "digits.1.4". */
  ref: string;
  /** Handle of the sweep: "digits.1". */
  sweep: string;
  /** Position in the sweep, from 1. */
  index: number;
  state: RunState;
  /** Why it is in this state, in one line; empty where the state says it all. */
  reason: string;
  params: { [key: string]: JsonValue };
  priority: number;
  /** Number of the current or last attempt, from 1; 0 before the first. */
  attempt: number;
  fence: number | null;
  node: string | null;
  /** UUIDs. */
  devices: string[];
  exitCode: number | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  /** Last value by key; NaN and infinities as strings. */
  metrics: { [key: string]: number | string };
  /** When `exp prune` removed its results directory. */
  prunedAt: string | null;
}

export type SweepStateName = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface SweepView {
  ref: string;
  name: string;
  state: SweepStateName;
  total: number;
  /** Runs by state; states without runs are left out. */
  counts: { [state: string]: number };
  reused: number;
  createdAt: string;
}

export type DeviceStateName = "free" | "busy" | "foreign" | "dirty" | "unknown";
export type NodeStateName = "ready" | "cordoned" | "draining" | "unknown" | "gone";

export interface DeviceView {
  uuid: string;
  index: number;
  model: string;
  memoryBytes: number;
  state: DeviceStateName;
  /** Handle of the run that holds it; of the first, where several share it. */
  run: string | null;
  foreign: { pid: number; name: string; user: string; memoryBytes: number }[];
  /** Handles of all that hold it. */
  runs: string[];
  /** The part of it that they hold, from 0 to 1. */
  share: number;
}

export interface NodeView {
  name: string;
  state: NodeStateName;
  labels: { [key: string]: string };
  devices: DeviceView[];
  seenAt: string | null;
  /** What runs containers there, such as "docker 28.2.2"; null: nothing does. */
  containerEngine: string | null;
}

/** What `exp submit --json` prints. */
export interface SubmitView {
  sweep: string;
  total: number;
  new: number;
  reused: number;
}

/** State of a sweep from its counts: live states first, then the worst of what ended. */
export function sweepStateOf(counts: { readonly [state: string]: number }): SweepStateName {
  const has = (state: RunState) => (counts[state] ?? 0) > 0;
  if (has("running") || has("assigned") || has("unknown")) return "running";
  if (has("queued") || has("held")) return "queued";
  if (has("failed")) return "failed";
  if (has("cancelled")) return "cancelled";
  return "succeeded";
}
