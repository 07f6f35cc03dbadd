/** What the agent asks of the devices of its host, whatever they are. */
import type { DeviceUuid } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";

export type DevicesListener = (devices: readonly Device[]) => void;

/** What a GPU does, as last seen; what the device does not tell is absent. */
export interface GpuGauges {
  readonly utilizationPercent?: number;
  /** In use by whomever. */
  readonly memoryBytes?: number;
  readonly powerWatts?: number;
  readonly temperatureCelsius?: number;
}

export interface DeviceDriver {
  /** Every device as last seen. Never waits for a device that does not answer: it is listed as "unknown". */
  list(): Promise<Device[]>;
  /**
   * Looks again, after an attempt has ended: each of `uuids` as it is now, with the reason where it is not clean. Waits
   * a few seconds for memory to come back. A uuid that is gone is listed as "unknown".
   */
  check(uuids: readonly DeviceUuid[]): Promise<Device[]>;
  /** Variables by which a run sees exactly these devices. */
  environment(uuids: readonly DeviceUuid[]): Record<string, string>;
  /** Called with all devices whenever the health, the reason, the foreign processes or the set of devices has changed. */
  onChange?(listener: DevicesListener): void;
  /**
   * Gauges of those of `uuids` that have some. Never waits: the first call may give nothing, and only then begins to ask
   * the devices, until nobody has called for a while.
   */
  gauges?(uuids: readonly DeviceUuid[]): ReadonlyMap<DeviceUuid, GpuGauges>;
  /** The newest CUDA that the driver offers; empty where it does not say. Never rejects. */
  cudaVersion?(): Promise<string>;
  /** Ends what the driver keeps running. */
  close(): Promise<void>;
}

/** "unknown" for a device that was asked for and is not there. */
export function missingDevice(uuid: DeviceUuid, reason: string): Device {
  return { uuid, index: -1, kind: "gpu", model: "", memoryBytes: 0, health: "unknown", reason, foreign: [] };
}
