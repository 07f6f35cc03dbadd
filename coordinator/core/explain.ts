/** Why a run is where it is, in one line, and what each node says to it. Derived on demand from the same view. */

import { formatDuration } from "../../shared/kernel/duration.ts";
import type { NodeName, RunId } from "../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../shared/run/devices.ts";
import { describeRequest } from "../../shared/run/devices.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import { queueEntryOf } from "./apply-change.ts";
import { whyCancelled } from "./changes.ts";
import type { Cluster, Node, Run, Sweep } from "./cluster.ts";
import { shapeOf } from "./cluster.ts";
import { closedReason, freeOn, lacking } from "./fit.ts";
import { couldFit, misfit, waysOf, whyMisfit } from "./misfit.ts";

/** Nodes that one reason names before it only counts them. */
const NAMES_SHOWN_MAX = 5;

export interface Explanation {
  readonly reason: string;
  /** What the run asks for, in words. */
  readonly needs: string;
  readonly nodes: readonly { readonly node: NodeName; readonly reason: string }[];
  /** Queued runs that are placed before it. */
  readonly ahead: number;
}

/** Undefined for a run that is not live: the store knows how it ended. `wallMs` only shows how long a delay lasts. */
export function explain(cluster: Cluster, id: RunId, wallMs: number): Explanation | undefined {
  const run = cluster.runs.get(id);
  const sweep = run && cluster.sweeps.get(run.sweepId);
  if (!run || !sweep) return undefined;
  const { resources } = shapeOf(sweep, run);
  const needs = describeRequest(resources);
  if (run.state !== "queued") return { reason: activeReason(cluster, run), needs, nodes: [], ahead: 0 };
  const nodes = byName([...cluster.nodes.values()]).map((node) => ({
    node: node.name,
    reason: nodeReason(cluster, node, run, resources),
  }));
  return { reason: queuedReason(cluster, run, sweep, wallMs), needs, nodes, ahead: runsAhead(cluster, run, sweep) };
}

/** Only the one line of `explain`, for lists: empty for a run whose state says it all. */
export function liveReason(cluster: Cluster, id: RunId, wallMs: number): string {
  const run = cluster.runs.get(id);
  const sweep = run && cluster.sweeps.get(run.sweepId);
  if (!run || !sweep) return "";
  if (run.state === "queued") return queuedReason(cluster, run, sweep, wallMs);
  return run.state === "unknown" || run.state === "held" ? activeReason(cluster, run) : run.reason;
}

function activeReason(cluster: Cluster, run: Run): string {
  const attempt = run.fence === undefined ? undefined : cluster.attempts.get(run.fence);
  if (run.state === "held") return `held: ${run.reason}`;
  if (!attempt) return run.reason;
  if (attempt.stopping === "cancel") return `stopping on ${attempt.node}: ${whyCancelled(run)}`;
  if (run.state === "unknown")
    return `${attempt.node} is silent; the run may go on there and is not started elsewhere yet`;
  if (run.state === "assigned") return `starting on ${attempt.node}`;
  return `running on ${attempt.node}`;
}

function queuedReason(cluster: Cluster, run: Run, sweep: Sweep, wallMs: number): string {
  if (run.waitsFor !== undefined) return `waits for ${refOf(cluster, run.waitsFor)}, which does the same work`;
  if (run.notBefore > wallMs) return `next try in ${formatDuration(run.notBefore - wallMs)}: ${run.reason}`;
  const nodes = [...cluster.nodes.values()];
  if (nodes.length === 0) return "no agent has joined yet: run `exp-agent start` on a host";
  const earlier = sweep.after.flatMap((id) => cluster.sweeps.get(id) ?? []);
  if (earlier.length > 0) {
    const names = earlier.map(({ id, name, number }) => {
      const live = cluster.liveBySweep.get(id) ?? 0;
      return `${sweepRef(name, number)} (${live} run${live === 1 ? "" : "s"} left)`;
    });
    return `waits until ${names.join(" and ")} ${names.length === 1 ? "is" : "are"} over`;
  }
  const active = cluster.activeBySweep.get(sweep.id) ?? 0;
  if (sweep.parallel > 0 && active >= sweep.parallel) {
    return `its sweep runs ${active} of at most ${sweep.parallel} at a time ([limits] parallel)`;
  }
  const { resources } = shapeOf(sweep, run);
  const fitting = nodes.filter((node) => couldFit(node, resources));
  if (fitting.length === 0) return `no node has ${describeRequest(resources)}: ${misfits(nodes, resources)}`;
  const open = fitting.filter((node) => closedReason(node) === undefined);
  if (open.length === 0) return `every node that fits is closed: ${closedList(fitting)}`;
  const { avoid } = run;
  const elsewhere = open.filter((node) => node.name !== avoid);
  if (elsewhere.length > 0 && elsewhere.length < open.length) {
    return `waits for another node than ${avoid}, where its last attempt failed ([retry] avoid_node)`;
  }
  const ahead = runsAhead(cluster, run, sweep);
  const queue = ahead > 0 ? `; ${ahead} queued run${ahead === 1 ? " is" : "s are"} placed first` : "";
  return `all fitting devices are busy${queue}`;
}

function nodeReason(cluster: Cluster, node: Node, run: Run, request: ResourceRequest): string {
  const closed = closedReason(node);
  if (closed !== undefined) return closed;
  const misfits = whyMisfit(node, request);
  if (misfits !== undefined) return misfits;
  const free = freeOn(cluster, node);
  const lacks = waysOf(request).flatMap((way) => (misfit(node, way) === undefined ? [lacking(free, way)] : []));
  if (lacks.includes(undefined)) {
    return run.avoid === node.name ? "fits now; avoided, as its last attempt failed here" : "fits now";
  }
  const unclean = node.devices.filter((device) => device.health !== "clean");
  const note =
    unclean.length > 0 ? `; not offered: ${unclean.map((d) => `${d.index} (${d.reason || d.health})`).join(", ")}` : "";
  return `${[...new Set(lacks)].join("; or: ")}${note}`;
}

function refOf(cluster: Cluster, id: RunId): string {
  const run = cluster.runs.get(id);
  const sweep = run && cluster.sweeps.get(run.sweepId);
  return run && sweep ? runRef(sweepRef(sweep.name, sweep.number), run.index) : id;
}

function runsAhead(cluster: Cluster, run: Run, sweep: Sweep): number {
  const entry = queueEntryOf(run, sweep);
  return [...cluster.groups.values()].reduce((ahead, group) => ahead + group.queue.rank(entry), 0);
}

/** The order that users read nodes in, not the one in which they happened to join. */
function byName(nodes: readonly Node[]): readonly Node[] {
  return nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Each node with what it lacks; nodes that lack the same are named together. */
function misfits(nodes: readonly Node[], request: ResourceRequest): string {
  const byReason = new Map<string, string[]>();
  for (const node of byName(nodes)) {
    const reason = whyMisfit(node, request) ?? "";
    const known = byReason.get(reason);
    if (known) known.push(node.name);
    else byReason.set(reason, [node.name]);
  }
  return [...byReason].map(([reason, names]) => `${listed(names)}: ${reason}`).join("; ");
}

/** "a, b, c and 5 more" */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

function closedList(nodes: readonly Node[]): string {
  return byName(nodes)
    .map((node) => `${node.name} ${closedReason(node)}`)
    .join(", ");
}
