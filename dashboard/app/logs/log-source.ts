/** Reading the stored output of an attempt: a part of it, its end as it comes, all of it for a search. */
import { request } from "../api.ts";
import { plainText } from "./ansi.ts";
import { type Block, blocksOf, joined, lineOf } from "./log-window.ts";

const FOLLOW_RETRY_MS = 2_000;
/** Lines that a search finds at most. */
export const FOUND_MAX = 10_000;
const NEWLINE = 10;
const REST_BYTES_MAX = 4 * 1024 * 1024;

export interface LogSource {
  /** The bytes from `from` on, `count` at most; fewer where the output ends. */
  read(from: number, count: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Calls `onBytes` with everything from `from` on, until the attempt has ended and all of it has come. */
  follow(
    from: number,
    signal: AbortSignal,
    onBytes: (bytes: Uint8Array) => void,
    onBreak: (error: Error) => void,
  ): Promise<void>;
  /** Bytes at which lines with this text begin, as they are found. Resolves when the whole output was looked at. */
  search(text: string, signal: AbortSignal, onFound: (offsets: readonly number[]) => void): Promise<void>;
}

export function createLogSource(run: string, attempt: number, rank: number, live: boolean): LogSource {
  const path = `/runs/${encodeURIComponent(run)}/logs?attempt=${attempt}&rank=${rank}`;

  async function* portions(from: number, signal: AbortSignal, follow = false): AsyncGenerator<Uint8Array> {
    const response = await request(`${path}&offset=${from}${follow ? "&follow=1" : ""}`, { signal });
    const reader = response.body?.getReader();
    try {
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) yield part.value;
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
  }

  return {
    async read(from, count, signal) {
      const into = new Uint8Array(count);
      let filled = 0;
      for await (const portion of portions(from, signal)) {
        const piece = portion.subarray(0, count - filled);
        into.set(piece, filled);
        filled += piece.length;
        if (filled === count) break;
      }
      return into.subarray(0, filled);
    },

    async follow(from, signal, onBytes, onBreak) {
      for (let at = from; ; ) {
        try {
          for await (const portion of portions(at, signal, live)) {
            at += portion.length;
            onBytes(portion);
          }
          return;
        } catch (error) {
          if (signal.aborted) return;
          onBreak(error instanceof Error ? error : new Error(String(error)));
        }
        await new Promise((resolve) => setTimeout(resolve, FOLLOW_RETRY_MS));
        if (signal.aborted) return;
      }
    },

    async search(text, signal, onFound) {
      const wanted = text.toLowerCase();
      const found: number[] = [];
      let rest: Uint8Array = new Uint8Array();
      let at = 0;
      const look = (bytes: Uint8Array) => {
        for (const block of blocksOf(bytes, at)) found.push(...linesWith(block, wanted));
        at += bytes.length;
      };
      for await (const portion of portions(0, signal)) {
        const all = joined(rest, portion);
        const last = all.lastIndexOf(NEWLINE) + 1;
        const whole = last === 0 && all.length > REST_BYTES_MAX ? all.length : last;
        look(all.subarray(0, whole));
        rest = all.slice(whole);
        if (found.length > 0) onFound(found.slice(0, FOUND_MAX));
        if (found.length >= FOUND_MAX) return;
      }
      look(rest);
      onFound(found.slice(0, FOUND_MAX));
    },
  };
}

function linesWith(block: Block, wanted: string): number[] {
  // Most blocks have none: one look at all of it says so, unless colours may stand within the text.
  const whole = new TextDecoder().decode(block.bytes);
  if (!whole.includes("\u001b") && !whole.toLowerCase().includes(wanted)) return [];
  const found: number[] = [];
  for (let line = 0; line < block.starts.length - 1; line++) {
    if (hasText(lineOf(block, line), wanted)) found.push(block.from + (block.starts[line] ?? 0));
  }
  return found;
}

/** Whether a line shows the text, whatever its colours. `wanted` in lower case. */
export function hasText(line: string, wanted: string): boolean {
  return plainText(line).toLowerCase().includes(wanted);
}
