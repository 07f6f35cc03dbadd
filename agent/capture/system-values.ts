/** [P] The host's metrics of a run by name. GPUs are numbered as the program sees them. */
import { SYSTEM_PREFIX } from "../../shared/capture/options.ts";
import type { DeviceUuid } from "../../shared/kernel/ids.ts";
import { isCpuSlot } from "../../shared/run/devices.ts";
import type { GpuGauges } from "../device/driver.ts";
import type { TreeUsage } from "./tree-usage.ts";

/** What is not known is left out. */
export function systemValues(
  usage: TreeUsage | undefined,
  devices: readonly DeviceUuid[],
  gauges: ReadonlyMap<DeviceUuid, GpuGauges>,
): { [name: string]: number } {
  const values: { [name: string]: number } = {};
  const set = (name: string, value: number | undefined) => {
    if (value !== undefined && Number.isFinite(value)) values[SYSTEM_PREFIX + name] = Math.round(value * 10) / 10;
  };
  set("cpu_percent", usage?.cpuPercent);
  set("memory_bytes", usage?.memoryBytes);
  set("processes", usage?.processes);
  set("read_bytes_per_s", usage?.readBytesPerSecond);
  set("write_bytes_per_s", usage?.writeBytesPerSecond);
  for (const [i, uuid] of devices.filter((each) => !isCpuSlot(each)).entries()) {
    const gpu = gauges.get(uuid);
    set(`gpu${i}/utilization_percent`, gpu?.utilizationPercent);
    set(`gpu${i}/memory_bytes`, gpu?.memoryBytes);
    set(`gpu${i}/power_watts`, gpu?.powerWatts);
    set(`gpu${i}/temperature_celsius`, gpu?.temperatureCelsius);
  }
  return values;
}
