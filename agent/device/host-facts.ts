/** What kind of machine this is: read once at start, for people to see. GPUs are the device drivers' business. */
import { statfs } from "node:fs/promises";
import { hostname } from "node:os";
import si from "systeminformation";
import type { HostFacts } from "../../shared/run/session.ts";

/**
 * About 40 ms. A figure that the host hides is empty or 0. `driverVersion` comes from the devices; `workdir` is where the
 * attempts' directories are, `containerEngine` what runs containers here.
 */
export async function hostFacts(driverVersion = "", workdir?: string, containerEngine = ""): Promise<HostFacts> {
  const [os, cpu, memory, diskBytes] = await Promise.all([si.osInfo(), si.cpu(), si.mem(), freeBytes(workdir)]);
  return {
    hostname: hostname(),
    os: [os.distro, os.release].filter((part) => part).join(" "),
    kernel: os.kernel,
    arch: os.arch,
    cpuModel: [cpu.manufacturer, cpu.brand].filter((part) => part).join(" "),
    cpuCount: cpu.cores,
    memoryBytes: memory.total,
    driverVersion,
    diskBytes,
    containerEngine,
  };
}

/** Free for an ordinary user on the file system of `path`; 0 where nobody can tell. */
async function freeBytes(path: string | undefined): Promise<number> {
  if (path === undefined) return 0;
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    // A figure for people and for requests of disk space, not worth a failed start.
    return 0;
  }
}
