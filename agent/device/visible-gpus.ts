/** [P] How a CUDA program is told which GPUs are its own. */
import type { DeviceUuid } from "../../shared/kernel/ids.ts";

/**
 * By UUID, since an index means another device after a reboot. Empty for a run without GPUs: it then sees none, where an
 * unset variable would show it all of them.
 */
export function visibleGpus(uuids: readonly DeviceUuid[]): Record<string, string> {
  return { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: uuids.join(",") };
}
