/** [P] What the runs of a sweep ask for, told apart as people tell them apart. */
import { required } from "../kernel/assert.ts";
import { describeRequest, type ResourceRequest } from "../run/devices.ts";
import type { RunShape } from "./types.ts";

export interface RunNeed {
  /** In words. */
  readonly request: string;
  readonly resources: ResourceRequest;
  /** Of one attempt; 0: no limit. */
  readonly timeMs: number;
  readonly runs: number;
}

/** At most this many are told apart; further ones are left out. */
const NEEDS_MAX = 8;

/** `runsByShape`: how many runs have the shape of that number. */
export function needsOf(shapes: readonly RunShape[], runsByShape: ReadonlyMap<number, number>): RunNeed[] {
  const needs = new Map<string, RunNeed>();
  for (const [number, runs] of runsByShape) {
    const { resources, limits } = required(shapes[number], "the shape of a point");
    const { timeMs } = limits;
    const request = describeRequest(resources);
    const key = `${request} ${timeMs}`;
    const known = needs.get(key);
    if (known) needs.set(key, { ...known, runs: known.runs + runs });
    else if (needs.size < NEEDS_MAX) needs.set(key, { request, resources, timeMs, runs });
  }
  return [...needs.values()];
}
