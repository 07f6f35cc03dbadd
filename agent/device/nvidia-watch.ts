/**
 * What is known about the GPUs of this host, kept fresh: a long-lived nvidia-smi prints a line for each GPU once a second,
 * and single questions are asked where the moment matters. A GPU is "clean" only while nvidia-smi says so.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { DeviceUuid } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import { coalesce } from "../process/coalesce.ts";
import { type DeviceDriver, type DevicesListener, type GpuGauges, missingDevice } from "./driver.ts";
import { createCudaQuestion } from "./nvidia-cuda.ts";
import { NvidiaGauges } from "./nvidia-gauges.ts";
import { busyBytes, judge, learnIdle, suspectBytes } from "./nvidia-judge.ts";
import {
  APP_COLUMNS,
  type AppRow,
  GPU_COLUMNS,
  type GpuRow,
  type ListedGpu,
  parseAppLine,
  parseGpuLine,
} from "./nvidia-parse.ts";
import type { Smi, SmiStream } from "./nvidia-smi.ts";
import { userOf } from "./owners.ts";
import { visibleGpus } from "./visible-gpus.ts";

export interface NvidiaTiming {
  /** Between two lines of a GPU. */
  readonly tickMs: number;
  /** After this without an answer nvidia-smi is killed. */
  readonly answerMs: number;
  /** How long `check` waits for memory to come back. */
  readonly settleMs: number;
  /** Between two looks at who is on the GPUs, while somebody is. */
  readonly appsMs: number;
  /** Before a stream that ended is started again. */
  readonly restartMs: number;
}

/** Polls below the threshold in a row before memory that nobody answered for counts as given back. */
const POLLS_TO_CLEAN = 3;
/** Ticks that a GPU may leave out while others are told. */
const TICKS_TO_GONE = 5;
const CSV = "--format=csv,noheader,nounits";

/** What is known about one GPU. Only this file changes it. */
interface Gpu {
  readonly listed: ListedGpu;
  row: GpuRow | undefined;
  rowAt: number;
  idleBytes: number | undefined;
  /** Polls still to come before it may be clean again. */
  pollsToClean: number;
}

interface App extends AppRow {
  /** Of an attempt of this agent. */
  readonly own: boolean;
  readonly user: string;
}

export class GpuWatch implements DeviceDriver {
  readonly #smi: Smi;
  readonly #timing: NvidiaTiming;
  readonly #gpus: Map<string, Gpu>;
  readonly #isOwn: (pid: number) => boolean;
  readonly #listeners: DevicesListener[] = [];
  readonly #gauges: NvidiaGauges;
  readonly #look: () => Promise<void>;
  readonly #cuda: () => Promise<string>;
  #apps: readonly App[] = [];
  #appsAt = Number.NEGATIVE_INFINITY;
  /** Which GPUs were busy at the last look at `#apps`. */
  #appsFor = "";
  #appsAsked = false;
  #streamProblem = "";
  #askProblem = "";
  #last: Device[] = [];
  #stream: SmiStream | undefined;
  #restart: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(smi: Smi, timing: NvidiaTiming, listed: readonly ListedGpu[], isOwn: (pid: number) => boolean) {
    this.#smi = smi;
    this.#timing = timing;
    this.#isOwn = isOwn;
    this.#gauges = new NvidiaGauges(smi);
    this.#cuda = createCudaQuestion(smi);
    this.#gpus = new Map(
      listed.map((gpu) => [
        gpu.uuid,
        { listed: gpu, row: undefined, rowAt: performance.now(), idleBytes: undefined, pollsToClean: 0 },
      ]),
    );
    this.#look = coalesce(() => this.#lookNow());
  }

  async begin(): Promise<void> {
    await this.#look();
    this.#last = this.#judgeAll();
    this.#startStream();
  }

  get driverVersion(): string {
    return [...this.#gpus.values()].find((gpu) => gpu.row)?.row?.driverVersion ?? "";
  }

  cudaVersion(): Promise<string> {
    return this.#cuda();
  }

  list(): Promise<Device[]> {
    return Promise.resolve(this.#judgeAll());
  }

  async check(uuids: readonly DeviceUuid[]): Promise<Device[]> {
    const end = performance.now() + this.#timing.settleMs;
    for (;;) {
      await this.#look();
      const all = new Map(this.#judgeAll().map((device) => [device.uuid, device]));
      const asked = uuids.map((uuid) => all.get(uuid) ?? missingDevice(uuid, "this host has no such GPU any more"));
      const mayPass = asked.some((device) => device.health === "dirty" || device.health === "foreign");
      if (!mayPass || this.#closed || performance.now() > end) {
        this.#report();
        return asked;
      }
      await sleep(Math.min(250, this.#timing.settleMs / 10));
    }
  }

  environment(uuids: readonly DeviceUuid[]): Record<string, string> {
    return visibleGpus(uuids);
  }

  onChange(listener: DevicesListener): void {
    this.#listeners.push(listener);
  }

  gauges(uuids: readonly DeviceUuid[]): ReadonlyMap<DeviceUuid, GpuGauges> {
    return this.#gauges.of(uuids);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#gauges.close();
    clearTimeout(this.#restart);
    this.#stream?.stop();
    this.#smi.close();
    return Promise.resolve();
  }

  #startStream(): void {
    if (this.#closed) return;
    this.#stream = this.#smi.stream(
      [`--query-gpu=${GPU_COLUMNS}`, CSV, "-lms", String(this.#timing.tickMs)],
      (line) => this.#hear(line),
      (reason) => {
        this.#streamProblem = reason;
        this.#report();
        this.#restart = setTimeout(() => this.#startStream(), this.#timing.restartMs);
        this.#restart.unref();
      },
    );
  }

  /** One line of the stream. Any other text (an error message) tells nothing, so the GPUs it should be about grow old. */
  #hear(line: string): void {
    const row = parseGpuLine(line);
    if (!row) return;
    this.#streamProblem = "";
    this.#take(row);
    if (this.#appsDue() && !this.#appsAsked) {
      this.#appsAsked = true;
      void this.#askApps().then(() => {
        this.#appsAsked = false;
        this.#report();
      });
    }
    this.#report();
  }

  #take(row: GpuRow): void {
    const gpu = this.#gpus.get(row.uuid);
    if (!gpu) return;
    gpu.row = row;
    gpu.rowAt = performance.now();
    const used = row.usedBytes;
    if (used === undefined || used > busyBytes(gpu.idleBytes)) return;
    gpu.pollsToClean = Math.max(0, gpu.pollsToClean - 1);
    if (!this.#apps.some((app) => app.gpuUuid === row.uuid)) gpu.idleBytes = learnIdle(gpu.idleBytes, used);
  }

  /** True when it is time to ask who is on the GPUs: at once when one begins or ceases to be used, else now and then. */
  #appsDue(): boolean {
    const used = this.#used();
    if (used !== this.#appsFor) return true;
    const quiet = used === "" && this.#apps.length === 0 && this.#askProblem === "";
    return !quiet && performance.now() - this.#appsAt > this.#timing.appsMs;
  }

  /** GPUs on which somebody is or may be, as text to compare. */
  #used(): string {
    const used = [...this.#gpus.values()].filter(({ row, idleBytes, listed }) => {
      return row?.usedBytes === undefined || listed.migs.length > 0 || row.usedBytes > suspectBytes(idleBytes);
    });
    return used.map((gpu) => gpu.listed.uuid).join();
  }

  /** A fresh look at everything, by single questions. */
  async #lookNow(): Promise<void> {
    const [gpus] = await Promise.all([this.#smi.ask([`--query-gpu=${GPU_COLUMNS}`, CSV]), this.#askApps()]);
    if (!gpus.ok) {
      this.#askProblem = gpus.reason;
      return;
    }
    // An answer is an answer, whichever way it came; the stream is tried again by itself.
    this.#streamProblem = "";
    const rows = new Map(
      gpus.text.split("\n").flatMap((line) => {
        const row = parseGpuLine(line);
        return row ? [[row.uuid, row] as const] : [];
      }),
    );
    for (const gpu of this.#gpus.values()) {
      const row = rows.get(gpu.listed.uuid);
      // Seen clean at this very moment, it need not prove itself over further polls.
      gpu.pollsToClean = 0;
      if (row) this.#take(row);
      else gpu.row = undefined;
    }
    // Both answers are from the same moment.
    this.#appsFor = this.#used();
  }

  async #askApps(): Promise<void> {
    const used = this.#used();
    const answer = await this.#smi.ask([`--query-compute-apps=${APP_COLUMNS}`, CSV]);
    this.#appsAt = performance.now();
    this.#appsFor = used;
    this.#askProblem = answer.ok ? "" : answer.reason;
    if (answer.ok) {
      this.#apps = answer.text.split("\n").flatMap((line) => {
        const app = parseAppLine(line);
        return app ? [{ ...app, own: this.#isOwn(app.pid), user: userOf(app.pid) }] : [];
      });
    }
  }

  #judgeAll(): Device[] {
    const now = performance.now();
    const goneMs = TICKS_TO_GONE * this.#timing.tickMs;
    const isGone = (gpu: Gpu) => now - gpu.rowAt > goneMs;
    const silent = [...this.#gpus.values()].every(isGone) ? `nvidia-smi has told nothing for ${goneMs / 1000} s` : "";
    return [...this.#gpus.values()].flatMap((gpu) => {
      const uuids = [gpu.listed.uuid, ...gpu.listed.migs.map((mig) => mig.uuid)];
      const apps = this.#apps.filter((app) => uuids.includes(app.gpuUuid));
      const foreign = apps
        .filter((app) => !app.own)
        .map(({ gpuUuid, pid, name, user, memoryBytes }) => ({
          gpuUuid,
          process: { pid, name, user, memoryBytes },
        }));
      const devices = judge({
        gpu: gpu.listed,
        row: isGone(gpu) ? undefined : gpu.row,
        idleBytes: gpu.idleBytes,
        ownProcesses: apps.some((app) => app.own),
        foreign,
        problem: this.#askProblem || this.#streamProblem || silent,
      });
      return devices.map((device) => this.#holdBack(gpu, device));
    });
  }

  /** Memory may come and go: a GPU that was dirty is clean again only after several polls. */
  #holdBack(gpu: Gpu, device: Device): Device {
    if (device.health === "dirty") gpu.pollsToClean = POLLS_TO_CLEAN;
    if (device.health !== "clean" || gpu.pollsToClean === 0) return device;
    return { ...device, health: "dirty", reason: "its memory has only just come back" };
  }

  #report(): void {
    if (this.#closed) return;
    const devices = this.#judgeAll();
    if (isDeepStrictEqual(devices.map(shown), this.#last.map(shown))) return;
    this.#last = devices;
    for (const listener of this.#listeners) listener(devices);
  }
}

/** What a change of is worth telling; memory in use of a foreign process moves all the time. */
function shown({ uuid, health, foreign }: Device): unknown {
  return { uuid, health, foreign: foreign.map((process) => process.pid) };
}
