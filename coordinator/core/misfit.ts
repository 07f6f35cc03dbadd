/** Why a node could not take a request even were it empty, clean and open. The real cause in one line, for `exp why`. */
import { formatBytes } from "../../shared/kernel/bytes.ts";
import type { Device, ResourceRequest } from "../../shared/run/devices.ts";
import { devicesWanted, gpusWanted, nodesWanted } from "../../shared/run/devices.ts";
import { matchesModel } from "../../shared/run/gpu-model.ts";
import type { Node } from "./cluster.ts";
import { whereProblem } from "./node-scope.ts";

/** Answers so far. A node is a new object whenever what counts here changes; requests live as long as their sweeps. */
const ANSWERS = new WeakMap<Node, WeakMap<ResourceRequest, string>>();

/** True when the node could take the request, or one of its alternatives, were it empty, clean and open. */
export function couldFit(node: Node, request: ResourceRequest): boolean {
  return waysOf(request).some((way) => misfit(node, way) === undefined);
}

/** True when enough of the nodes could each take their part of the request, or of one of its alternatives. */
export function couldFitTogether(nodes: readonly Node[], request: ResourceRequest): boolean {
  return waysOf(request).some(
    (way) => nodes.filter((node) => misfit(node, way) === undefined).length >= nodesWanted(way),
  );
}

/** Why it could not; undefined when it could. With alternatives, why each could not. */
export function whyMisfit(node: Node, request: ResourceRequest): string | undefined {
  const problems = waysOf(request).map((way) => misfit(node, way));
  return problems.includes(undefined) ? undefined : [...new Set(problems)].join("; or: ");
}

/** The request and its alternatives, in the order in which they are tried. */
export function waysOf(request: ResourceRequest): readonly ResourceRequest[] {
  return request.alternatives ? [request, ...request.alternatives] : [request];
}

/** One way alone, without its alternatives. */
export function misfit(node: Node, request: ResourceRequest): string | undefined {
  let answers = ANSWERS.get(node);
  if (!answers) {
    answers = new WeakMap();
    ANSWERS.set(node, answers);
  }
  let answer = answers.get(request);
  if (answer === undefined) {
    answer = look(node, request) ?? "";
    answers.set(request, answer);
  }
  return answer === "" ? undefined : answer;
}

/** A GPU that is of the kind asked for. */
export function isRightGpu(device: Device, request: ResourceRequest): boolean {
  const { gpuModels, gpuMemoryBytes = 0, gpuMemoryMaxBytes = Number.POSITIVE_INFINITY } = request;
  return (
    device.kind === "gpu" &&
    device.memoryBytes >= gpuMemoryBytes &&
    device.memoryBytes <= gpuMemoryMaxBytes &&
    (!gpuModels || gpuModels.length === 0 || matchesModel(device.model, gpuModels))
  );
}

/** CPUs that the run reserves of the host: where it holds GPUs, and the host offers no CPU slots to hold. */
export function cpusReserved(node: Node, request: ResourceRequest): number {
  const hasSlots = node.devices.some(({ kind }) => kind === "cpu");
  return !hasSlots && gpusWanted(request, hasGpus(node)) > 0 ? (request.cpus ?? 0) : 0;
}

/** Devices of each kind that the run takes on this node. */
export function wantedOn(node: Node, request: ResourceRequest): { gpu: number; cpu: number } {
  const { gpu, cpu } = devicesWanted(request, hasGpus(node));
  return { gpu, cpu: cpusReserved(node, request) > 0 ? 0 : cpu };
}

export function hasGpus(node: Node): boolean {
  return node.devices.some(({ kind }) => kind === "gpu");
}

function look(node: Node, request: ResourceRequest): string | undefined {
  const { host } = node;
  const gpus = node.devices.filter(({ kind }) => kind === "gpu");
  const slots = node.devices.length - gpus.length;
  const want = wantedOn(node, request);
  const cpus = cpusReserved(node, request);
  if (gpus.length < want.gpu) return `${countOf(gpus.length, "GPU")}, needs ${want.gpu}`;
  const right = gpus.filter((device) => isRightGpu(device, request));
  if (right.length < want.gpu) return wrongKind(gpus, right, want.gpu, request);
  if (slots < want.cpu) return `${countOf(slots, "CPU slot")}, needs ${want.cpu}`;
  if (host.cpuCount > 0 && host.cpuCount < cpus) return `${countOf(host.cpuCount, "CPU")}, needs ${cpus}`;
  // Also undefined where the store is older than the fact.
  if (request.container && !host.containerEngine) return "no container engine";
  const { memoryBytes = 0, diskBytes = 0 } = request;
  if (host.memoryBytes > 0 && host.memoryBytes < memoryBytes) {
    return `${formatBytes(host.memoryBytes)} memory, needs ${formatBytes(memoryBytes)}`;
  }
  // Undefined where the store is older than the figure.
  if (host.diskBytes > 0 && host.diskBytes < diskBytes) {
    return `${formatBytes(host.diskBytes)} of free disk, needs ${formatBytes(diskBytes)}`;
  }
  return request.where ? whereProblem(node, request.where) : undefined;
}

/** "8 GPUs of 11GB, needs 24GB": names what is wrong of model and memory, and how many are right where some are. */
function wrongKind(gpus: readonly Device[], right: readonly Device[], count: number, request: ResourceRequest): string {
  const { gpuModels = [], gpuMemoryBytes, gpuMemoryMaxBytes } = request;
  const models = gpus.filter((device) => isRightGpu(device, { gpus: 1, cpus: undefined, gpuModels }));
  const byModel = models.length < count;
  const facts = [...new Set(gpus.map((device) => (byModel ? device.model : vendorSize(device.memoryBytes))))];
  const wanted = byModel
    ? gpuModels.join(" or ")
    : gpuMemoryBytes && gpuMemoryMaxBytes
      ? `${formatBytes(gpuMemoryBytes)} to ${formatBytes(gpuMemoryMaxBytes)}`
      : gpuMemoryBytes
        ? formatBytes(gpuMemoryBytes)
        : `at most ${formatBytes(gpuMemoryMaxBytes ?? 0)}`;
  const have = `${countOf(gpus.length, "GPU")} of ${facts.sort().join(" and ")}`;
  return right.length === 0 ? `${have}, needs ${wanted}` : `${have}, needs ${count} of ${wanted}`;
}

/** As on the box: a card sold with 11 GB says that it has 11 GiB. */
function vendorSize(bytes: number): string {
  return bytes >= 2 ** 30 ? `${Math.round(bytes / 2 ** 30)}GB` : formatBytes(bytes);
}

function countOf(count: number, what: string): string {
  return count === 0 ? `no ${what}` : `${count} ${what}${count === 1 ? "" : "s"}`;
}
