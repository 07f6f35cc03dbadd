/** Shares one costly look at the world among all who ask for it at the same time. */

/**
 * `work`, shared: a caller gets the result of a run that began after its call, so that it never sees the past, and all
 * who wait for the next run get the same one. Runs never overlap. A failure goes to those who waited for that run.
 */
export function coalesce<T>(work: () => T | Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const begin = async (after: Promise<unknown>): Promise<T> => {
    await after.catch(() => undefined);
    // Callers of the same turn of the event loop come along.
    await new Promise((turn) => setImmediate(turn));
    current = next ?? current;
    next = undefined;
    return work();
  };
  return () => {
    next ??= begin(current);
    return next;
  };
}
