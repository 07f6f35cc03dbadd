/**
 * What is known of devices at work: since when, and the last values that their host measured. A device without a run says
 * nothing of itself, and what a silent host said last is no news.
 */
import { SYSTEM_PREFIX } from "../../shared/capture/options.ts";
import { type DeviceUuid, deviceUuid, type Fence, nodeName } from "../../shared/kernel/ids.ts";
import type { DeviceUse, FleetDevice, FleetNode } from "../../shared/run/dashboard.ts";
import { isCpuSlot } from "../../shared/run/devices.ts";
import { viewOfNode } from "../../shared/run/records.ts";
import type { Attempt } from "../core/cluster.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { listNodes } from "../store/queries/nodes.ts";

/** Values are read anew no more often than this, however many look: hosts measure them every few seconds. */
const FRESH_MS = 1_000;

type Lasts = ReadonlyMap<Fence, ReadonlyMap<string, number>>;

/** Every node with its devices, and what each does. */
export function createFleetNodes({ cluster, clock, queries }: ReadDeps): () => FleetNode[] {
  let lasts: Lasts = new Map();
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    if (now.monotonicMs - readMs >= FRESH_MS) {
      lasts = queries.attempts.hostLasts([...cluster.attempts.keys()]);
      readMs = now.monotonicMs;
    }
    return listNodes(cluster, now).map((record): FleetNode => {
      const view = viewOfNode(record);
      const isHeard = record.state !== "unknown" && record.state !== "gone";
      const devices = view.devices.map((device): FleetDevice => {
        const uuid = deviceUuid(device.uuid);
        // All that share a device read the same of it: the first to come says since when.
        const [fence] = cluster.holders.of(nodeName(record.name), uuid).keys();
        const attempt = fence === undefined ? undefined : cluster.attempts.get(fence);
        return attempt
          ? { ...device, use: useOf(attempt, uuid, isHeard ? lasts.get(attempt.fence) : undefined) }
          : device;
      });
      return { ...view, devices };
    });
  };
}

function useOf(attempt: Attempt, uuid: DeviceUuid, lasts: ReadonlyMap<string, number> | undefined): DeviceUse {
  // As the agent names them: by position among the GPUs of the attempt.
  const gpu = attempt.devices.filter((each) => !isCpuSlot(each)).indexOf(uuid);
  const value = (name: string) => lasts?.get(`${SYSTEM_PREFIX}gpu${gpu}/${name}`) ?? null;
  return {
    since: attempt.startedAt === undefined ? null : new Date(attempt.startedAt).toISOString(),
    gpu: gpu < 0 ? null : gpu,
    utilizationPercent: value("utilization_percent"),
    memoryBytes: value("memory_bytes"),
    powerWatts: value("power_watts"),
    temperatureCelsius: value("temperature_celsius"),
  };
}
