/** At which address other hosts reach this one. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { hostname, networkInterfaces } from "node:os";

/**
 * The address by which this host talks to the coordinator at HOST:PORT, which is the way its peers come too. On the
 * coordinator's own host, where that is loopback, the first address that others see; on a host without a network, loopback.
 * The host's name where the coordinator cannot be found. Sends nothing.
 */
export async function ownAddress(coordinator: string): Promise<string> {
  const colon = coordinator.lastIndexOf(":");
  const host = coordinator.slice(0, colon).replace(/^\[|\]$/g, "");
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    // Of a datagram socket this only chooses the route.
    socket.connect(Number(coordinator.slice(colon + 1)), host);
    await once(socket, "connect");
    const { address } = socket.address();
    return isLoopback(address) ? (outerAddress() ?? address) : address;
  } catch {
    return hostname();
  } finally {
    socket.close();
  }
}

function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
