/** Devices as both sides speak of them: what an agent sees on a device, and what a run asks for. */
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

/**
 * What a run asks for. `gpus` undefined means "one device, whatever the host has": a GPU on a host with GPUs, else a CPU
 * slot. `gpus = 0` means CPU slots only. CPU slots are counted where `cpus` is given, and one by default without GPUs.
 */
export interface ResourceRequest {
  readonly gpus: number | undefined;
  readonly cpus: number | undefined;
}

/** How many devices of each kind the request takes on a host that has GPUs, or has none. */
export function devicesWanted(request: ResourceRequest, hostHasGpus: boolean): { gpu: number; cpu: number } {
  const gpu = request.gpus ?? (hostHasGpus ? 1 : 0);
  return { gpu, cpu: request.cpus ?? (gpu > 0 ? 0 : 1) };
}

/** "1 GPU", "2 GPUs, 8 CPU slots", "1 device". */
export function describeRequest(request: ResourceRequest): string {
  const parts: string[] = [];
  if (request.gpus === undefined && request.cpus === undefined) return "1 device";
  if (request.gpus) parts.push(`${request.gpus} GPU${request.gpus === 1 ? "" : "s"}`);
  const cpus = request.cpus ?? (request.gpus === 0 ? 1 : 0);
  if (cpus) parts.push(`${cpus} CPU slot${cpus === 1 ? "" : "s"}`);
  return parts.length === 0 ? "1 device" : parts.join(", ");
}
