/** Stands before every HTTP request: Host, Origin, method, then the token where one is needed. */
import type { IncomingHttpHeaders } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { AppError, type SourcePlace } from "../../shared/kernel/errors.ts";
import { type CallerRole, mayCall } from "../../shared/run/roles.ts";
import { httpStatusOf } from "../../shared/wire/status.ts";
import { addressOf, type Caller, type Verifier } from "../rpc/auth.ts";
import { forbidden } from "../rpc/guard.ts";
import { bodyBytesMax, CONTENTS } from "./body.ts";
import { type HostRule, isSameOrigin } from "./hosts.ts";

/** `caller`: who was let through, behind `requireToken`. */
export type HttpEnv = { Bindings: HttpBindings; Variables: { caller: Caller } };

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
    // Hosts call the coordinator what they like. The page of a browser does not, whatever name it was given.
    const isHost = c.req.path.startsWith(CONTENTS) && !isFromBrowser(incoming.headers);
    const isNamed = isHost || hosts.allows(host, incoming.socket.localAddress);
    if (countHeader(incoming.rawHeaders, "host") > 1 || !isNamed) {
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
    const bytesMax = bodyBytesMax(c.req.path);
    if (Number(c.req.header("content-length") ?? 0) > bytesMax) {
      return refuse(c, 413, "too_large", `a body may have at most ${bytesMax} bytes`);
    }
    const allowed = methodsOf(c.req.path);
    if (!allowed.includes(c.req.method)) {
      c.header("Allow", allowed.join(", "));
      return refuse(c, 405, "method", `${c.req.method} is not allowed here`);
    }
    // No form of another site can send this type, and no page of one may without being asked for, which is never granted.
    if (c.req.method === "POST" && !/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
      return refuse(c, 415, "invalid", "an action is sent as Content-Type: application/json");
    }
    return next();
  };
}

/** Asks for the bearer token, and for a role that may. */
export function requireToken(verifier: Verifier): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { incoming, outgoing } = c.env;
    const address = addressOf(incoming.socket.remoteAddress ?? "unknown");
    const access = verifier.check(address, c.req.header("authorization"));
    switch (access.kind) {
      case "granted": {
        const roles = rolesOf(c.req.method, c.req.path);
        if (!mayCall(access.caller.role, roles)) {
          const { code, message, id, hint } = forbidden(access.caller, `${c.req.method} ${c.req.path}`, roles);
          return refuse(c, 403, code, message, { id, ...(hint !== undefined && { hint }) });
        }
        // An answer that goes on, such as the live feed, ends with the token.
        const unwatch = verifier.watch(access.caller, () => incoming.socket.destroy());
        outgoing.once("close", unwatch);
        c.set("caller", access.caller);
        return next();
      }
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
  const status = error.id === "http.body-too-large" ? 413 : httpStatusOf(error.code);
  return refuse(c, status, error.code, error.message, {
    id: error.id,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.place === undefined ? {} : { place: error.place }),
  });
}

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421 | 429 | 500 | 503 | 504;

export function refuse(
  c: Context<HttpEnv>,
  status: RefusalStatus,
  code: string,
  message: string,
  more: { readonly id?: string; readonly hint?: string; readonly place?: SourcePlace } = {},
): Response {
  return c.json({ error: { code, message, ...more } }, status);
}

/** As for the gRPC methods that do the same. */
function rolesOf(method: string, path: string): readonly CallerRole[] {
  if (path.startsWith(CONTENTS)) return ["agent"];
  if (path === "/api/v1/actions/node") return [];
  return method === "GET" || method === "HEAD" ? ["reader", "user"] : ["user"];
}

/** Methods that there are at all; an action is a POST and nothing else. */
function methodsOf(path: string): readonly string[] {
  if (path.startsWith("/api/v1/actions/")) return ["POST"];
  if (path.startsWith(CONTENTS)) return ["GET", "PUT"];
  return path.startsWith("/api/") ? ["GET"] : ["GET", "HEAD"];
}

/** A browser says at least one of these, and a host none. */
function isFromBrowser(headers: IncomingHttpHeaders): boolean {
  return ["origin", "sec-fetch-site", "sec-fetch-dest", "referer"].some((name) => headers[name] !== undefined);
}

function countHeader(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === name).length;
}
