/** Data of a view: read once, read again when the live feed says so, the last answer shown meanwhile. */
import { useEffect, useState } from "preact/hooks";
import { subscribe, type Topic } from "./live.ts";

export interface Loaded<T> {
  /** The last good answer; undefined before the first. */
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly reload: () => void;
}

/**
 * `load` is called at once, whenever a `key` changes, and on news of `topics`. An answer that is overtaken by a later call
 * is dropped; while one is on its way, further news make one more call after it, not many.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
  topics: readonly Topic[] = [],
): Loaded<T> {
  const [state, setState] = useState<{ data: T | undefined; error: Error | undefined }>({
    data: undefined,
    error: undefined,
  });
  const [again, setAgain] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    let busy = false;
    let stale = false;
    const run = async () => {
      if (busy) {
        stale = true;
        return;
      }
      busy = true;
      do {
        stale = false;
        try {
          const data = await load(abort.signal);
          if (!abort.signal.aborted) setState({ data, error: undefined });
        } catch (error) {
          if (abort.signal.aborted) return;
          setState(({ data }) => ({ data, error: error instanceof Error ? error : new Error(String(error)) }));
        }
      } while (stale && !abort.signal.aborted);
      busy = false;
    };
    void run();
    const unsubscribe = topics.length > 0 ? subscribe(topics, () => void run()) : () => {};
    return () => {
      abort.abort();
      unsubscribe();
    };
  }, [...keys, again]);
  return { ...state, reload: () => setAgain((count) => count + 1) };
}

/** Runs at most `count` pieces of work at a time, in the order in which they were given. */
export function createLanes(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async (work) => {
    if (busy < count) busy += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The lane is handed on: nobody comes in between.
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}

/** A number that grows on news of `topics`, at most once in `everyMs`: a key for what is dear to read. */
export function useNews(topics: readonly Topic[], everyMs: number): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    let lastMs = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = subscribe(topics, () => {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          lastMs = performance.now();
          setCount((before) => before + 1);
        },
        Math.max(0, lastMs + everyMs - performance.now()),
      );
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, []);
  return count;
}
