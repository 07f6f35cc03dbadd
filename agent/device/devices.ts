/** All devices of this host as one driver: its GPUs, by whichever driver, and its CPU slots. */
import { availableParallelism } from "node:os";
import { AppError } from "../../shared/kernel/errors.ts";
import type { DeviceUuid } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import { CPU_SLOTS_MAX } from "../../shared/run/limits.ts";
import { createCpuDriver } from "./cpu.ts";
import { type DeviceDriver, type DevicesListener, type GpuGauges, missingDevice } from "./driver.ts";
import { createFakeDriver } from "./fake.ts";
import { type GpusOption, parseGpusOption } from "./gpus-option.ts";
import { createNvidiaDriver } from "./nvidia.ts";
import type { ListedGpu } from "./nvidia-parse.ts";
import type { NvidiaTiming } from "./nvidia-watch.ts";
import { visibleGpus } from "./visible-gpus.ts";

export interface DevicesOptions {
  /** `--gpus`: "auto", "none", "0,1", UUIDs, or "fake:8x80GB". */
  readonly gpus: string;
  /** `--cpu-slots`; undefined: as many as CPUs on a host without GPUs, none on a host with GPUs. */
  readonly cpuSlots: number | undefined;
  readonly nodeName: string;
  /** Tells this agent's processes on a GPU from others'. Undefined: every agent's attempts count as its own. */
  readonly workdir?: string;
  /** Another program than the "nvidia-smi" on PATH. */
  readonly nvidiaSmi?: string;
  readonly nvidiaTiming?: Partial<NvidiaTiming>;
}

export interface Devices extends DeviceDriver {
  onChange(listener: DevicesListener): void;
  gauges(uuids: readonly DeviceUuid[]): ReadonlyMap<DeviceUuid, GpuGauges>;
  /** Of the GPU driver; empty without one. */
  readonly driverVersion: string;
  /** The newest CUDA that the GPU driver offers, such as "12.4"; empty without one. Never rejects. */
  cudaVersion(): Promise<string>;
}

/** Throws `invalid` for options that this host cannot meet, `unavailable` where its GPU driver does not work. */
export async function createDevices(options: DevicesOptions): Promise<Devices> {
  const { cpuSlots, nodeName } = options;
  if (cpuSlots !== undefined && !(Number.isInteger(cpuSlots) && cpuSlots >= 0 && cpuSlots <= CPU_SLOTS_MAX)) {
    throw new AppError("invalid", `--cpu-slots ${cpuSlots} is not a whole number from 0 to ${CPU_SLOTS_MAX}`);
  }
  const gpus = parseGpusOption(options.gpus);
  const gpuDriver = await createGpuDriver(gpus, options);
  const slots = cpuSlots ?? (gpuDriver ? 0 : availableParallelism());
  const cpuDriver = createCpuDriver({ slots, nodeName });
  const drivers: DeviceDriver[] = gpuDriver ? [gpuDriver, cpuDriver] : [cpuDriver];
  const isSlot = (uuid: DeviceUuid) => uuid.startsWith(`${nodeName}/cpu-`);
  const list = async () => (await Promise.all(drivers.map((driver) => driver.list()))).flat();

  return {
    list,
    async check(uuids) {
      const own = uuids.filter(isSlot);
      const others = uuids.filter((uuid) => !isSlot(uuid));
      const slotsNow = own.length === 0 ? [] : await cpuDriver.check(own);
      if (others.length === 0) return slotsNow;
      const gone = (): Device[] => others.map((uuid) => missingDevice(uuid, "the agent was started without this GPU"));
      return [...(gpuDriver ? await gpuDriver.check(others) : gone()), ...slotsNow];
    },
    environment(uuids) {
      if (gpuDriver) return gpuDriver.environment(uuids.filter((uuid) => !isSlot(uuid)));
      // Without a wish nothing is said, so that what "auto" does not know (another make) stays usable.
      return gpus.kind === "none" ? visibleGpus([]) : {};
    },
    onChange(listener) {
      gpuDriver?.onChange?.((devices) => {
        void cpuDriver.list().then((cpus) => listener([...devices, ...cpus]));
      });
    },
    gauges(uuids) {
      const gpus = uuids.filter((uuid) => !isSlot(uuid));
      return (gpus.length > 0 && gpuDriver?.gauges?.(gpus)) || new Map();
    },
    get driverVersion() {
      return gpuDriver && "driverVersion" in gpuDriver ? String(gpuDriver.driverVersion) : "";
    },
    cudaVersion: async () => (await gpuDriver?.cudaVersion?.()) ?? "",
    async close() {
      await Promise.all(drivers.map((driver) => driver.close()));
    },
  };
}

async function createGpuDriver(gpus: GpusOption, options: DevicesOptions): Promise<DeviceDriver | undefined> {
  if (gpus.kind === "none") return undefined;
  if (gpus.kind === "fake") return createFakeDriver({ ...gpus, nodeName: options.nodeName });
  const driver = await createNvidiaDriver({
    workdir: options.workdir,
    select: (listed) => select(gpus, listed, options.gpus),
    ...(options.nvidiaSmi === undefined ? {} : { command: options.nvidiaSmi }),
    ...(options.nvidiaTiming === undefined ? {} : { timing: options.nvidiaTiming }),
  });
  if (!driver && gpus.kind !== "auto") {
    throw new AppError("invalid", `--gpus ${options.gpus}: nvidia-smi shows no GPU on this host`, {
      id: "agent.gpus",
      hint: "use --gpus auto or --gpus none",
    });
  }
  return driver;
}

/** The GPUs that were asked for. Of a GPU in MIG mode some instances may be taken and others left. */
function select(gpus: GpusOption, listed: readonly ListedGpu[], text: string): ListedGpu[] {
  if (gpus.kind === "indices") {
    return gpus.indices.map((index) => {
      const gpu = listed.find((candidate) => candidate.index === index);
      if (!gpu) throw notThere(text, `no GPU ${index}`, listed);
      return gpu;
    });
  }
  if (gpus.kind !== "uuids") return [...listed];
  const wanted = new Set(gpus.uuids);
  const known = new Set(listed.flatMap((gpu) => [gpu.uuid, ...gpu.migs.map((mig) => mig.uuid)]));
  const missing = gpus.uuids.find((uuid) => !known.has(uuid));
  if (missing !== undefined) throw notThere(text, `no ${missing}`, listed);
  return listed.flatMap((gpu) => {
    if (wanted.has(gpu.uuid)) return [gpu];
    const migs = gpu.migs.filter((mig) => wanted.has(mig.uuid));
    return migs.length > 0 ? [{ ...gpu, migs }] : [];
  });
}

function notThere(text: string, what: string, listed: readonly ListedGpu[]): AppError {
  const have = listed.map((gpu) => `${gpu.index} (${gpu.name}, ${gpu.uuid})`).join(", ");
  return new AppError("invalid", `--gpus ${text}: this host has ${what}`, { id: "agent.gpus", hint: `it has ${have}` });
}
