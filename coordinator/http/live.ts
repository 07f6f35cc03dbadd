/**
 * The live feed as server-sent events. An event says what to look at again, not what is there, and carries the number of
 * live runs by state. A slow reader gets the next event when it has read the last one: news never piles up. Whoever
 * comes (back) is told that anything may have changed, so no event is needed twice.
 */
import { awaitNews, pause } from "../rpc/control/await-news.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";

/** Four events a second at most. */
const INTERVAL_MS = 250;
const HEARTBEAT_MS = 15_000;

export async function* fleetEvents(deps: ReadDeps, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let nodes = true;
  let runs = true;
  const note = deps.feed.subscribe((news) => {
    nodes ||= news.nodes;
    runs ||= news.runs.size > 0 || news.sweeps.size > 0;
  });
  const waiter = awaitNews(deps.feed, signal, (news) => news.nodes || news.runs.size > 0 || news.sweeps.size > 0);
  let sentMs = deps.clock.monotonicMs();
  let sequence = 0;
  try {
    yield Buffer.from("retry: 2000\n\n");
    while (!signal.aborted) {
      const now = deps.clock.monotonicMs();
      if (nodes || runs) {
        sequence += 1;
        const data = JSON.stringify({ nodes, runs, counts: deps.queries.sweeps.liveCounts() });
        nodes = false;
        runs = false;
        sentMs = now;
        yield Buffer.from(`event: fleet\nid: ${deps.cluster.term}.${sequence}\ndata: ${data}\n\n`);
        await pause(INTERVAL_MS, signal);
      } else if (now - sentMs >= HEARTBEAT_MS) {
        sentMs = now;
        yield Buffer.from(": still here\n\n");
      }
      await waiter.next();
    }
  } finally {
    note();
    waiter.close();
  }
}
