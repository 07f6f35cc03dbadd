/**
 * Contents on their way in over HTTP: a host asks how much of one is there, and sends the next part. Each part is a request of
 * its own, small enough to be taken whole before anything is written; what was cut off is asked for and sent again.
 */
import type { Context, Hono } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import { fence as toFence } from "../../shared/kernel/ids.ts";
import { ARTIFACT_BYTES_MAX, type ContentAnswer } from "../../shared/run/artifacts.ts";
import { CONTENT_PART_BYTES_MAX } from "../../shared/run/limits.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { NodeBounds } from "../rpc/agent/node-bounds.ts";
import { readBytes } from "./body.ts";
import type { HttpEnv } from "./guard.ts";
import { readInteger } from "./query.ts";
import { answer, named } from "./route.ts";

/** Parts that are taken at the same time: they lie in memory meanwhile. */
const PARTS_MAX = 8;
const FENCE_MAX = Number.MAX_SAFE_INTEGER;

export function addContents(api: Hono<HttpEnv>, blobs: BlobStore, bounds: Pick<NodeBounds, "checkSent">): void {
  let parts = 0;
  const check = (c: Context<HttpEnv>, fence: string | undefined) =>
    bounds.checkSent(
      c.get("caller"),
      fence === undefined ? undefined : toFence(readInteger("fence", fence, 1, FENCE_MAX)),
    );

  answer(api, "content", async (c, { fence }) => {
    check(c, fence);
    const hash = named(c, "hash");
    const size = await blobs.reserve(hash);
    const body: ContentAnswer = { received: size ?? (await blobs.received(hash)), whole: size !== undefined };
    return c.json(body);
  });

  answer(api, "putContent", async (c, query) => {
    check(c, query.fence);
    const size = readInteger("size", query.size ?? "", 0, ARTIFACT_BYTES_MAX);
    const offset = readInteger("offset", query.offset ?? "", 0, ARTIFACT_BYTES_MAX);
    if (parts >= PARTS_MAX) {
      throw new AppError("unavailable", "many contents are on their way already", { id: "http.parts" });
    }
    parts += 1;
    try {
      const data = await readBytes(c as Context<HttpEnv>, CONTENT_PART_BYTES_MAX);
      const received = await blobs.append({ hash: named(c, "hash"), size, offset, data });
      const body: ContentAnswer = { received, whole: received === size };
      return c.json(body);
    } finally {
      parts -= 1;
    }
  });
}
