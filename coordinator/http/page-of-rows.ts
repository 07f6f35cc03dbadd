/** A page of a plain list: where there may be more, the Link header names the next one. */
import type { Context } from "hono";
import type { HttpEnv } from "./guard.ts";

/** A full page may not be the last. `last`: value of `after` for the next one. */
export function page(c: Context<HttpEnv>, rows: readonly object[], limit: number, last: string | undefined): Response {
  if (rows.length >= limit && last !== undefined) {
    const url = new URL(c.req.url);
    url.searchParams.set("after", last);
    c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  return c.json(rows);
}
