/** The HTTP server: health, the JSON API, the live feed, Prometheus' page and the dashboard. */
import type { Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Reader } from "../reader/reader.ts";
import type { NodeBounds } from "../rpc/agent/node-bounds.ts";
import type { Verifier } from "../rpc/auth.ts";
import { bindError, joinAddress } from "../rpc/bind-error.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { createControlReads } from "../rpc/control/reads.ts";
import type { ActionParts } from "./actions.ts";
import { createApi } from "./api.ts";
import { answerError, guardRequests, type HttpEnv, refuse, requireToken } from "./guard.ts";
import { createHostRule } from "./hosts.ts";
import { servePage } from "./page.ts";
import { createPrometheusPage } from "./prometheus.ts";
import { createStreamSlots } from "./stream-body.ts";

export interface HttpServerOptions {
  readonly deps: ReadDeps;
  readonly reader: Reader;
  readonly actions: ActionParts;
  readonly blobs: BlobStore;
  readonly bounds: Pick<NodeBounds, "checkSent">;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM; absent: without TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
  readonly verifier: Verifier;
  /** Further host names that requests may name. */
  readonly allowedHosts: readonly string[];
  readonly logger: { error(fields: object, message: string): void };
  /** Folder of the page's files. */
  readonly dashboardDir?: string;
}

export interface HttpServer {
  readonly port: number;
  /** Ends open streams, lets other answers finish, and cuts off what is left after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const SOCKET_SILENCE_MS = 120_000;
/** More are cut off at once: they would take the files that the database and the queue need. */
const CONNECTIONS_MAX = 16_384;

/** Throws AppError where the address cannot be bound. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { deps, host, verifier, logger } = options;
  const slots = createStreamSlots();
  const app = new Hono<HttpEnv>();
  const logError = (error: unknown) => logger.error({ err: error }, "request failed");
  app.onError((error, c) => answerError(error, c, logError));
  app.notFound((c) => refuse(c, 404, "not_found", "there is nothing at this address"));
  app.use(guardRequests(createHostRule(host, [...namesOf(hostname()), ...options.allowedHosts])));
  app.get("/healthz", (c) => c.json({ status: "ok", bus: deps.health().connected ? "connected" : "disconnected" }));

  app.use("/api/*", requireToken(verifier));
  app.route(
    "/api/v1",
    createApi({
      deps,
      reads: createControlReads(deps),
      reader: options.reader,
      actions: options.actions,
      blobs: options.blobs,
      bounds: options.bounds,
      slots,
    }),
  );

  const prometheusPage = createPrometheusPage(deps);
  app.use("/metrics", requireToken(verifier));
  app.get("/metrics", (c) => c.text(prometheusPage(), 200, { "Content-Type": "text/plain; version=0.0.4" }));

  // Browsers ask for it unasked; there is none.
  app.get("/favicon.ico", (c) => c.body(null, 204));
  const directory = options.dashboardDir ?? fileURLToPath(new URL("../../dashboard/dist/", import.meta.url));
  app.get("*", servePage(directory));

  const { tls } = options;
  const server = createAdaptorServer({
    fetch: app.fetch,
    ...(tls && { createServer: createSecureServer }),
    serverOptions: {
      ...(tls && { cert: tls.certificate, key: tls.key, minVersion: "TLSv1.2" }),
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
    },
  }) as Server;
  server.setTimeout(SOCKET_SILENCE_MS);
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, host, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    async stop(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      slots.closeAll();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** "lab.example.org" and "lab": nobody else's page is found under what this machine calls itself. */
function namesOf(host: string): string[] {
  return [...new Set([host, host.split(".")[0] ?? host])];
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw bindError(error, joinAddress(host, port), "--http-port");
  }
}
