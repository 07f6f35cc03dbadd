/**
 * [P] Lines of nvidia-smi as values. It runs against drivers of any age and against broken GPUs, so every field may hold
 * a word instead of a number, and every line may be something else altogether; such a line is undefined, never a guess.
 */

/** Columns of `--query-gpu`. The name comes last: it alone might hold a comma. */
export const GPU_COLUMNS = "index,uuid,memory.total,memory.used,driver_version,name";
/** Columns of `--query-compute-apps`; the program's path comes last for the same reason. */
export const APP_COLUMNS = "gpu_uuid,pid,used_memory,process_name";

const MIB = 2 ** 20;
/** Words for "this device has no such figure", which is no sign of trouble. */
const ABSENT = new Set(["[N/A]", "N/A", "[Not Supported]", "[Not Available]"]);

export interface GpuRow {
  readonly index: number;
  readonly uuid: string;
  /** Undefined where the device gives no figure. */
  readonly totalBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly driverVersion: string;
  readonly name: string;
  /** What nvidia-smi wrote in place of a figure that it should have ("[Unknown Error]"); empty when all is well. */
  readonly problem: string;
}

export interface AppRow {
  readonly gpuUuid: string;
  readonly pid: number;
  /** 0 where it is not told. */
  readonly memoryBytes: number;
  readonly name: string;
}

export interface MigDevice {
  readonly uuid: string;
  /** Such as "3g.20gb". */
  readonly profile: string;
  readonly memoryBytes: number;
}

export interface ListedGpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  /** Instances of a GPU in MIG mode; runs get these instead of the GPU. */
  readonly migs: readonly MigDevice[];
}

/** One line of `--query-gpu` (csv, noheader, nounits). */
export function parseGpuLine(line: string): GpuRow | undefined {
  const [index = "", uuid = "", total = "", used = "", driverVersion = "", name = ""] = columns(line, 6);
  if (!/^\d{1,4}$/.test(index) || !/^GPU-[0-9A-Za-z-]{1,60}$/.test(uuid) || name === "") return undefined;
  const totalBytes = mebibytes(total);
  const usedBytes = mebibytes(used);
  const problem = [totalBytes, usedBytes].find((value) => typeof value === "string");
  return {
    index: Number(index),
    uuid,
    totalBytes: typeof totalBytes === "number" ? totalBytes : undefined,
    usedBytes: typeof usedBytes === "number" ? usedBytes : undefined,
    driverVersion,
    name,
    problem: typeof problem === "string" ? problem : "",
  };
}

/** One line of `--query-compute-apps` (csv, noheader, nounits). */
export function parseAppLine(line: string): AppRow | undefined {
  const [gpuUuid = "", pid = "", memory = "", name = ""] = columns(line, 4);
  if (!/^(GPU|MIG)-[0-9A-Za-z/-]{1,100}$/.test(gpuUuid) || !/^\d{1,10}$/.test(pid) || name === "") return undefined;
  const bytes = mebibytes(memory);
  return { gpuUuid, pid: Number(pid), memoryBytes: typeof bytes === "number" ? bytes : 0, name };
}

/** All of `nvidia-smi -L`. */
export function parseGpuList(text: string): ListedGpu[] {
  const gpus: { index: number; uuid: string; name: string; migs: MigDevice[] }[] = [];
  for (const line of text.split("\n")) {
    const gpu = /^GPU (\d{1,4}): (.+) \(UUID: (GPU-[0-9A-Za-z-]{1,60})\)\s*$/.exec(line);
    if (gpu) gpus.push({ index: Number(gpu[1]), name: gpu[2] ?? "", uuid: gpu[3] ?? "", migs: [] });
    const mig = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[0-9A-Za-z/-]{1,100})\)\s*$/.exec(line);
    if (mig)
      gpus.at(-1)?.migs.push({ profile: mig[1] ?? "", uuid: mig[2] ?? "", memoryBytes: profileBytes(mig[1] ?? "") });
  }
  return gpus;
}

/** Whole lines of a stream that comes in pieces, without line ends; `rest` goes before the next piece. */
export function takeLines(rest: string, piece: string): { readonly lines: string[]; readonly rest: string } {
  const parts = (rest + piece).split("\n");
  const last = parts.pop() ?? "";
  return { lines: parts.map((line) => line.replace(/\r$/, "")), rest: last };
}

/** At most `count` columns; the last takes what is left. */
function columns(line: string, count: number): string[] {
  const parts = line.split(",");
  if (parts.length < count) return [];
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(",")].map((part) => part.trim());
}

/** Bytes; undefined for "no such figure"; the text itself where it is neither. */
function mebibytes(text: string): number | string | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * MIB;
  return ABSENT.has(text) ? undefined : text || "an empty field";
}

function profileBytes(profile: string): number {
  const gigabytes = /\.(\d{1,4})gb/.exec(profile)?.[1];
  return gigabytes === undefined ? 0 : Number(gigabytes) * 2 ** 30;
}
