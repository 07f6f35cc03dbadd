/**
 * Gathers what agents should be told about their stored output, and tells each of them at most every 100 ms: the newest
 * watermark of each stream, and apart from these the streams of which bytes are missing.
 */
import type { Clock } from "../../shared/kernel/clock.ts";
import type { StreamOffset } from "../../shared/run/session.ts";
import type { StreamName } from "../../shared/subjects.ts";
import type { AttemptStreams } from "./attempt-streams.ts";

const NOTICE_MS = 100;
/** The same hole is told again only after this: messages behind it keep coming in until the agent has heard. */
const HINT_AGAIN_MS = 1_000;

/** Tells one agent how far its streams are stored; `resend` when it should publish again from there. */
export type OnWatermarks = (agentId: string, offsets: StreamOffset[], resend: boolean) => void;

type Pending = Map<string, Map<string, StreamOffset>>;

export class WatermarkNotices {
  readonly #clock: Clock;
  readonly #onWatermarks: OnWatermarks;
  #stored: Pending = new Map();
  #missing: Pending = new Map();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(clock: Clock, onWatermarks: OnWatermarks) {
    this.#clock = clock;
    this.#onWatermarks = onWatermarks;
  }

  /** The stream's committed offset is news to its agent. */
  tell(attempt: AttemptStreams, stream: StreamName): void {
    this.#add(this.#stored, attempt.files.agentId, offsetOf(attempt, stream));
  }

  /** Bytes after the committed offset did not come. */
  hint(attempt: AttemptStreams, stream: StreamName): void {
    const nowMs = this.#clock.monotonicMs();
    const at = offsetOf(attempt, stream);
    const last = attempt.hinted.get(stream);
    if (last && last.offset === at.offset && nowMs - last.atMs < HINT_AGAIN_MS) return;
    attempt.hinted.set(stream, { offset: at.offset, atMs: nowMs });
    this.#add(this.#missing, attempt.files.agentId, at);
  }

  /** Bytes of any stream of this agent may be lost. */
  hintAll(agentId: string, offsets: readonly StreamOffset[]): void {
    for (const offset of offsets) this.#add(this.#missing, agentId, offset);
  }

  /** Tells what is gathered now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [stored, missing] = [this.#stored, this.#missing];
    this.#stored = new Map();
    this.#missing = new Map();
    for (const [agentId, offsets] of stored) this.#onWatermarks(agentId, [...offsets.values()], false);
    for (const [agentId, offsets] of missing) this.#onWatermarks(agentId, [...offsets.values()], true);
  }

  close(): void {
    this.flush();
    this.#closed = true;
  }

  #add(pending: Pending, agentId: string, at: StreamOffset): void {
    if (this.#closed) return;
    const offsets = pending.get(agentId) ?? new Map<string, StreamOffset>();
    pending.set(agentId, offsets);
    offsets.set(`${at.fence}.${at.stream}`, at);
    this.#timer ??= setTimeout(() => this.flush(), NOTICE_MS);
  }
}

function offsetOf(attempt: AttemptStreams, stream: StreamName): StreamOffset {
  return { fence: attempt.fence, stream, offset: attempt.committed.get(stream) ?? 0 };
}
