/** What the simulated runs ask for, each with what a person would say of a place: an oracle that shares no code with the core. */
import type { Node } from "../../coordinator/core/cluster.ts";
import type { Device, ResourceRequest } from "../../shared/run/devices.ts";
import type { RetryPolicy } from "../../shared/run/retry.ts";
import type { HostFacts } from "../../shared/run/session.ts";
import type { RunShape } from "../../shared/spec/types.ts";
import type { Prng } from "./prng.ts";

/** True when the run may be on this node with these devices. */
export type Allows = (node: Pick<Node, "labels">, devices: readonly Device[]) => boolean;

export interface DrawnShape {
  readonly shape: RunShape;
  readonly allows: Allows;
  /** Memory that each way of the request reserves at least. */
  readonly memoryBytes: number;
  readonly exclusive: boolean;
  /** Thousandths of each of its GPUs. */
  readonly gpuMilli: number;
  /** Nodes that it takes at once. */
  readonly nodes: number;
}

const LARGE = { model: "NVIDIA A100-SXM4-80GB", memoryBytes: 80e9 };
const SMALL = { model: "NVIDIA GeForce RTX 3090", memoryBytes: 24e9 };

export function drawGpu(prng: Prng): Pick<Device, "model" | "memoryBytes"> {
  return prng.chance(0.5) ? LARGE : SMALL;
}

export function drawHost(prng: Prng): { facts: HostFacts; labels: { zone: string } } {
  const facts = {
    hostname: "sim",
    os: "sim",
    kernel: "sim",
    arch: "sim",
    cpuModel: "sim",
    driverVersion: "",
    containerEngine: "",
  };
  const sizes = { cpuCount: 8, memoryBytes: prng.pick([0, 64e9, 128e9]), diskBytes: prng.pick([0, 1e12]) };
  return { facts: { ...facts, ...sizes }, labels: { zone: prng.pick(["a", "b"]) } };
}

export function drawShape(prng: Prng): DrawnShape {
  const { resources, ...oracle } = drawRequest(prng);
  const shape: RunShape = {
    template: { command: "true", args: "flags", cwd: "/", env: {} },
    resources,
    limits: { timeMs: 0, idleMs: 0, stopGraceMs: 2_000 },
    retry: drawRetry(prng),
    tags: [],
  };
  return { shape, ...oracle };
}

interface DrawnRequest extends Omit<DrawnShape, "shape"> {
  readonly resources: ResourceRequest;
}

const ANYWHERE: Omit<DrawnRequest, "resources"> = {
  allows: () => true,
  memoryBytes: 0,
  exclusive: false,
  gpuMilli: 1000,
  nodes: 1,
};

function drawRequest(prng: Prng): DrawnRequest {
  const gpus = (devices: readonly Device[]): readonly Device[] => devices.filter(({ kind }) => kind === "gpu");
  const plain = prng.pick<ResourceRequest>([
    { gpus: undefined, cpus: undefined },
    { gpus: undefined, cpus: undefined },
    { gpus: 1, cpus: undefined },
    { gpus: 2, cpus: undefined },
    { gpus: 0, cpus: undefined },
    { gpus: undefined, cpus: 2 },
  ]);
  switch (prng.between(0, 15)) {
    case 0: {
      const resources = { gpus: 1, cpus: 2, gpuModels: ["a100"] };
      return {
        ...ANYWHERE,
        resources,
        allows: (_, devices) => gpus(devices).every(({ model }) => model === LARGE.model),
      };
    }
    case 1: {
      const resources = { gpus: 1, cpus: undefined, gpuMemoryBytes: 40e9 };
      return {
        ...ANYWHERE,
        resources,
        allows: (_, devices) => gpus(devices).every((device) => device.memoryBytes >= 40e9),
      };
    }
    case 2: {
      const resources = { ...plain, where: "node.labels.zone == 'a'" };
      return { ...ANYWHERE, resources, allows: ({ labels }) => labels.zone === "a" };
    }
    case 3:
      return { ...ANYWHERE, resources: { ...plain, memoryBytes: 40e9, diskBytes: 1e9 }, memoryBytes: 40e9 };
    case 4:
      return { ...ANYWHERE, resources: { ...plain, exclusive: true }, exclusive: true };
    case 5: {
      const smaller = { gpus: undefined, cpus: undefined, memoryBytes: 20e9 };
      const resources = { gpus: 2, cpus: undefined, memoryBytes: 40e9, alternatives: [smaller] };
      return { ...ANYWHERE, resources, memoryBytes: 20e9 };
    }
    case 6:
      return { ...ANYWHERE, resources: { gpus: 1, cpus: undefined, gpuMilli: 500 }, gpuMilli: 500 };
    case 7:
      return { ...ANYWHERE, resources: { gpus: 2, cpus: 1, gpuMilli: 300 }, gpuMilli: 300 };
    case 8:
    case 9: {
      const nodes = prng.between(2, 3);
      return { ...ANYWHERE, resources: { ...plain, nodes }, nodes };
    }
    default:
      return { ...ANYWHERE, resources: plain };
  }
}

function drawRetry(prng: Prng): RetryPolicy {
  const max = prng.pick([0, 0, 1, 3]);
  return {
    max,
    ...(prng.chance(0.2) && { on: [prng.pick(["exit:1", "signal", "cuda-oom"])] }),
    ...(prng.chance(0.2) && { never: [prng.pick(["exit:1", "signal", "cuda-oom", "lost"])] }),
    ...(prng.chance(0.2) && { backoff: { minMs: 100, maxMs: 20_000 } }),
    ...(prng.chance(0.2) && { avoidNode: true }),
  };
}
