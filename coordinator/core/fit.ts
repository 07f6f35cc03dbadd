/** Which node and devices a request gets, given what is free. Pure, and the same for the same view. */
import type { DeviceUuid, NodeName } from "../../shared/kernel/ids.ts";
import {
  type Device,
  formatGpuShare,
  GPU_WHOLE_MILLI,
  nodesWanted,
  type ResourceRequest,
} from "../../shared/run/devices.ts";
import type { Place } from "./changes.ts";
import { type Attempt, type Cluster, isWaiting, type Node, type Reserved } from "./cluster.ts";
import { couldFitTogether, cpusReserved, isRightGpu, misfit, wantedOn, waysOf } from "./misfit.ts";

/** A GPU of which something is free. */
export interface FreeGpu {
  readonly device: Device;
  /** Thousandths. */
  leftMilli: number;
}

/** What is free of one node; taken from as a pass places runs. */
export interface FreeNode {
  readonly node: Node;
  /** The smallest first, then by index: a run that can do with less leaves the large ones. */
  readonly gpus: FreeGpu[];
  readonly cpus: DeviceUuid[];
  /** What a size is unknown of is without bound. */
  cpuCount: number;
  memoryBytes: number;
  diskBytes: number;
  /** Attempts that are on it. */
  attempts: number;
  /** One of them has the node for itself. */
  exclusive: boolean;
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
export function freeNodes(cluster: Cluster): FreeNode[] {
  const attempts = new Map<NodeName, Attempt[]>();
  for (const attempt of cluster.attempts.values()) {
    if (isWaiting(cluster, attempt)) continue;
    const known = attempts.get(attempt.node);
    if (known) known.push(attempt);
    else attempts.set(attempt.node, [attempt]);
  }
  const free: FreeNode[] = [];
  for (const node of cluster.nodes.values()) {
    if (closedReason(node) === undefined) free.push(makeFree(cluster, node, attempts.get(node.name) ?? []));
  }
  return free.sort((a, b) => (a.node.name < b.node.name ? -1 : 1));
}

export function freeOn(cluster: Cluster, node: Node): FreeNode {
  return makeFree(
    cluster,
    node,
    [...cluster.attempts.values()].filter((attempt) => attempt.node === node.name && !isWaiting(cluster, attempt)),
  );
}

/**
 * Takes what `request`, or else its first alternative that fits, asks for out of the book, on as many nodes as it asks for;
 * undefined when too few nodes have enough. The node that keeps the fewest free devices wins, so that large holes stay whole;
 * equal ones go by name, and so do ranks. `avoid` gets nothing as long as other open nodes could take the request one day.
 */
export function take(book: readonly FreeNode[], request: ResourceRequest, avoid?: NodeName): Place[] | undefined {
  const others = avoid === undefined ? book : book.filter(({ node }) => node.name !== avoid);
  const mayAvoid =
    others.length < book.length &&
    couldFitTogether(
      others.map(({ node }) => node),
      request,
    );
  for (const way of waysOf(request)) {
    const taken = takeOneWay(mayAvoid ? others : book, way);
    if (taken) return taken;
  }
  return undefined;
}

/** What a request, in one way, lacks on the node now; undefined when it fits. Only of a node that could take it. */
export function lacking(free: FreeNode, request: ResourceRequest): string | undefined {
  const { node } = free;
  const want = wantedOn(node, request);
  const right = gpusFor(free, request).length;
  const { memoryBytes = 0, diskBytes = 0 } = request;
  if (free.exclusive) return "a run has it for itself";
  if (request.exclusive && free.attempts > 0) {
    return `${free.attempts} run${free.attempts === 1 ? "" : "s"} on it, and it needs the node for itself`;
  }
  if (right < want.gpu) {
    const part = isShared(request) ? `with ${formatGpuShare(milliOf(request))} ` : "";
    return `${right} of ${want.gpu} GPU${want.gpu === 1 ? "" : "s"} ${part}free`;
  }
  if (free.cpus.length < want.cpu) {
    return `${free.cpus.length} of ${want.cpu} CPU slot${want.cpu === 1 ? "" : "s"} free`;
  }
  const cpus = cpusReserved(node, request);
  if (free.cpuCount < cpus) return `${free.cpuCount} of ${cpus} CPUs not reserved`;
  if (free.memoryBytes < memoryBytes) return `${share(free.memoryBytes, memoryBytes)} of memory not reserved`;
  if (free.diskBytes < diskBytes) return `${share(free.diskBytes, diskBytes)} of disk not reserved`;
  return undefined;
}

function share(have: number, need: number): string {
  const gb = (bytes: number): string => (Math.max(0, bytes) / 1e9).toFixed(1).replace(/\.0$/, "");
  return `${gb(have)} of ${gb(need)}GB`;
}

function milliOf({ gpuMilli = GPU_WHOLE_MILLI }: ResourceRequest): number {
  return gpuMilli;
}

/** It asks for parts of GPUs. */
function isShared(request: ResourceRequest): boolean {
  return milliOf(request) < GPU_WHOLE_MILLI;
}

function isWhole({ leftMilli }: FreeGpu): boolean {
  return leftMilli === GPU_WHOLE_MILLI;
}

/** GPUs that the request may have, those that it should have first: where it asks for parts, the fullest, so that others stay whole. */
function gpusFor(free: FreeNode, request: ResourceRequest): FreeGpu[] {
  const milli = milliOf(request);
  const right = free.gpus.filter(({ device, leftMilli }) => leftMilli >= milli && isRightGpu(device, request));
  return isShared(request) ? right.sort((a, b) => a.leftMilli - b.leftMilli) : right;
}

function takeOneWay(book: readonly FreeNode[], request: ResourceRequest): Place[] | undefined {
  const count = nodesWanted(request);
  if (count === 1) {
    const best = bestOf(book, request);
    return best && [takeFrom(best, request)];
  }
  const chosen: FreeNode[] = [];
  for (let left = book; chosen.length < count; ) {
    const best = bestOf(left, request);
    if (!best) return undefined;
    chosen.push(best);
    left = left.filter((free) => free !== best);
  }
  chosen.sort((a, b) => (a.node.name < b.node.name ? -1 : 1));
  return chosen.map((free) => takeFrom(free, request));
}

function bestOf(book: readonly FreeNode[], request: ResourceRequest): FreeNode | undefined {
  let best: FreeNode | undefined;
  let bestBroken = Number.POSITIVE_INFINITY;
  let bestLeft = Number.POSITIVE_INFINITY;
  for (const free of book) {
    if (misfit(free.node, request) !== undefined || lacking(free, request) !== undefined) continue;
    const want = wantedOn(free.node, request);
    // GPUs that stay whole elsewhere are worth more than a node that is full.
    const broken = isShared(request) ? gpusFor(free, request).slice(0, want.gpu).filter(isWhole).length : 0;
    const left = free.gpus.filter(isWhole).length - want.gpu + free.cpus.length - want.cpu;
    if (broken < bestBroken || (broken === bestBroken && left < bestLeft)) {
      best = free;
      bestBroken = broken;
      bestLeft = left;
    }
  }
  return best;
}

function takeFrom(free: FreeNode, request: ResourceRequest): Place {
  const { node } = free;
  const want = wantedOn(node, request);
  const gpus = gpusFor(free, request).slice(0, want.gpu);
  for (const gpu of gpus) {
    gpu.leftMilli -= milliOf(request);
    if (gpu.leftMilli === 0) free.gpus.splice(free.gpus.indexOf(gpu), 1);
  }
  const reserved = reservedOn(node, request);
  free.attempts += 1;
  reserve(free, reserved);
  const devices = [...gpus.map(({ device }) => device.uuid), ...free.cpus.splice(0, want.cpu)];
  return { node: node.name, devices, reserved };
}

/** What the run holds of the node besides whole devices; undefined for nothing. */
export function reservedOn(node: Node, request: ResourceRequest): Reserved | undefined {
  const { memoryBytes = 0, diskBytes = 0, exclusive = false } = request;
  const cpus = cpusReserved(node, request);
  const part = isShared(request) && wantedOn(node, request).gpu > 0 ? { gpuMilli: milliOf(request) } : undefined;
  if (!cpus && !memoryBytes && !diskBytes && !exclusive && !part) return undefined;
  return { cpus, memoryBytes, diskBytes, exclusive, ...part };
}

/** True when what an attempt holds besides its devices is still free. */
export function hasRoom(free: FreeNode, reserved: Reserved | undefined): boolean {
  if (free.exclusive) return false;
  if (!reserved) return true;
  const { cpus, memoryBytes, diskBytes, exclusive } = reserved;
  if (exclusive && free.attempts > 0) return false;
  return free.cpuCount >= cpus && free.memoryBytes >= memoryBytes && free.diskBytes >= diskBytes;
}

function makeFree(cluster: Cluster, node: Node, attempts: readonly Attempt[]): FreeNode {
  const { host } = node;
  const gpus: FreeGpu[] = [];
  const cpus: DeviceUuid[] = [];
  for (const device of node.devices) {
    const leftMilli = cluster.holders.leftMilli(node.name, device.uuid);
    if (device.health !== "clean" || leftMilli <= 0) continue;
    if (device.kind === "gpu") gpus.push({ device, leftMilli });
    else cpus.push(device.uuid);
  }
  const free: FreeNode = {
    node,
    gpus: gpus.sort((a, b) => a.device.memoryBytes - b.device.memoryBytes),
    cpus,
    cpuCount: host.cpuCount || Number.POSITIVE_INFINITY,
    memoryBytes: host.memoryBytes || Number.POSITIVE_INFINITY,
    diskBytes: host.diskBytes || Number.POSITIVE_INFINITY,
    attempts: attempts.length,
    exclusive: false,
  };
  for (const attempt of attempts) reserve(free, attempt.reserved);
  return free;
}

function reserve(free: FreeNode, reserved: Reserved | undefined): void {
  if (!reserved) return;
  free.cpuCount -= reserved.cpus;
  free.memoryBytes -= reserved.memoryBytes;
  free.diskBytes -= reserved.diskBytes;
  free.exclusive ||= reserved.exclusive;
}
