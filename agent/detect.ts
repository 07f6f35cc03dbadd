/** What this host has to offer, found the same way as by a starting agent. */
import { formatBytes } from "../shared/kernel/bytes.ts";
import { makeDirectory } from "../shared/make-directory.ts";
import type { Device } from "../shared/run/devices.ts";
import type { HostFacts } from "../shared/run/session.ts";
import { createDevices } from "./device/devices.ts";
import { hostFacts } from "./device/host-facts.ts";
import { findCgroupRoot, removeGroup } from "./process/cgroup.ts";
import { describeEngine, findEngine } from "./process/container/engine.ts";

export interface DetectOptions {
  readonly gpus: string;
  readonly cpuSlots: number | undefined;
  readonly nodeName: string;
  readonly workdir: string;
  /** `--container-engine` */
  readonly containerEngine: string;
  readonly hostEnv: { readonly [name: string]: string | undefined };
}

export interface Detected {
  readonly name: string;
  readonly host: HostFacts;
  readonly devices: readonly Device[];
  /** A cgroup we may make groups in; null: process trees are found by their environment. */
  readonly cgroup: string | null;
}

export async function detectHost(options: DetectOptions): Promise<Detected> {
  makeDirectory(options.workdir, 0o700);
  const devices = await createDevices(options);
  const cgroup = await findCgroupRoot(options.workdir);
  const engine = await findEngine(options.containerEngine, options.hostEnv);
  try {
    return {
      name: options.nodeName,
      host: await hostFacts(devices.driverVersion, undefined, describeEngine(engine)),
      devices: await devices.list(),
      cgroup: cgroup ?? null,
    };
  } finally {
    if (cgroup !== undefined) removeGroup(cgroup);
    await devices.close();
  }
}

/** For people. */
export function describeHost({ name, host, devices, cgroup }: Detected): string {
  const lines = [
    `${name}  ${host.os}, ${host.kernel}, ${host.arch}`,
    `cpu     ${host.cpuCount} x ${host.cpuModel}`,
    `memory  ${formatBytes(host.memoryBytes)}`,
    `driver  ${host.driverVersion === "" ? "no GPU driver" : host.driverVersion}`,
    `cgroup  ${cgroup ?? "none writable: trees are found by their environment"}`,
    `images  ${host.containerEngine || "no container engine: runs with an image do not come here"}`,
    ...devices.map((device) => {
      const memory = device.memoryBytes > 0 ? `, ${formatBytes(device.memoryBytes)}` : "";
      const health = device.health === "clean" ? "" : `  ${device.health}: ${device.reason}`;
      return `${device.kind.padEnd(7)} ${device.index}  ${device.model}${memory}  ${device.uuid}${health}`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}
