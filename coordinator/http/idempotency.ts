/**
 * Answers of actions by their Idempotency-Key, for a while: a repeat after a broken connection gets the answer of the first
 * one, also when that is still on its way, and nothing is done twice. What was refused may be tried again.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../shared/kernel/errors.ts";

const KEYS_MAX = 1_000;
const KEPT_MS = 10 * 60_000;
const KEY = /^[\x21-\x7e]{1,200}$/;

interface Entry {
  readonly digest: string;
  readonly answer: Promise<unknown>;
  readonly untilMs: number;
}

export interface AnswerMemory {
  /** `work`, or what it gave before. `nowMs` is monotonic. Throws AppError where the key came with another request. */
  once<T>(key: string | undefined, request: string, nowMs: number, work: () => Promise<T>): Promise<T>;
}

export function createAnswerMemory(): AnswerMemory {
  const entries = new Map<string, Entry>();

  function forgetOld(nowMs: number): void {
    for (const [key, { untilMs }] of entries) {
      if (untilMs > nowMs && entries.size < KEYS_MAX) return;
      entries.delete(key);
    }
  }

  return {
    once(key, request, nowMs, work) {
      if (key === undefined) return work();
      if (!KEY.test(key)) {
        throw new AppError("invalid", "the Idempotency-Key must be 1 to 200 visible characters", { id: "http.key" });
      }
      const digest = createHash("sha256").update(request).digest("base64");
      const known = entries.get(key);
      if (known && known.untilMs > nowMs) {
        if (known.digest !== digest) {
          throw new AppError("conflict", "this Idempotency-Key came with another request before", { id: "http.key" });
        }
        return known.answer as ReturnType<typeof work>;
      }
      forgetOld(nowMs);
      const answer = work();
      const entry = { digest, answer, untilMs: nowMs + KEPT_MS };
      entries.delete(key);
      entries.set(key, entry);
      answer.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      return answer;
    },
  };
}
