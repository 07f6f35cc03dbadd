/** `[resources]`, `[limits]`, `[retry]` and `[objective]`: one reader each. What is wrong goes into the report. */
import type { ResourceRequest } from "../run/devices.ts";
import { CPU_SLOTS_MAX, DEVICES_PER_RUN_MAX, RETRIES_MAX, RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { childOf, type SpecNode } from "./node.ts";
import {
  addFinding,
  keySpan,
  type Report,
  readDuration,
  readInteger,
  readText,
  readWord,
  wrongValue,
} from "./report.ts";
import { RUN_KEYS } from "./run-section.ts";
import type { Objective, RunLimits } from "./types.ts";

/** Keys of each table. A list, so that messages name them in this order. */
export const SECTION_KEYS = {
  run: RUN_KEYS,
  resources: ["gpus", "cpus"],
  limits: ["time", "parallel", "stop_grace"],
  retry: ["max"],
  objective: ["metric", "goal"],
} as const;

const STOP_GRACE_MS = 30_000;

export function readResources(report: Report, node: SpecNode | undefined): ResourceRequest {
  const gpus = node && childOf(node, "gpus");
  const cpus = node && childOf(node, "cpus");
  return {
    gpus: gpus && readInteger(report, gpus, "resources.gpus", 0, DEVICES_PER_RUN_MAX),
    cpus: cpus && readInteger(report, cpus, "resources.cpus", 1, CPU_SLOTS_MAX),
  };
}

/** Bounds of a run, and of the sweep. */
export interface Limits {
  readonly run: RunLimits;
  readonly parallel: number;
}

export function readLimits(report: Report, node: SpecNode | undefined): Limits {
  const time = node && childOf(node, "time");
  const parallel = node && childOf(node, "parallel");
  const grace = node && childOf(node, "stop_grace");
  return {
    run: {
      timeMs: (time && readDuration(report, time, "limits.time", 1)) ?? 0,
      idleMs: 0,
      stopGraceMs: (grace && readDuration(report, grace, "limits.stop_grace", 0)) ?? STOP_GRACE_MS,
    },
    parallel: (parallel && readInteger(report, parallel, "limits.parallel", 1, RUNS_PER_SWEEP_MAX)) ?? 0,
  };
}

export function readRetryMax(report: Report, node: SpecNode | undefined): number {
  const max = node && childOf(node, "max");
  return (max && readInteger(report, max, "retry.max", 0, RETRIES_MAX)) ?? 0;
}

export function readObjective(report: Report, node: SpecNode | undefined): Objective | undefined {
  if (!node) return undefined;
  const metricNode = childOf(node, "metric");
  const goalNode = childOf(node, "goal");
  for (const [key, child] of [
    ["metric", metricNode],
    ["goal", goalNode],
  ] as const) {
    if (child) continue;
    const hint = key === "metric" ? 'add metric = "val/acc"' : 'add goal = "maximize" or goal = "minimize"';
    addFinding(report, { id: "spec.missing", message: `[objective] has no ${key}`, span: keySpan(node), hint });
  }
  const metric = metricNode && readText(report, metricNode, "objective.metric");
  if (metricNode && metric === "") wrongValue(report, metricNode, "objective.metric is empty");
  const goal = goalNode && readWord(report, goalNode, "objective.goal", ["maximize", "minimize"]);
  return metric === undefined || goal === undefined ? undefined : { metric, goal };
}
