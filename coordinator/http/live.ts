/**
 * The live feed as server-sent events. An event says what to look at again, not what is there, and carries the number of
 * live runs by state. All streams share one look at the feed, at most four times a second; a slow reader gets the next event
 * when it has read the last one, so news never pile up. Whoever comes back with the id of the last event is told what changed
 * since; whoever comes anew, that anything may have.
 */
import { AppError } from "../../shared/kernel/errors.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import type { LiveNews } from "../../shared/run/dashboard.ts";
import { liveCounts } from "../core/cluster.ts";
import { pause } from "../rpc/control/await-news.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";

const INTERVAL_MS = 250;
const HEARTBEAT_MS = 15_000;
/** Runs that one stream may ask about. */
const RUN_TOPICS_MAX = 50;
/** Who comes back so soon after the last reader left is told what changed meanwhile: a tab that asks for other topics. */
const LINGER_MS = 60_000;
/** Runs whose last change is known one by one; before that only the moment counts. */
const CHANGES_MAX = 10_000;

/** What a stream is told about. */
export interface Topics {
  readonly nodes: boolean;
  readonly runs: boolean;
  /** Handles as they were asked for. */
  readonly each: ReadonlyMap<string, RunId>;
}

export interface LiveFeed {
  /** `lastEventId`: of the last event that the reader saw, on an earlier stream. */
  events(topics: Topics, lastEventId: string | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array>;
}

/** "nodes,runs,run:digits.1.4"; undefined: nodes and runs. Throws AppError for a topic or a run that is none. */
export function readTopics(deps: ReadDeps, text: string | undefined): Topics {
  const each = new Map<string, RunId>();
  let nodes = false;
  let runs = false;
  for (const topic of (text ?? "nodes,runs").split(",")) {
    if (topic === "nodes") nodes = true;
    else if (topic === "runs") runs = true;
    else if (topic.startsWith("run:")) each.set(topic, deps.queries.refs.resolveRun(topic.slice("run:".length)).runId);
    else throw refused(`${JSON.stringify(topic.slice(0, 100))} is no topic; use nodes, runs, run:REF`);
  }
  if (each.size > RUN_TOPICS_MAX) throw refused(`more than ${RUN_TOPICS_MAX} runs`);
  return { nodes, runs, each };
}

function refused(problem: string): AppError {
  return new AppError("invalid", `query parameter topics: ${problem}`, { id: "http.query" });
}

/** Listens to the feed as long as somebody reads, and for `lingerMs` after that. */
export function createLiveFeed(deps: ReadDeps, lingerMs = LINGER_MS): LiveFeed {
  const { feed, clock, cluster } = deps;
  // Numbers of the moments at which something was published last.
  let sequence = 0;
  let nodesAt = 0;
  let runsAt = 0;
  /** Since the last moment that counts for all. */
  const changedAt = new Map<RunId | Fence, number>();
  let forgottenAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let publishedMs = Number.NEGATIVE_INFINITY;
  let pending = { nodes: false, runs: false, changed: new Set<RunId | Fence>() };
  const waiting = new Set<() => void>();
  let readers = 0;
  let unsubscribe: (() => void) | undefined;
  let lingering: NodeJS.Timeout | undefined;

  /** Makes what came since the last one a moment of its own, and wakes who waits. */
  function publish(): void {
    timer = undefined;
    publishedMs = clock.monotonicMs();
    sequence += 1;
    if (pending.nodes) nodesAt = sequence;
    if (pending.runs) runsAt = sequence;
    for (const key of pending.changed) changedAt.set(key, sequence);
    if (changedAt.size > CHANGES_MAX) {
      changedAt.clear();
      forgottenAt = sequence;
    }
    pending = { nodes: false, runs: false, changed: new Set() };
    for (const wake of waiting) wake();
  }

  function listen(): void {
    clearTimeout(lingering);
    unsubscribe ??= feed.subscribe((news) => {
      pending.nodes ||= news.nodes;
      pending.runs ||= news.runs.size > 0 || news.sweeps.size > 0;
      for (const id of news.runs) pending.changed.add(id);
      for (const fence of news.outputs) pending.changed.add(fence);
      timer ??= setTimeout(publish, Math.max(0, publishedMs + INTERVAL_MS - clock.monotonicMs()));
    });
  }

  function leave(): void {
    readers -= 1;
    if (readers === 0) lingering = setTimeout(stopListening, lingerMs).unref();
  }

  function stopListening(): void {
    unsubscribe?.();
    unsubscribe = undefined;
    clearTimeout(timer);
    timer = undefined;
    changedAt.clear();
    // What happens now is seen by nobody: who comes back must look at everything.
    sequence += 1;
    forgottenAt = sequence;
    nodesAt = sequence;
    runsAt = sequence;
  }

  /** Those of the topics that changed after moment `since`. */
  function changedSince(topics: Topics, since: number): string[] {
    const changed: string[] = [];
    if (topics.nodes && nodesAt > since) changed.push("nodes");
    if (topics.runs && runsAt > since) changed.push("runs");
    for (const [topic, id] of topics.each) {
      const fence = cluster.runs.get(id)?.fence ?? lastFence(id);
      const at = Math.max(changedAt.get(id) ?? 0, fence === undefined ? 0 : (changedAt.get(fence) ?? 0), forgottenAt);
      if (at > since) changed.push(topic);
    }
    return changed;
  }

  /** Of a run that is over: its output may still be on its way. */
  function lastFence(id: RunId): Fence | undefined {
    return deps.queries.attempts.ofRun(id).at(-1)?.fence;
  }

  function nextMoment(signal: AbortSignal, boundMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(bound);
        waiting.delete(finish);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const bound = setTimeout(finish, boundMs);
      waiting.add(finish);
      signal.addEventListener("abort", finish);
      if (signal.aborted) finish();
    });
  }

  /** -1: everything may have changed. */
  function momentOf(lastEventId: string | undefined): number {
    const [, term, moment] = /^(\d{1,15})\.(\d{1,15})$/.exec(lastEventId ?? "") ?? [];
    return Number(term) === cluster.term && Number(moment) <= sequence ? Number(moment) : -1;
  }

  return {
    async *events(topics, lastEventId, signal) {
      readers += 1;
      listen();
      try {
        let seen = momentOf(lastEventId);
        let first = true;
        yield Buffer.from("retry: 2000\n\n");
        while (!signal.aborted) {
          const upTo = sequence;
          const changed = seen < 0 ? allOf(topics) : changedSince(topics, seen);
          seen = upTo;
          if (changed.length > 0 || first) {
            first = false;
            const news: LiveNews = {
              nodes: changed.includes("nodes"),
              runs: changed.includes("runs"),
              topics: changed,
              counts: liveCounts(cluster),
            };
            yield Buffer.from(`event: fleet\nid: ${cluster.term}.${upTo}\ndata: ${JSON.stringify(news)}\n\n`);
            await pause(INTERVAL_MS, signal);
          }
          if (sequence > seen) continue;
          await nextMoment(signal, HEARTBEAT_MS);
          if (sequence === seen && !signal.aborted) yield Buffer.from(": still here\n\n");
        }
      } finally {
        leave();
      }
    },
  };
}

function allOf(topics: Topics): string[] {
  return [...(topics.nodes ? ["nodes"] : []), ...(topics.runs ? ["runs"] : []), ...topics.each.keys()];
}
