/**
 * Names of things. Strings and numbers that name something carry a brand, so that the compiler refuses a sweep id where
 * a run id is wanted. New ids are made by shells from a clock and random bytes; the cores only pass them on.
 */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** `run_<ulid>`: one configuration to be brought to one result. */
export type RunId = Branded<string, "RunId">;
/** `swp_<ulid>`: one submission. */
export type SweepId = Branded<string, "SweepId">;
/** Name of a node, unique in the fleet. */
export type NodeName = Branded<string, "NodeName">;
/** GPU UUID, or `<node>/cpu-<n>`. */
export type DeviceUuid = Branded<string, "DeviceUuid">;
/** Global, only growing number of an attempt. */
export type Fence = Branded<number, "Fence">;
/** Global, only growing number of a live agent connection. */
export type SessionId = Branded<number, "SessionId">;

export const runId = (text: string): RunId => text as RunId;
export const sweepId = (text: string): SweepId => text as SweepId;
export const nodeName = (text: string): NodeName => text as NodeName;
export const deviceUuid = (text: string): DeviceUuid => text as DeviceUuid;
export const fence = (value: number): Fence => value as Fence;
export const sessionId = (value: number): SessionId => value as SessionId;

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/**
 * A source of ULIDs (https://github.com/ulid/spec) that only grow, also within one millisecond: the random part is
 * counted up. `randomBytes(16)` supplies one byte for each character of the random part.
 */
export function createUlidSource(nowMs: () => number, randomBytes: (count: number) => Uint8Array): () => string {
  let lastMs = -1;
  let digits: number[] = [];
  // Within a millisecond only the last digit changes, mostly.
  let head = "";
  return () => {
    const ms = Math.max(nowMs(), lastMs);
    const last = digits.length - 1;
    if (ms === lastMs && (digits[last] ?? 31) < 31) {
      digits[last] = (digits[last] ?? 0) + 1;
    } else {
      if (ms > lastMs || !increment(digits)) {
        lastMs = ms === lastMs ? ms + 1 : ms;
        digits = Array.from(randomBytes(RANDOM_CHARS), (byte) => byte & 31);
        // Leaves room to count up within the millisecond.
        digits[0] = (digits[0] ?? 0) & 15;
      }
      head = encodeTime(lastMs);
      for (const digit of digits.slice(0, -1)) head += CROCKFORD[digit];
    }
    return head + CROCKFORD[digits.at(-1) ?? 0];
  };
}

function encodeTime(ms: number): string {
  let text = "";
  for (let i = 0; i < TIME_CHARS; i++) {
    text = CROCKFORD[ms % 32] + text;
    ms = Math.floor(ms / 32);
  }
  return text;
}

/** Counts up in place; false when the number would need another digit. */
function increment(digits: number[]): boolean {
  for (let i = digits.length - 1; i >= 0; i--) {
    const digit = digits[i] ?? 0;
    if (digit < 31) {
      digits[i] = digit + 1;
      return true;
    }
    digits[i] = 0;
  }
  return false;
}
