/** Which ports are free, and how to name this machine to others. */
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";

/** A port nobody listens on; `wanted` 0 is any. Throws AppError (invalid) where it cannot be had. */
export async function freePort(host: string, wanted = 0): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once("error", (error) => reject(portError(host, wanted, error)));
      server.listen({ host, port: wanted, exclusive: true }, () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : wanted);
      });
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

function isAnyAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** "host:port", with brackets where the host needs them. */
export function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address under which other machines find a server that listens on `host`. */
export function reachableHost(host: string): string {
  if (!isAnyAddress(host)) return host;
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  return external?.address ?? "127.0.0.1";
}

/** The address under which this machine itself finds it. */
export function localAddress(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}

function portError(host: string, port: number, error: unknown): AppError {
  const code = systemCode(error);
  const taken = code === "EADDRINUSE";
  const message = taken
    ? `port ${port} is taken`
    : code === "EACCES"
      ? `port ${port} is not for ordinary users`
      : `${host} cannot be listened on (${code ?? "unknown"})`;
  return new AppError("invalid", message, {
    id: taken ? "up.port-taken" : "up.port",
    hint:
      code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
        ? "--host must be an address of this machine"
        : "--port N takes another, --port 0 any free one",
    cause: error,
  });
}
