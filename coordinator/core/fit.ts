/** Which node and devices a request gets, given what is free. Pure, and the same for the same view. */
import type { DeviceUuid, NodeName } from "../../shared/kernel/ids.ts";
import type { ResourceRequest } from "../../shared/run/devices.ts";
import { devicesWanted } from "../../shared/run/devices.ts";
import type { Cluster, Node } from "./cluster.ts";
import { holderKey } from "./cluster.ts";

/** Free devices of one node, in index order; taken from as a pass places runs. */
export interface FreeDevices {
  readonly node: NodeName;
  readonly hasGpus: boolean;
  readonly gpus: DeviceUuid[];
  readonly cpus: DeviceUuid[];
}

/** Undefined when a node may take new work, else why not. */
export function closedReason(node: Node): string | undefined {
  if (!node.connected) return "not connected";
  if (node.silent) return "silent";
  if (node.cordoned) return "cordoned";
  if (node.draining) return "draining";
  return undefined;
}

/** A fresh book of what is free on every open node, by name. */
export function freeDevices(cluster: Cluster): FreeDevices[] {
  const free: FreeDevices[] = [];
  for (const node of cluster.nodes.values()) {
    if (closedReason(node) === undefined) free.push(freeOn(cluster, node));
  }
  return free.sort((a, b) => (a.node < b.node ? -1 : 1));
}

export function freeOn(cluster: Cluster, node: Node): FreeDevices {
  const gpus: DeviceUuid[] = [];
  const cpus: DeviceUuid[] = [];
  let hasGpus = false;
  for (const device of node.devices) {
    hasGpus ||= device.kind === "gpu";
    if (device.health !== "clean" || cluster.holders.has(holderKey(node.name, device.uuid))) continue;
    (device.kind === "gpu" ? gpus : cpus).push(device.uuid);
  }
  return { node: node.name, hasGpus, gpus, cpus };
}

/**
 * Takes devices for `request` out of the book; undefined when no node has enough. The node that keeps the fewest free
 * devices wins, so that large holes stay whole; equal ones go by name.
 */
export function takeDevices(
  book: readonly FreeDevices[],
  request: ResourceRequest,
): { node: NodeName; devices: DeviceUuid[] } | undefined {
  let best: FreeDevices | undefined;
  let bestLeft = Number.POSITIVE_INFINITY;
  for (const free of book) {
    const want = devicesWanted(request, free.hasGpus);
    if (free.gpus.length < want.gpu || free.cpus.length < want.cpu) continue;
    const left = free.gpus.length - want.gpu + free.cpus.length - want.cpu;
    if (left < bestLeft) {
      best = free;
      bestLeft = left;
    }
  }
  if (!best) return undefined;
  const want = devicesWanted(request, best.hasGpus);
  return { node: best.node, devices: [...best.gpus.splice(0, want.gpu), ...best.cpus.splice(0, want.cpu)] };
}

/** True when the node could take the request were it empty, clean and open. */
export function couldFit(node: Node, request: ResourceRequest): boolean {
  const gpus = node.devices.filter((device) => device.kind === "gpu").length;
  const want = devicesWanted(request, gpus > 0);
  return gpus >= want.gpu && node.devices.length - gpus >= want.cpu;
}
