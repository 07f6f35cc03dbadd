/** A way to a TCP port on which each byte takes longer: what lies between a host and a coordinator far away. */
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

export interface SlowLink extends AsyncDisposable {
  /** "host:port" that leads to the other end. */
  readonly address: string;
}

/** `delayMs`: how long bytes are on their way, in each direction. Their order stays. */
export async function startSlowLink(to: string, delayMs: number): Promise<SlowLink> {
  const [host, port] = to.split(":");
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection({ host: host ?? "", port: Number(port) });
    const ends = [near, far];
    for (const [i, end] of ends.entries()) {
      const other = ends[1 - i];
      open.add(end.setNoDelay());
      end.on("data", (data) => setTimeout(() => other?.write(data), delayMs));
      end.on("error", () => end.destroy());
      end.on("close", () => {
        open.delete(end);
        setTimeout(() => other?.destroy(), delayMs);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const end of open) end.destroy();
      await closed;
    },
  };
}
