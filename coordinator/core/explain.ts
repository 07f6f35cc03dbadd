/** Why a run is where it is, in one line, and what each node says to it. Derived on demand from the same view. */

import { formatDuration } from "../../shared/kernel/duration.ts";
import type { NodeName, RunId } from "../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../shared/run/devices.ts";
import { describeRequest, nodesMost, nodesWanted } from "../../shared/run/devices.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import { queueEntryOf } from "./apply-change.ts";
import { whyCancelled } from "./changes.ts";
import type { Attempt, Cluster, Node, Run, Sweep } from "./cluster.ts";
import { isWaiting, shapeOf } from "./cluster.ts";
import { closedReason, freeOn, lacking } from "./fit.ts";
import { attemptsOfRun } from "./gang.ts";
import { couldFit, couldFitTogether, misfit, waysOf, whyMisfit } from "./misfit.ts";

/** Nodes that one reason names before it only counts them. */
const NAMES_SHOWN_MAX = 5;
const FITS_NOW = "fits now";

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
  const attempts = attemptsOfRun(cluster, run);
  if (run.state === "held") return `held: ${run.reason}`;
  if (attempts.length === 0) return run.reason;
  const nodes = listed(attempts.map(({ node }) => node));
  if (attempts.some(({ stopping }) => stopping === "cancel")) return `stopping on ${nodes}: ${whyCancelled(run)}`;
  if (attempts.some(({ stopping }) => stopping === "peer"))
    return `stopping on ${nodes}: it has ended on another of its nodes`;
  if (run.state === "unknown") {
    const silent = attempts.filter(({ node }) => cluster.nodes.get(node)?.silent).map(({ node }) => node);
    return `${listed(silent.length > 0 ? silent : attempts.map(({ node }) => node))} is silent; the run may go on there and is not started elsewhere yet`;
  }
  if (run.state !== "assigned") return `running on ${nodes}`;
  const before = predecessorOf(cluster, attempts);
  return before === undefined ? `starting on ${nodes}` : `on ${nodes} already: starts when ${before} ends there`;
}

/** Reference of the run behind which one of these waits; undefined where none does. */
function predecessorOf(cluster: Cluster, attempts: readonly Attempt[]): string | undefined {
  const { behind } = attempts.find((attempt) => isWaiting(cluster, attempt)) ?? {};
  const before = behind === undefined ? undefined : cluster.attempts.get(behind);
  return before && refOf(cluster, before.runId);
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
  if (!couldFitTogether(fitting, resources))
    return `${tooFew(fitting, "could take", resources)}${lackingList(nodes, fitting, resources)}`;
  const open = fitting.filter((node) => closedReason(node) === undefined);
  if (open.length === 0) return `every node that fits is closed: ${closedList(fitting)}`;
  if (!couldFitTogether(open, resources)) {
    const closed = fitting.filter((node) => closedReason(node) !== undefined);
    return `${tooFew(open, "are open that could take", resources)}; ${closedList(closed)}`;
  }
  const { avoid } = run;
  const elsewhere = open.filter((node) => node.name !== avoid);
  if (elsewhere.length < open.length && couldFitTogether(elsewhere, resources)) {
    return `waits for another node than ${avoid}, where its last attempt failed ([retry] avoid_node)`;
  }
  const ahead = runsAhead(cluster, run, sweep);
  const queue = ahead > 0 ? `; ${ahead} queued run${ahead === 1 ? " is" : "s are"} placed first` : "";
  if (nodesMost(resources) === 1) return `all fitting devices are busy${queue}`;
  const free = open.filter((node) => nodeReason(cluster, node, run, resources) === FITS_NOW);
  return `${tooFew(free, "have room now for", resources)}${queue}`;
}

/** "1 of 2 nodes have room now for their part of 2 nodes, each with 1 GPU" */
function tooFew(nodes: readonly Node[], what: string, request: ResourceRequest): string {
  return `${nodes.length} of ${nodesWanted(request)} nodes ${what} their part of ${describeRequest(request)}`;
}

function lackingList(nodes: readonly Node[], fitting: readonly Node[], request: ResourceRequest): string {
  const others = nodes.filter((node) => !fitting.includes(node));
  return others.length === 0 ? "" : `; ${misfits(others, request)}`;
}

function nodeReason(cluster: Cluster, node: Node, run: Run, request: ResourceRequest): string {
  const closed = closedReason(node);
  if (closed !== undefined) return closed;
  const misfits = whyMisfit(node, request);
  if (misfits !== undefined) return misfits;
  const free = freeOn(cluster, node);
  const lacks = waysOf(request).flatMap((way) => (misfit(node, way) === undefined ? [lacking(free, way)] : []));
  if (lacks.includes(undefined)) {
    return run.avoid === node.name ? `${FITS_NOW}; avoided, as its last attempt failed here` : FITS_NOW;
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
