/**
 * [P] Whether a GPU may be offered, from what nvidia-smi says about it. When in doubt it may not: a GPU of which nothing
 * is known is "unknown", and memory that nobody answers for is "dirty".
 */
import { formatBytes } from "../../shared/kernel/bytes.ts";
import { deviceUuid } from "../../shared/kernel/ids.ts";
import type { Device, DeviceHealth, ForeignProcess } from "../../shared/run/devices.ts";
import type { GpuRow, ListedGpu, MigDevice } from "./nvidia-parse.ts";

const MIB = 2 ** 20;
/** What a driver and a desktop may hold on an idle GPU. More than that at start is not taken for idle. */
const IDLE_BYTES_MAX = 1024 * MIB;
/** How far idle memory may move without anybody using the GPU. */
const IDLE_MARGIN_BYTES = 512 * MIB;

/** All that is known about one GPU at one time. */
export interface GpuView {
  readonly gpu: ListedGpu;
  /** Its last line; undefined where nvidia-smi gives none any more. */
  readonly row: GpuRow | undefined;
  /** Memory in use when nobody used it, as learned; undefined until then. */
  readonly idleBytes: number | undefined;
  /** Processes of attempts of this agent are on it. */
  readonly ownProcesses: boolean;
  /** Other processes on it, by the UUID (of the GPU or of a MIG instance) that nvidia-smi gave. */
  readonly foreign: readonly { readonly gpuUuid: string; readonly process: ForeignProcess }[];
  /** Why nothing that was said about it counts now ("nvidia-smi does not answer"); empty when all is well. */
  readonly problem: string;
}

/** Memory in use above which somebody must be using the GPU. */
export function busyBytes(idleBytes: number | undefined): number {
  return Math.min(idleBytes ?? IDLE_BYTES_MAX, IDLE_BYTES_MAX) + IDLE_MARGIN_BYTES;
}

/** Memory in use above which it is worth asking who is there: less than a small program's context. */
export function suspectBytes(idleBytes: number | undefined): number {
  return Math.min(idleBytes ?? 0, IDLE_BYTES_MAX) + 64 * MIB;
}

/** Idle memory after another look without any process on the GPU: the least seen. */
export function learnIdle(idleBytes: number | undefined, usedBytes: number): number | undefined {
  if (usedBytes > busyBytes(idleBytes)) return idleBytes;
  return Math.min(idleBytes ?? usedBytes, usedBytes);
}

/** The GPU as a device; in MIG mode, its instances. */
export function judge(view: GpuView): Device[] {
  if (view.gpu.migs.length === 0) return [judgeGpu(view)];
  return view.gpu.migs.map((mig) => judgeMig(view, mig));
}

function judgeGpu(view: GpuView): Device {
  const { gpu, row } = view;
  const foreign = view.foreign.map(({ process }) => process);
  const device = (health: DeviceHealth, reason: string): Device => ({
    uuid: deviceUuid(gpu.uuid),
    index: gpu.index,
    kind: "gpu",
    model: gpu.name,
    memoryBytes: row?.totalBytes ?? 0,
    health,
    reason,
    foreign,
  });
  const unknown = unknownReason(view);
  if (unknown) return device("unknown", unknown);
  if (foreign.length > 0) return device("foreign", describeForeign(foreign));
  const used = row?.usedBytes ?? 0;
  const busy = busyBytes(view.idleBytes);
  if (used > busy && !view.ownProcesses) {
    return device(
      "dirty",
      `${formatBytes(used)} of memory in use and no process to be seen (idle: up to ${formatBytes(busy)})`,
    );
  }
  return device("clean", "");
}

/** nvidia-smi gives no memory figure for an instance, so only processes tell. */
function judgeMig(view: GpuView, mig: MigDevice): Device {
  const foreign = view.foreign.filter(({ gpuUuid }) => gpuUuid === mig.uuid).map(({ process }) => process);
  const unknown = unknownReason(view);
  const health = unknown ? "unknown" : foreign.length > 0 ? "foreign" : "clean";
  return {
    uuid: deviceUuid(mig.uuid),
    index: view.gpu.index,
    kind: "gpu",
    model: `${view.gpu.name} MIG ${mig.profile}`,
    memoryBytes: mig.memoryBytes,
    health,
    reason: unknown || describeForeign(foreign),
    foreign,
  };
}

function unknownReason({ problem, row }: GpuView): string {
  if (problem) return problem;
  if (!row) return "nvidia-smi does not list it any more";
  return row.problem ? `nvidia-smi gives no memory figure but ${row.problem}` : "";
}

function describeForeign(foreign: readonly ForeignProcess[]): string {
  if (foreign.length === 0) return "";
  const shown = foreign.slice(0, 3).map(({ pid, name, user, memoryBytes }) => {
    const program = name.split("/").at(-1) ?? name;
    const by = user ? ` of ${user}` : "";
    return `${program} (pid ${pid}${by}, ${formatBytes(memoryBytes)})`;
  });
  const more = foreign.length > shown.length ? ` and ${foreign.length - shown.length} more` : "";
  return `in use by ${shown.join(", ")}${more}`;
}
