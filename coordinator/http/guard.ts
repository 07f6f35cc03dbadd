/** Stands before every HTTP request: Host, Origin, method, then the token where one is needed. */
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import { httpStatusOf } from "../../shared/wire/status.ts";
import { addressOf, type Verifier } from "../rpc/auth.ts";
import { type HostRule, isSameOrigin } from "./hosts.ts";

export type HttpEnv = { Bindings: HttpBindings };

/** Bytes of a request's body. No call of ours has one yet. */
const BODY_BYTES_MAX = 1024 * 1024;

/** Sent with every answer. No CORS header at all: no other site may read any. */
const SECURITY_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** Refuses what no browser page of ours and no honest client would send. */
export function guardRequests(hosts: HostRule): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    const { incoming } = c.env;
    const { host = "", origin } = incoming.headers;
    if (countHeader(incoming.rawHeaders, "host") > 1 || !hosts.allows(host, incoming.socket.localAddress)) {
      return refuse(
        c,
        421,
        "host",
        `this server does not answer to the host name ${JSON.stringify(host.slice(0, 100))}`,
        {
          hint: "start the coordinator with --allowed-host NAME to allow it",
        },
      );
    }
    const site = c.req.header("sec-fetch-site");
    const isNavigation = c.req.method === "GET" && c.req.header("sec-fetch-mode") === "navigate";
    if (!isSameOrigin(origin, host) || (site === "cross-site" && !isNavigation)) {
      return refuse(c, 403, "origin", "requests from other sites are refused");
    }
    if (Number(c.req.header("content-length") ?? 0) > BODY_BYTES_MAX) {
      return refuse(c, 413, "too_large", `a body may have at most ${BODY_BYTES_MAX} bytes`);
    }
    if (c.req.method !== "GET" && (c.req.method !== "HEAD" || c.req.path.startsWith("/api/"))) {
      c.header("Allow", c.req.path.startsWith("/api/") ? "GET" : "GET, HEAD");
      return refuse(c, 405, "method", `${c.req.method} is not allowed here`);
    }
    return next();
  };
}

/** Asks for the bearer token. */
export function requireToken(verifier: Verifier): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const address = addressOf(c.env.incoming.socket.remoteAddress ?? "unknown");
    switch (verifier.check(address, c.req.header("authorization"))) {
      case "granted":
        return next();
      case "limited":
        c.header("Retry-After", "60");
        return refuse(c, 429, "exhausted", "too many failed logins from this address; wait a minute");
      case "denied":
        c.header("WWW-Authenticate", 'Bearer realm="expfleet"');
        return refuse(c, 401, "unauthorized", "a valid token is needed", {
          hint: "send the header Authorization: Bearer TOKEN",
        });
    }
  };
}

/** The answer to anything thrown. */
export function answerError(error: unknown, c: Context<HttpEnv>, logError: (error: unknown) => void): Response {
  if (!(error instanceof AppError)) {
    logError(error);
    return refuse(c, 500, "internal", "internal error; the coordinator's log says more");
  }
  return refuse(c, httpStatusOf(error.code), error.code, error.message, {
    id: error.id,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 421 | 429 | 500 | 503 | 504;

export function refuse(
  c: Context<HttpEnv>,
  status: RefusalStatus,
  code: string,
  message: string,
  more: { readonly id?: string; readonly hint?: string } = {},
): Response {
  return c.json({ error: { code, message, ...more } }, status);
}

function countHeader(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === name).length;
}
