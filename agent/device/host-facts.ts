/** What kind of machine this is: read once at start, for people to see. GPUs are the device drivers' business. */
import { hostname } from "node:os";
import si from "systeminformation";
import type { HostFacts } from "../../shared/run/session.ts";

/** About 40 ms. A figure that the host hides is empty or 0. `driverVersion` comes from the devices. */
export async function hostFacts(driverVersion = ""): Promise<HostFacts> {
  const [os, cpu, memory] = await Promise.all([si.osInfo(), si.cpu(), si.mem()]);
  return {
    hostname: hostname(),
    os: [os.distro, os.release].filter((part) => part).join(" "),
    kernel: os.kernel,
    arch: os.arch,
    cpuModel: [cpu.manufacturer, cpu.brand].filter((part) => part).join(" "),
    cpuCount: cpu.cores,
    memoryBytes: memory.total,
    driverVersion,
  };
}
