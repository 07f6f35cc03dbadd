/** GPUs that do not exist: for demos and tests of a fleet without hardware. They behave as a driver's GPUs do. */
import { createHash } from "node:crypto";
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { type DeviceUuid, deviceUuid } from "../../shared/kernel/ids.ts";
import type { Device, DeviceHealth, ForeignProcess } from "../../shared/run/devices.ts";
import { type DeviceDriver, type DevicesListener, type GpuGauges, missingDevice } from "./driver.ts";
import { visibleGpus } from "./visible-gpus.ts";

const FAKE_PREFIX = "GPU-fake-";

export interface FakeOptions {
  readonly count: number;
  readonly memoryBytes: number;
  readonly nodeName: string;
}

/** True for a GPU that no program and no container could be given. */
export function isFakeGpu(uuid: string): boolean {
  return uuid.startsWith(FAKE_PREFIX);
}

export interface FakeDriver extends DeviceDriver {
  /** Makes a device look held, lost or clean again. */
  setHealth(uuid: DeviceUuid, health: DeviceHealth, reason: string, foreign?: readonly ForeignProcess[]): void;
}

export function createFakeDriver({ count, memoryBytes, nodeName }: FakeOptions): FakeDriver {
  const host = createHash("sha256").update(nodeName).digest("hex").slice(0, 8);
  const model = `Fake GPU ${formatBytes(memoryBytes)}`;
  const listeners: DevicesListener[] = [];
  const devices = new Map<DeviceUuid, Device>();
  for (let index = 0; index < count; index++) {
    const uuid = deviceUuid(`${FAKE_PREFIX}${host}-${index}`);
    devices.set(uuid, { uuid, index, kind: "gpu", model, memoryBytes, health: "clean", reason: "", foreign: [] });
  }
  return {
    list: () => Promise.resolve([...devices.values()]),
    check: (uuids) =>
      Promise.resolve(uuids.map((uuid) => devices.get(uuid) ?? missingDevice(uuid, "no such fake GPU on this host"))),
    environment: visibleGpus,
    gauges: (uuids) =>
      new Map(
        uuids.flatMap((uuid) => {
          const device = devices.get(uuid);
          return device ? [[uuid, fakeGauges(device)] as const] : [];
        }),
      ),
    close: () => Promise.resolve(),
    onChange: (listener) => {
      listeners.push(listener);
    },
    setHealth: (uuid, health, reason, foreign = []) => {
      const device = devices.get(uuid);
      if (!device) return;
      devices.set(uuid, { ...device, health, reason, foreign });
      for (const listener of listeners) listener([...devices.values()]);
    },
  };
}

/** Always the same: whoever sees them should not take them for a measurement. */
function fakeGauges({ index, memoryBytes }: Device): GpuGauges {
  return {
    utilizationPercent: 50 + index,
    memoryBytes: memoryBytes / 2,
    powerWatts: 100 + index,
    temperatureCelsius: 40 + index,
  };
}
