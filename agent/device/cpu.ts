/** CPU slots: devices of a host without GPUs. A slot is a place to run one thing, bound to no core; it is always clean. */
import { type DeviceUuid, deviceUuid } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import type { DeviceDriver } from "./driver.ts";

export interface CpuOptions {
  readonly slots: number;
  /** Makes the slots' names unique in the fleet. */
  readonly nodeName: string;
}

export function createCpuDriver({ slots, nodeName }: CpuOptions): DeviceDriver {
  const devices = Array.from({ length: slots }, (_, index): Device => {
    const uuid = deviceUuid(`${nodeName}/cpu-${index}`);
    return { uuid, index, kind: "cpu", model: "CPU slot", memoryBytes: 0, health: "clean", reason: "", foreign: [] };
  });
  return {
    list: () => Promise.resolve([...devices]),
    check: (uuids: readonly DeviceUuid[]) => Promise.resolve(devices.filter((device) => uuids.includes(device.uuid))),
    environment: () => ({}),
    close: () => Promise.resolve(),
  };
}
