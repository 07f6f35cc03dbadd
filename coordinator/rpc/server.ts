/** The gRPC server: binds, guards, serves the two services of ours and the two that every tool knows, and stops. */
import { fileURLToPath } from "node:url";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { type AgentServiceServer, AgentServiceService } from "../../proto/gen/runner/v1/agent.ts";
import { type ControlServiceServer, ControlServiceService } from "../../proto/gen/runner/v1/control.ts";
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";
import type { Verifier } from "./auth.ts";
import { createGuard } from "./guard.ts";
import { SERVER_OPTIONS } from "./limits.ts";
import { addHealth, addReflection } from "./well-known.ts";

export interface RpcServerOptions {
  /** Address to bind: an IP address or a name. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly verifier: Verifier;
  readonly control: ControlServiceServer;
  readonly agent: AgentServiceServer;
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
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [createGuard(options.verifier)] });
  server.addService(ControlServiceService, options.control as UntypedServiceImplementation);
  server.addService(AgentServiceService, options.agent as UntypedServiceImplementation);
  const health = addHealth(server, ["runner.v1.ControlService", "runner.v1.AgentService"]);
  addReflection(server, options.protoDir ?? fileURLToPath(new URL("../../proto/", import.meta.url)));
  const port = await bind(server, options.host, options.port);
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

async function bind(server: Server, host: string, port: number): Promise<number> {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  try {
    return await new Promise((resolve, reject) => {
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
  } catch (error) {
    server.forceShutdown();
    throw bindError(error, address, "--grpc-port");
  }
}

/** One clear line for an address that cannot be bound. `flag` is what the user would change. */
export function bindError(error: unknown, address: string, flag: string): AppError {
  const text = `${errorMessage(error)} ${errorsOf(error)}`;
  if (text.includes("EADDRINUSE")) {
    return new AppError("conflict", `${address} is in use by another program`, {
      id: "net.port-taken",
      hint: `stop that program or choose another port (${flag})`,
      cause: error,
    });
  }
  if (text.includes("EACCES")) {
    return new AppError("conflict", `${address} may not be bound by this user`, {
      id: "net.port-forbidden",
      hint: `choose a port above 1023 (${flag})`,
      cause: error,
    });
  }
  if (/EADDRNOTAVAIL|ENOTFOUND|EAI_|resolution/i.test(text)) {
    return new AppError("invalid", `${address} is no address of this machine`, { id: "net.no-address", cause: error });
  }
  return new AppError("unavailable", `cannot listen on ${address}: ${errorMessage(error)}`, {
    id: "net.bind",
    cause: error,
  });
}

/** grpc-js keeps the system's words apart from its own. */
function errorsOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("errors" in error) || !Array.isArray(error.errors)) return "";
  return error.errors.map(String).join(" ");
}
