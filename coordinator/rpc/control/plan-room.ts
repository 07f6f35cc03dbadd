/** Where the runs of a plan would run, and how long they would take by what like runs took. */
import type { PlanEstimate, PlanNeed } from "../../../proto/gen/runner/v1/control.ts";
import { needsOf } from "../../../shared/spec/run-needs.ts";
import type { Cluster } from "../../core/cluster.ts";
import { roomFor } from "../../core/room.ts";
import type { PastWork } from "../../store/queries/past-work.ts";
import type { ExpandedSource } from "./expand-source.ts";

const SWEEPS_MAX = 20;
const DURATIONS_MAX = 2_000;

/** `fresh`: new runs by shape. */
export function planNeeds(cluster: Cluster, source: ExpandedSource, fresh: ReadonlyMap<number, number>): PlanNeed[] {
  return needsOf(source.shapes, fresh).map(({ request, resources, timeMs, runs }) => {
    const { now, ever, nodes } = roomFor(cluster, resources);
    return { request, runs, timeMs, fitNow: now, fitEver: ever, nodes: [...nodes] };
  });
}

/** Undefined where nothing like it has finished, or nothing would run. */
export function planEstimate(
  cluster: Cluster,
  past: PastWork,
  source: ExpandedSource,
  needs: readonly PlanNeed[],
): PlanEstimate | undefined {
  const runs = needs.reduce((sum, need) => sum + need.runs, 0);
  const commands = source.shapes.map(({ template }) => JSON.stringify(template.command));
  const durations: number[] = [];
  for (const sweep of runs > 0 ? past.sweepsLike(source.settings.name, commands, SWEEPS_MAX) : []) {
    durations.push(...past.durations(sweep.id, DURATIONS_MAX - durations.length));
    if (durations.length >= DURATIONS_MAX) break;
  }
  if (durations.length === 0) return undefined;
  const medianMs = durations.sort((a, b) => a - b)[durations.length >> 1] ?? 0;
  let ahead = 0;
  for (const { queue } of cluster.groups.values()) ahead += queue.size;
  const room = Math.min(...needs.map(({ fitEver }) => fitEver));
  const { parallel } = source.settings;
  const atOnce = Math.min(parallel > 0 ? parallel : room, room, runs);
  const totalMs = atOnce > 0 ? Math.ceil(runs / atOnce) * medianMs : 0;
  return { medianMs, likeRuns: durations.length, totalMs, ahead };
}
