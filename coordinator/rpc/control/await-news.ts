/** Waiting for the next change of something that a follower shows. */
import type { Feed, News } from "../../feed.ts";

/** News says where to look; the store is the truth. A missed word costs this long, not a hanging follower. */
const RECHECK_MS = 2_000;

export interface NewsWaiter {
  /** Resolves when something relevant changed since the last call, at the latest after two seconds, or on abort. */
  next(): Promise<void>;
  close(): void;
}

/** Listens from now on, so that nothing is missed between a look at the store and the wait after it. */
export function awaitNews(feed: Feed, signal: AbortSignal, isRelevant: (news: News) => boolean): NewsWaiter {
  let pending = false;
  let wake: (() => void) | undefined;
  const notify = () => {
    pending = true;
    wake?.();
  };
  const unsubscribe = feed.subscribe((news) => {
    if (isRelevant(news)) notify();
  });
  signal.addEventListener("abort", notify);
  return {
    async next() {
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, RECHECK_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      pending = false;
    },
    close() {
      unsubscribe();
      signal.removeEventListener("abort", notify);
      wake?.();
    },
  };
}

/** Resolves after `ms`, or at once on abort. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}

/** Lets other work of the event loop pass between two portions of a long listing. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
