/** Why an address cannot be listened on, in one clear line. */
import { AppError, errorMessage } from "../../shared/kernel/errors.ts";

/** "127.0.0.1:80", "[::1]:80" */
export function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `flag` is what the user would change. */
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
