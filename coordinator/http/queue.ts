/** What waits, in the order in which it will be placed: that of `exp queue`, in pages. */
import type { Hono } from "hono";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { readQueue } from "../rpc/control/list-queue.ts";
import type { HttpEnv } from "./guard.ts";
import { readInteger, readLimit } from "./query.ts";
import { answer } from "./route.ts";

const OFFSET_MAX = 1_000_000;

export function addQueue(api: Hono<HttpEnv>, deps: ReadDeps): void {
  answer(api, "queue", (c, query) => {
    const offset = query.offset === undefined ? 0 : readInteger("offset", query.offset, 0, OFFSET_MAX);
    return c.json(readQueue(deps, offset, readLimit(query.limit)));
  });
}
