/** The JSON API, by subject: every line of the table of routes has its answer here. */
import { Hono } from "hono";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Reader } from "../reader/reader.ts";
import type { NodeBounds } from "../rpc/agent/node-bounds.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import type { ControlReads } from "../rpc/control/reads.ts";
import { type ActionParts, addActions } from "./actions.ts";
import { addArtifacts } from "./artifacts.ts";
import { addChannels } from "./channels.ts";
import { addContents } from "./contents.ts";
import { addFiles } from "./files.ts";
import type { HttpEnv } from "./guard.ts";
import { addHistory } from "./history.ts";
import { createLiveFeed, readTopics } from "./live.ts";
import { addNodes } from "./nodes.ts";
import { addQueue } from "./queue.ts";
import { answer } from "./route.ts";
import { readRunDetail } from "./run-detail.ts";
import { addRuns } from "./runs.ts";
import { type StreamSlots, streamBody } from "./stream-body.ts";
import { addSweeps } from "./sweeps.ts";
import { addTables } from "./tables.ts";

export interface ApiParts {
  readonly deps: ReadDeps;
  readonly reads: ControlReads;
  readonly reader: Reader;
  readonly actions: ActionParts;
  readonly blobs: BlobStore;
  readonly bounds: Pick<NodeBounds, "checkSent">;
  readonly slots: StreamSlots;
}

export function createApi({ deps, reads, reader, actions, blobs, bounds, slots }: ApiParts): Hono<HttpEnv> {
  const { annotations } = actions;
  const api = new Hono<HttpEnv>();
  const axesOf = (sweepId: Parameters<typeof deps.queries.sweeps.get>[0]) => reader.ask("axes", { sweepId });
  addRuns(api, { deps, reads, slots, detail: (ref) => readRunDetail({ deps, annotations, axesOf }, ref) });
  addFiles(api, deps, slots);
  addArtifacts(api, deps, blobs, slots);
  addContents(api, blobs, bounds);
  addSweeps(api, {
    deps,
    reads,
    detail: ({ sweepId }) => reader.ask("sweep", { sweepId, nowMs: deps.clock.wallMs() }),
  });
  addNodes(api, {
    deps,
    lately: async (node, attempts, events) => {
      const [ended, happened] = await Promise.all([
        reader.ask("ended", { node, limit: attempts }),
        reader.ask("events", { before: undefined, limit: events, node, kinds: [] }),
      ]);
      return { ended, events: happened };
    },
  });
  addQueue(api, deps);
  addHistory(api, deps, reader);
  addChannels(api, deps);
  addTables(api, deps, reader);
  addActions(api, actions);
  const feed = createLiveFeed(deps);
  answer(api, "stream", (c, query) => {
    const topics = readTopics(deps, query.topics);
    const last = c.req.header("last-event-id");
    const events = (signal: AbortSignal) => feed.events(topics, last, signal);
    return streamBody(c, slots, "text/event-stream", true, events, c.req.header("authorization"));
  });
  return api;
}
