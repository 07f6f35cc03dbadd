/**
 * How far one byte stream of an attempt is published and how far it is safely stored. Pure. Publishing moves only `next`;
 * the coordinator's watermark moves `stored`, and only bytes below that may ever be forgotten here.
 *
 * A watermark that stands still means that the bus lost bytes (an acknowledged publish is not durable), or that the
 * coordinator is slow or away. One chunk from the watermark tells these apart at little cost: when it alone is stored, the
 * bus had lost the rest and everything goes out again; when the watermark jumps past it, the first copies were only late.
 */

export interface Cursor {
  /** Offset of the next byte to publish. */
  next: number;
  /** Offset below which everything is stored at the coordinator. */
  stored: number;
  /** Size at the end; undefined while the file may still grow. */
  final: number | undefined;
  /** Bytes below were published before: their messages carry no id, lest the bus drops them as repeats. */
  repeatBelow: number;
  /** Monotonic ms of the last progress, or of the first byte on the way. */
  progressAtMs: number;
  /** Stalls in a row without progress in between. */
  stalls: number;
  /** Set from a stall until the watermark moves. */
  probe: Probe | undefined;
}

export interface Probe {
  /** Where the one chunk ended; undefined before it is sent. */
  end: number | undefined;
  /** Where publishing had come to before the stall. */
  readonly resumeAt: number;
}

/** A stream that is stored up to `from`. */
export function createCursor(from: number, nowMs: number): Cursor {
  return {
    next: from,
    stored: from,
    final: undefined,
    repeatBelow: 0,
    progressAtMs: nowMs,
    stalls: 0,
    probe: undefined,
  };
}

/** False while the answer to a probe is awaited. */
export function maySend(cursor: Cursor): boolean {
  return cursor.probe?.end === undefined;
}

/** Notes that bytes from `next` on were handed to the bus. */
export function noteSent(cursor: Cursor, length: number, nowMs: number): void {
  if (cursor.next === cursor.stored) cursor.progressAtMs = nowMs;
  cursor.next += length;
  if (cursor.probe) cursor.probe.end = cursor.next;
}

/**
 * Takes in a watermark. True when publishing starts again from it, so that what is on the way counts no more. A watermark
 * below an earlier one is old news, unless it comes with `resend`: then the coordinator has lost what it had.
 */
export function noteStored(cursor: Cursor, offset: number, resend: boolean, nowMs: number): boolean {
  if (offset > cursor.stored) {
    cursor.stored = offset;
    cursor.progressAtMs = nowMs;
    cursor.stalls = 0;
    const { probe } = cursor;
    cursor.probe = undefined;
    if (probe?.end !== undefined && offset > probe.end) cursor.next = Math.max(cursor.next, probe.resumeAt);
    cursor.next = Math.max(cursor.next, offset);
  }
  if (!resend) return false;
  cursor.stored = offset;
  cursor.progressAtMs = nowMs;
  if (cursor.next <= offset) return false;
  restart(cursor);
  cursor.probe = undefined;
  return true;
}

/** True when the watermark stood still for too long with bytes published: publishing then starts again from it. */
export function noteTime(cursor: Cursor, stallMs: number, stallMsMax: number, nowMs: number): boolean {
  if (cursor.next <= cursor.stored) return false;
  const patienceMs = Math.min(stallMsMax, stallMs * 2 ** cursor.stalls);
  if (nowMs - cursor.progressAtMs < patienceMs) return false;
  const resumeAt = Math.max(cursor.next, cursor.probe?.resumeAt ?? 0);
  restart(cursor);
  cursor.probe = { end: undefined, resumeAt };
  cursor.stalls = Math.min(cursor.stalls + 1, 30);
  cursor.progressAtMs = nowMs;
  return true;
}

/** Notes the size at the end. Bytes that were stored and then cut off by the program still count. */
export function noteEnd(cursor: Cursor, size: number): number {
  cursor.final = Math.max(size, cursor.stored);
  return cursor.final;
}

/** True when the stream has ended and all of it is stored. */
export function isStored(cursor: Cursor): boolean {
  return cursor.final !== undefined && cursor.stored >= cursor.final;
}

function restart(cursor: Cursor): void {
  cursor.repeatBelow = Math.max(cursor.repeatBelow, cursor.next, cursor.probe?.resumeAt ?? 0);
  cursor.next = cursor.stored;
}
