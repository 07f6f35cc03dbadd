/** While the bus is away, hands status records (few, small) to the control session instead. */
import type { Clock } from "../../shared/kernel/clock.ts";
import type { OutputChunk } from "../../shared/run/session.ts";
import { cutLength } from "./chunk.ts";
import type { Lane } from "./sender.ts";

const CHUNK_BYTES_MAX = 64 * 1024;

export interface StatusHandoverOptions {
  readonly clock: Clock;
  /** Records whose watermark does not come for so long are handed over again. */
  readonly againMs: number;
  /** False where there is no session. */
  readonly send: (chunk: OutputChunk) => boolean;
  readonly complain: (lane: Lane, error: unknown) => void;
}

export class StatusHandover {
  readonly #options: StatusHandoverOptions;
  #running = false;

  constructor(options: StatusHandoverOptions) {
    this.#options = options;
  }

  /** One pass over the streams; does nothing while another pass is going on. */
  run(lanes: readonly Lane[]): void {
    const waiting = this.#running ? [] : lanes.filter((lane) => this.#waits(lane));
    if (waiting.length === 0) return;
    this.#running = true;
    void this.#handOver(waiting);
  }

  #waits(lane: Lane): boolean {
    if (lane.stream !== "status") return false;
    const tooLong =
      lane.overSession && this.#options.clock.monotonicMs() - lane.overSession.atMs >= this.#options.againMs;
    if (tooLong) lane.overSession = undefined;
    return lane.tail.size > startOf(lane);
  }

  async #handOver(lanes: readonly Lane[]): Promise<void> {
    const { clock, send, complain } = this.#options;
    for (const lane of lanes) {
      const { fence, stream, tail } = lane;
      const offset = startOf(lane);
      try {
        const bytes = await tail.read(offset, Buffer.alloc(Math.max(0, Math.min(CHUNK_BYTES_MAX, tail.size - offset))));
        const data = bytes.subarray(0, cutLength(bytes, CHUNK_BYTES_MAX, tail.ended));
        if (lane.closed || data.length === 0) continue;
        if (!send({ fence, stream, offset, data })) break;
        lane.overSession = { to: offset + data.length, atMs: clock.monotonicMs() };
      } catch (error) {
        complain(lane, error);
      }
    }
    this.#running = false;
  }
}

function startOf({ cursor, overSession }: Lane): number {
  return Math.max(cursor.stored, overSession?.to ?? 0);
}
