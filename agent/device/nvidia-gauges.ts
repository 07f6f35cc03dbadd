/**
 * Utilisation, memory, power and temperature of NVIDIA GPUs, by an nvidia-smi of its own that lives while somebody asks.
 * Nothing rests on it: a driver that does not know one of these columns loses gauges, not GPUs.
 */
import { type DeviceUuid, deviceUuid } from "../../shared/kernel/ids.ts";
import type { GpuGauges } from "./driver.ts";
import type { Smi, SmiStream } from "./nvidia-smi.ts";

const COLUMNS = "uuid,utilization.gpu,memory.used,power.draw,temperature.gpu";
const MIB = 2 ** 20;

export interface GaugeTiming {
  /** Between two lines of a GPU. */
  readonly tickMs: number;
  /** Older figures are no news. */
  readonly freshMs: number;
  /** Without a question for so long, the stream ends. */
  readonly idleMs: number;
  readonly restartMs: number;
}

const TIMING: GaugeTiming = { tickMs: 2_000, freshMs: 10_000, idleMs: 60_000, restartMs: 30_000 };

export class NvidiaGauges {
  readonly #smi: Smi;
  readonly #timing: GaugeTiming;
  readonly #last = new Map<DeviceUuid, { gauges: GpuGauges; atMs: number }>();
  #stream: SmiStream | undefined;
  #startAtMs = Number.NEGATIVE_INFINITY;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(smi: Smi, timing: Partial<GaugeTiming> = {}) {
    this.#smi = smi;
    this.#timing = { ...TIMING, ...timing };
  }

  /** Those that were told of lately. */
  of(uuids: readonly DeviceUuid[]): ReadonlyMap<DeviceUuid, GpuGauges> {
    this.#keepAsking();
    const now = performance.now();
    const result = new Map<DeviceUuid, GpuGauges>();
    for (const uuid of uuids) {
      const last = this.#last.get(uuid);
      if (last && now - last.atMs < this.#timing.freshMs) result.set(uuid, last.gauges);
    }
    return result;
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #keepAsking(): void {
    if (this.#closed) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(), this.#timing.idleMs);
    this.#idle.unref();
    if (this.#stream || performance.now() < this.#startAtMs) return;
    const args = [`--query-gpu=${COLUMNS}`, "--format=csv,noheader,nounits", "-lms", String(this.#timing.tickMs)];
    this.#stream = this.#smi.stream(
      args,
      (line) => {
        const row = parseGauges(line);
        if (row) this.#last.set(row.uuid, { gauges: row.gauges, atMs: performance.now() });
      },
      () => {
        this.#stream = undefined;
        this.#startAtMs = performance.now() + this.#timing.restartMs;
      },
    );
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#stream?.stop();
    this.#stream = undefined;
  }
}

/** One line of the query (csv, noheader, nounits). A figure that a GPU does not have is a word in its place. */
export function parseGauges(line: string): { readonly uuid: DeviceUuid; readonly gauges: GpuGauges } | undefined {
  const [uuid = "", ...texts] = line.split(",").map((part) => part.trim());
  if (!/^GPU-[0-9A-Za-z-]{1,60}$/.test(uuid) || texts.length !== 4) return undefined;
  const [utilization, memory, power, temperature] = texts.map((text) =>
    /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : undefined,
  );
  return {
    uuid: deviceUuid(uuid),
    gauges: {
      ...(utilization !== undefined && { utilizationPercent: utilization }),
      ...(memory !== undefined && { memoryBytes: memory * MIB }),
      ...(power !== undefined && { powerWatts: power }),
      ...(temperature !== undefined && { temperatureCelsius: temperature }),
    },
  };
}
