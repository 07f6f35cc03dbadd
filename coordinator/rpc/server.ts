/** The gRPC server: binds, guards, serves the two services of ours and the two that every tool knows, and stops. */
import { fileURLToPath } from "node:url";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type AgentServiceServer, AgentServiceService } from "../../proto/gen/runner/v1/agent.ts";
import { type ControlServiceServer, ControlServiceService } from "../../proto/gen/runner/v1/control.ts";
import { type StoreServiceServer, StoreServiceService } from "../../proto/gen/runner/v1/store.ts";
import type { Verifier } from "./auth.ts";
import { bindError, joinAddress } from "./bind-error.ts";
import { createGuard } from "./guard.ts";
import { SERVER_OPTIONS } from "./limits.ts";
import { assertDeclared } from "./roles.ts";
import { addHealth, addReflection } from "./well-known.ts";

export interface RpcServerOptions {
  /** Address to bind: an IP address or a name. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM; absent: without TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
  readonly verifier: Verifier;
  readonly control: ControlServiceServer;
  readonly agent: AgentServiceServer;
  /** Absent: contents are not served. */
  readonly store?: StoreServiceServer;
  /** Directory of the .proto files, for reflection. */
  readonly protoDir?: string;
}

export interface RpcServer {
  readonly port: number;
  /** Takes no new calls and waits for those that run; after `graceMs` they are cut off. */
  stop(graceMs: number): Promise<void>;
  /** Cuts everything off at once. */
  force(): void;
}

/** Throws AppError where the address cannot be bound. */
export async function createRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  // grpc-js writes to stderr by itself what it also returns as errors, which we report in our own words.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [createGuard(options.verifier)] });
  server.addService(ControlServiceService, options.control as UntypedServiceImplementation);
  server.addService(AgentServiceService, options.agent as UntypedServiceImplementation);
  const services = ["runner.v1.ControlService", "runner.v1.AgentService"];
  if (options.store) {
    server.addService(StoreServiceService, options.store as UntypedServiceImplementation);
    services.push("runner.v1.StoreService");
  }
  for (const service of [ControlServiceService, AgentServiceService, StoreServiceService]) assertDeclared(service);
  const health = addHealth(server, services);
  addReflection(server, options.protoDir ?? fileURLToPath(new URL("../../proto/", import.meta.url)));
  const port = await bind(server, options);
  health.set(true);
  return {
    port,
    async stop(graceMs) {
      health.set(false);
      const timer = setTimeout(() => server.forceShutdown(), graceMs);
      // An error means that it is down already, or was forced: either way it is down.
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(timer);
    },
    force: () => server.forceShutdown(),
  };
}

async function bind(server: Server, { host, port, tls }: RpcServerOptions): Promise<number> {
  const address = joinAddress(host, port);
  const credentials = tls
    ? ServerCredentials.createSsl(null, [
        { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) },
      ])
    : ServerCredentials.createInsecure();
  try {
    return await new Promise((resolve, reject) => {
      server.bindAsync(address, credentials, (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
  } catch (error) {
    server.forceShutdown();
    throw bindError(error, address, "--grpc-port");
  }
}
