/** Answers that are sent while they are made, at the pace of the reader, and how many there may be at a time. */
import type { Context } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import type { HttpEnv } from "./guard.ts";

const STREAMS_MAX = 256;
/** Of those the live feeds that one token may have; logs and points remain possible. */
const FEEDS_PER_TOKEN_MAX = 128;

/** Open streams; closing ends them all. */
export interface StreamSlots {
  /**
   * Throws AppError when too many are open. `signal` is aborted at the end of the server. `token`: whose live feed it is;
   * undefined for a stream of another kind.
   */
  take(token?: string): { readonly abort: AbortController; release(): void };
  closeAll(): void;
}

export function createStreamSlots(): StreamSlots {
  const open = new Map<AbortController, string | undefined>();
  const feedsOf = (token: string) => [...open.values()].filter((other) => other === token).length;
  return {
    take(token) {
      if (open.size >= STREAMS_MAX) {
        throw new AppError("unavailable", `there are ${STREAMS_MAX} open streams already`, { id: "http.streams" });
      }
      if (token !== undefined && feedsOf(token) >= FEEDS_PER_TOKEN_MAX) {
        const problem = `this token has ${FEEDS_PER_TOKEN_MAX} live feeds open already`;
        throw new AppError("exhausted", problem, { id: "http.feeds", hint: "close some tabs" });
      }
      const abort = new AbortController();
      open.set(abort, token);
      return { abort, release: () => open.delete(abort) };
    },
    closeAll() {
      for (const abort of open.keys()) abort.abort();
    },
  };
}

/**
 * What is refused before the first portion is still an answer with a status, except for an `endless` one, whose first
 * portion may be long in coming. Later failures cut the connection, which a reader sees as such.
 */
export async function streamBody(
  c: Context<HttpEnv>,
  slots: StreamSlots,
  contentType: string,
  endless: boolean,
  make: (signal: AbortSignal) => AsyncGenerator<Uint8Array>,
  token?: string,
): Promise<Response> {
  const { abort, release } = slots.take(token);
  const parts = make(abort.signal);
  let ready: IteratorResult<Uint8Array, unknown> | undefined;
  if (endless) {
    // Nothing may come for hours; the socket's own silence is no fault then.
    c.env.incoming.socket.setTimeout(0);
  } else {
    try {
      ready = await parts.next();
    } catch (error) {
      release();
      throw error;
    }
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const part = ready ?? (await parts.next());
        ready = undefined;
        if (!part.done) {
          controller.enqueue(part.value);
          return;
        }
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      release();
    },
    async cancel() {
      abort.abort();
      release();
      await parts.return(undefined);
    },
  });
  c.header("Content-Type", contentType);
  return c.body(body);
}
