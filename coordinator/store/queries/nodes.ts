/** Nodes and devices as people see them: from memory alone, as only memory knows who is connected and what is held. */
import type { Fence, NodeName } from "../../../shared/kernel/ids.ts";
import { type Device, GPU_WHOLE_MILLI } from "../../../shared/run/devices.ts";
import { runRef, sweepRef } from "../../../shared/run/names.ts";
import type { DeviceRecord, NodeRecord } from "../../../shared/run/records.ts";
import type { DeviceStateName, NodeStateName } from "../../../shared/run/views.ts";
import type { Cluster, Node } from "../../core/cluster.ts";

/** Silence after which a node that is not connected counts as gone: nobody waits for it any more. */
const GONE_AFTER_MS = 10 * 60_000;

export interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Every node that was ever seen, by name. */
export function listNodes(cluster: Cluster, now: Now): NodeRecord[] {
  return [...cluster.nodes.values()]
    .map((node) => nodeRecord(cluster, node, now))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function nodeRecord(cluster: Cluster, node: Node, now: Now): NodeRecord {
  const state = nodeState(node, now);
  const reachable = state !== "unknown" && state !== "gone";
  return {
    name: node.name,
    state,
    labels: node.labels,
    devices: [...node.devices]
      .sort(byKindAndIndex)
      .map((device) => deviceRecord(cluster, node.name, device, reachable)),
    seenAt: node.connected ? Math.round(now.wallMs - (now.monotonicMs - node.lastHeardMs)) : node.seenAt || undefined,
    version: node.version,
    hostname: node.host.hostname,
    cpuCount: node.host.cpuCount,
    memoryBytes: node.host.memoryBytes,
    // Absent where the store is older than the fact.
    containerEngine: node.host.containerEngine ?? "",
  };
}

function nodeState(node: Node, now: Now): NodeStateName {
  if (!node.connected && now.monotonicMs - node.lastHeardMs > GONE_AFTER_MS) return "gone";
  if (!node.connected || node.silent) return "unknown";
  if (node.draining) return "draining";
  return node.cordoned ? "cordoned" : "ready";
}

function deviceRecord(cluster: Cluster, node: NodeName, device: Device, reachable: boolean): DeviceRecord {
  const parts = cluster.holders.of(node, device.uuid);
  return {
    device,
    state: deviceState(device, parts.size > 0, reachable),
    runs: [...parts.keys()].flatMap((fence) => handleOf(cluster, fence) ?? []),
    heldMilli: GPU_WHOLE_MILLI - cluster.holders.leftMilli(node, device.uuid),
  };
}

function deviceState(device: Device, held: boolean, reachable: boolean): DeviceStateName {
  if (held) return "busy";
  // A device of a host that does not answer must not look free.
  if (!reachable) return "unknown";
  return device.health === "clean" ? "free" : device.health;
}

/** Handle of the attempt's run. */
function handleOf(cluster: Cluster, fence: Fence): string | undefined {
  const attempt = cluster.attempts.get(fence);
  const run = attempt && cluster.runs.get(attempt.runId);
  const sweep = run && cluster.sweeps.get(run.sweepId);
  return run && sweep ? runRef(sweepRef(sweep.name, sweep.number), run.index) : undefined;
}

function byKindAndIndex(a: Device, b: Device): number {
  return a.kind === b.kind ? a.index - b.index : a.kind === "gpu" ? -1 : 1;
}
