/** The dashboard's files, read once and small, and the addresses of its views, which all get the same page. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { MiddlewareHandler } from "hono";
import { type HttpEnv, refuse } from "./guard.ts";

const TYPES: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};
/** A name that carries the hash of what is in it. */
const HASHED = /-[\w-]{8}\.js$/;

/** First parts of the addresses of views; what a view makes of the rest it says itself. */
const VIEWS: ReadonlySet<string> = new Set([
  "",
  "queue",
  "runs",
  "sweeps",
  "submit",
  "compare",
  "nodes",
  "events",
  "usage",
  "settings",
]);

export function servePage(directory: string): MiddlewareHandler<HttpEnv> {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const files = new Map(names.map((name) => [`/${name}`, readFileSync(join(directory, name))]));
  const page = files.get("/index.html");
  return async (c) => {
    const { path } = c.req;
    const file = files.get(path);
    if (file) {
      if (HASHED.test(path)) c.header("Cache-Control", "private, max-age=31536000, immutable");
      return c.body(file, 200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" });
    }
    if (!VIEWS.has(path.split("/")[1] ?? "")) {
      return refuse(c, 404, "not_found", "there is nothing at this address");
    }
    if (!page) return c.text("The dashboard is not built. In a clone: npm run setup\n", 503);
    return c.body(page, 200, { "Content-Type": "text/html; charset=utf-8" });
  };
}
