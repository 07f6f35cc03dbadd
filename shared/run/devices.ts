/** Devices as both sides speak of them: what an agent sees on a device, and what a run asks for. */
import { formatBytes } from "../kernel/bytes.ts";
import type { DeviceUuid } from "../kernel/ids.ts";

export type DeviceKind = "gpu" | "cpu";

/** What the agent sees: clean, held by somebody else's process, not back at idle after an attempt, or not known. */
export type DeviceHealth = "clean" | "foreign" | "dirty" | "unknown";

export interface ForeignProcess {
  readonly pid: number;
  readonly name: string;
  readonly user: string;
  readonly memoryBytes: number;
}

/** One schedulable GPU, or one CPU slot. */
export interface Device {
  readonly uuid: DeviceUuid;
  readonly index: number;
  readonly kind: DeviceKind;
  readonly model: string;
  readonly memoryBytes: number;
  readonly health: DeviceHealth;
  /** Why it is not clean; empty when it is. */
  readonly reason: string;
  readonly foreign: readonly ForeignProcess[];
}

/** A GPU in parts: runs hold thousandths of it, so that the sum of parts is exact. */
export const GPU_WHOLE_MILLI = 1_000;

/**
 * What a run asks for. `gpus` undefined means "one device, whatever the host has": a GPU on a host with GPUs, else a CPU
 * slot; asking for a kind of GPU makes it one GPU. `gpus = 0` means CPU slots only. What is absent is not asked for.
 */
export interface ResourceRequest {
  readonly gpus: number | undefined;
  /**
   * CPU slots where the host offers slots. A run with GPUs on a host without slots (the usual case there) reserves as many
   * of the host's CPUs instead.
   */
  readonly cpus: number | undefined;
  /** Patterns of GPU models (see gpu-model.ts), any of which will do. */
  readonly gpuModels?: readonly string[];
  /** Of each GPU, at least. */
  readonly gpuMemoryBytes?: number;
  /** Of each GPU, at most. */
  readonly gpuMemoryMaxBytes?: number;
  /** Thousandths of each GPU, from 1 to 1000; other runs that ask for parts may get the rest. Undefined: whole GPUs. */
  readonly gpuMilli?: number;
  /** Reserved on the host for the run. A host that does not know its own size is not held to it. */
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  /** An expression over the node that must hold: `node.labels.zone == 'a'`. */
  readonly where?: string;
  /** Nothing else runs on the node meanwhile. */
  readonly exclusive?: boolean;
  /** It runs inside a container image: the host must have an engine for that. */
  readonly container?: boolean;
  /** Nodes that the run takes at once, all that is above on each of them. Undefined: one. */
  readonly nodes?: number;
  /** Other whole requests, tried in order where this one finds no place. They have none of their own. */
  readonly alternatives?: readonly ResourceRequest[];
}

/** The same request of a run that runs inside a container image. */
export function inContainer({ alternatives, ...request }: ResourceRequest): ResourceRequest {
  return { ...request, container: true, ...(alternatives && { alternatives: alternatives.map(inContainer) }) };
}

/** Tells a CPU slot from a GPU by its name, where the device itself is not at hand. */
export function isCpuSlot(uuid: string): boolean {
  return /\/cpu-\d+$/.test(uuid);
}

/** Thousandths of the device that an attempt holds, which has `gpuMilli` of each of its GPUs: CPU slots are never shared. */
export function heldMilli(gpuMilli: number | undefined, device: DeviceUuid): number {
  return gpuMilli === undefined || isCpuSlot(device) ? GPU_WHOLE_MILLI : gpuMilli;
}

/** Nodes that the request takes at once, without regard to its alternatives. */
export function nodesWanted({ nodes = 1 }: ResourceRequest): number {
  return nodes;
}

/** The most that it, or one of its alternatives, takes. */
export function nodesMost(request: ResourceRequest): number {
  return Math.max(nodesWanted(request), ...(request.alternatives ?? []).map(nodesWanted));
}

/** A text that is equal for requests that ask for the same, in whatever order they were written. */
export function requestKey({ alternatives = [], ...request }: ResourceRequest): string {
  const entries = Object.entries(request).filter(([, value]) => value !== undefined);
  const own = entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return [own.join(" "), ...alternatives.map(requestKey)].join(" or ");
}

/** "0.5" of 500 thousandths. */
export function formatGpuShare(milli: number): string {
  return String(milli / GPU_WHOLE_MILLI);
}

export function requestToJson(request: ResourceRequest): string {
  return JSON.stringify(request);
}

/** Reverse of `requestToJson`. */
export function requestFromJson(text: string): ResourceRequest {
  const { alternatives, ...own } = JSON.parse(text) as Partial<ResourceRequest>;
  const whole = (request: Partial<ResourceRequest>) => ({ gpus: undefined, cpus: undefined, ...request });
  return { ...whole(own), ...(alternatives && { alternatives: alternatives.map(whole) }) };
}

/** GPUs asked for on a host that has some, or has none. */
export function gpusWanted(request: ResourceRequest, hostHasGpus: boolean): number {
  if (request.gpus !== undefined) return request.gpus;
  const asksForGpu =
    request.gpuModels || request.gpuMemoryBytes || request.gpuMemoryMaxBytes || request.gpuMilli !== undefined;
  return hostHasGpus || asksForGpu ? 1 : 0;
}

/** How many devices of each kind the request takes on a host that has GPUs, or has none. */
export function devicesWanted(request: ResourceRequest, hostHasGpus: boolean): { gpu: number; cpu: number } {
  const gpu = gpusWanted(request, hostHasGpus);
  return { gpu, cpu: request.cpus ?? (gpu > 0 ? 0 : 1) };
}

/** "1 GPU", "2 GPUs (A100 or H100, 40GB), 8 CPU slots, 32GB memory", "1 device"; alternatives follow after "or". */
export function describeRequest(request: ResourceRequest): string {
  return [request, ...(request.alternatives ?? [])].map(describeOne).join(" or ");
}

function describeOne(request: ResourceRequest): string {
  const parts: string[] = [];
  const gpus = gpusWanted(request, false);
  if (gpus > 0) parts.push(`${gpus} GPU${gpus === 1 ? "" : "s"}${kindOfGpu(request)}`);
  const cpus = request.cpus ?? (request.gpus === 0 ? 1 : 0);
  if (cpus > 0) parts.push(`${cpus} CPU slot${cpus === 1 ? "" : "s"}`);
  if (parts.length === 0) parts.push("1 device");
  if (request.memoryBytes) parts.push(`${formatBytes(request.memoryBytes)} memory`);
  if (request.diskBytes) parts.push(`${formatBytes(request.diskBytes)} disk`);
  if (request.exclusive) parts.push("a node of its own");
  if (request.container) parts.push("a container engine");
  if (request.where) parts.push(`where ${request.where}`);
  const nodes = nodesWanted(request);
  return nodes > 1 ? `${nodes} nodes, each with ${parts.join(", ")}` : parts.join(", ");
}

/** " (A100 or H100, 40GB, 0.5 of it)"; empty where any GPU will do, and is wanted whole. */
function kindOfGpu(request: ResourceRequest): string {
  const { gpuModels = [], gpuMemoryBytes, gpuMemoryMaxBytes, gpuMilli = GPU_WHOLE_MILLI } = request;
  const parts: string[] = [];
  if (gpuModels.length > 0) parts.push(gpuModels.join(" or "));
  if (gpuMemoryBytes && gpuMemoryMaxBytes)
    parts.push(`${formatBytes(gpuMemoryBytes)} to ${formatBytes(gpuMemoryMaxBytes)}`);
  else if (gpuMemoryBytes) parts.push(formatBytes(gpuMemoryBytes));
  else if (gpuMemoryMaxBytes) parts.push(`up to ${formatBytes(gpuMemoryMaxBytes)}`);
  if (gpuMilli < GPU_WHOLE_MILLI)
    parts.push(`${formatGpuShare(gpuMilli)} of ${gpusWanted(request, false) === 1 ? "it" : "each"}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
