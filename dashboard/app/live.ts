/**
 * The live feed: one stream of server-sent events for the whole tab, read with fetch, as EventSource cannot send a token.
 * An event says which topics changed; a view that shows one of them reads it again. While the tab is hidden the stream is
 * closed: a browser has six connections for a host, and nobody looks. The next stream goes on from the last event.
 */
import { signal } from "@preact/signals";
import type { LiveNews } from "../../shared/run/dashboard.ts";
import { ApiError, request } from "./api.ts";
import { token } from "./session.ts";

/** "runs": any run's state; "run:REF": one run's state or output. */
export type Topic = "nodes" | "runs" | `run:${string}`;

export type Link = "off" | "live" | "lost";

export const link = signal<Link>("off");
export const liveCounts = signal<{ readonly [state: string]: number }>({});

/** A view is told at most so often: what it reads may be large. */
const GATHER_MS = 500;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];
const listeners = new Map<() => void, { readonly topics: ReadonlySet<Topic>; stale: boolean }>();
/** Every stream has these; others are asked for while a view shows them. */
const USUAL: readonly Topic[] = ["nodes", "runs"];
let timer: ReturnType<typeof setTimeout> | undefined;
/** What the open stream was asked for; another set opens another stream. */
let streamed = "";
/** Topics that the server does not take, such as those of a run that is not there. */
let refused = "";
let abort: AbortController | undefined;
/** The last event and the topics of its stream: of those the server says what changed since. */
let seen: { readonly id: string; readonly topics: readonly string[] } = { id: "", topics: [] };

/** Calls `listener` when one of the topics may have changed, until the returned function is called. */
export function subscribe(topics: readonly Topic[], listener: () => void): () => void {
  listeners.set(listener, { topics: new Set(topics), stale: false });
  // A stream with topics that nobody needs any more does no harm: it ends with the next one.
  if (topics.some((topic) => !streamed.split(",").includes(topic))) abort?.abort();
  return () => listeners.delete(listener);
}

/** Follows the feed for as long as there is a token; comes back by itself after each break. */
export async function follow(): Promise<void> {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) abort?.abort();
  });
  for (let attempt = 0; ; ) {
    if (token.value === "" || document.hidden) {
      await change();
      continue;
    }
    try {
      await read(() => {
        attempt = 0;
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) continue;
      if (error instanceof ApiError && (error.status === 400 || error.status === 404)) refused = streamed;
    }
    // Closed by us: hidden, or with other topics.
    if (document.hidden || abort?.signal.aborted) continue;
    link.value = "lost";
    await pause(RETRY_MS[Math.min(attempt++, RETRY_MS.length - 1)] ?? 0);
  }
}

async function read(onOpen: () => void): Promise<void> {
  abort = new AbortController();
  streamed = topicsNow();
  const topics = streamed === refused ? USUAL.join(",") : streamed;
  const headers: HeadersInit = seen.id === "" ? {} : { "last-event-id": seen.id };
  const response = await request(`/stream?${new URLSearchParams({ topics })}`, { signal: abort.signal, headers });
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  onOpen();
  link.value = "live";
  // Of these nobody will say what happened before.
  note({ topics: streamed.split(",").filter((topic) => !seen.topics.includes(topic)) });
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = field(event, "data");
      if (data === undefined) continue;
      note(JSON.parse(data) as LiveNews);
      seen = { id: field(event, "id") ?? "", topics: topics.split(",") };
    }
  }
}

function field(event: string, name: string): string | undefined {
  const line = event.split("\n").find((one) => one.startsWith(`${name}: `));
  return line?.slice(name.length + 2);
}

function topicsNow(): string {
  return [...new Set([...USUAL, ...[...listeners.values()].flatMap(({ topics }) => [...topics])])].sort().join(",");
}

function note(news: Pick<LiveNews, "topics"> & Partial<LiveNews>): void {
  if (news.counts) liveCounts.value = news.counts;
  for (const entry of listeners.values()) {
    if (news.topics.some((topic) => entry.topics.has(topic as Topic))) entry.stale = true;
  }
  if (timer === undefined) timer = setTimeout(tell, GATHER_MS);
}

function tell(): void {
  timer = undefined;
  for (const [listener, entry] of [...listeners]) {
    if (!entry.stale) continue;
    entry.stale = false;
    listener();
  }
}

/** Resolves when the token or the visibility of the tab changes. */
function change(): Promise<void> {
  return new Promise((resolve) => {
    let stop = () => {};
    const done = () => {
      stop();
      document.removeEventListener("visibilitychange", done);
      resolve();
    };
    const before = token.value;
    stop = token.subscribe((now) => {
      if (now !== before) queueMicrotask(done);
    });
    document.addEventListener("visibilitychange", done);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
