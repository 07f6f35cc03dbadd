/** An HTTP server that keeps what it is sent and answers as it is told: with a status, late, or by hanging up. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent.
  readonly json: any;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  /** JSON. */
  readonly body?: unknown;
  /** The connection is cut after the request was taken. */
  readonly hangUp?: boolean;
  /** No answer at all. */
  readonly silent?: boolean;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** How the next requests are answered; replaces what was set before. */
  answer: (request: Received, count: number) => Reply | Promise<Reply>;
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const entry: Received = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        text,
        json: jsonOf(text),
      };
      received.push(entry);
      void (async () => {
        const { status = 200, headers = {}, body = {}, hangUp, silent } = await receiver.answer(entry, received.length);
        if (hangUp) request.socket.destroy();
        else if (!silent) response.writeHead(status, headers).end(JSON.stringify(body));
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: () => ({}),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
