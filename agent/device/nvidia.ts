/**
 * NVIDIA GPUs, through nvidia-smi. Whatever that does, a GPU is "clean" only while it says so; when it hangs, fails, or
 * leaves a GPU out, the GPU is "unknown".
 */
import { AppError } from "../../shared/kernel/errors.ts";
import type { DeviceDriver } from "./driver.ts";
import { type ListedGpu, parseGpuList } from "./nvidia-parse.ts";
import { createSmi, type Smi } from "./nvidia-smi.ts";
import { GpuWatch, type NvidiaTiming } from "./nvidia-watch.ts";
import { createOwnership } from "./owners.ts";

export interface NvidiaOptions {
  readonly command?: string;
  /** Tells this agent's processes from others'. */
  readonly workdir: string | undefined;
  /** Which of the listed GPUs to use, MIG instances included; throws for a wish that cannot be met. */
  readonly select: (listed: readonly ListedGpu[]) => ListedGpu[];
  readonly timing?: Partial<NvidiaTiming>;
}

export interface NvidiaDriver extends DeviceDriver {
  /** "550.54.15"; empty where it is not told. */
  readonly driverVersion: string;
}

const TIMING: NvidiaTiming = { tickMs: 1_000, answerMs: 10_000, settleMs: 5_000, appsMs: 5_000, restartMs: 5_000 };
/**
 * Undefined where this host has no nvidia-smi or no NVIDIA GPU. Throws `unavailable` where nvidia-smi is there but does
 * not work: a GPU host in trouble must not pass for one without GPUs.
 */
export async function createNvidiaDriver(options: NvidiaOptions): Promise<NvidiaDriver | undefined> {
  const timing = { ...TIMING, ...options.timing };
  const smi = createSmi({ command: options.command ?? "nvidia-smi", answerMs: timing.answerMs });
  const listed = await listGpus(smi);
  if (listed.length === 0) return undefined;
  const driver = new GpuWatch(smi, timing, options.select(listed), createOwnership(options.workdir));
  await driver.begin();
  return driver;
}

async function listGpus(smi: Smi): Promise<ListedGpu[]> {
  const answer = await smi.ask(["-L"]);
  if (answer.ok) return parseGpuList(answer.text);
  if (answer.missing || /No devices were found/i.test(answer.reason)) return [];
  throw new AppError("unavailable", answer.reason, {
    id: "agent.nvidia-smi",
    hint: "repair the driver, or start the agent with --gpus none",
  });
}
