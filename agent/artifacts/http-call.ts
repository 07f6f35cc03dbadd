/** One call of the coordinator's HTTP API, with TLS where the token names a certificate. `fetch` cannot be told whom to trust. */
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { Token } from "../../shared/kernel/token.ts";
import { pinnedTls } from "../../shared/tls/pinned.ts";

export interface HttpCall {
  readonly method: "GET" | "PUT";
  readonly url: string;
  readonly token: Token;
  readonly signal: AbortSignal;
  readonly body?: Uint8Array | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Undefined where it is not JSON. */
  readonly json: unknown;
}

/** Rejects with the system's error, or that of the signal. An answer that leads elsewhere is not followed. */
export async function httpCall({ method, url, token, signal, body }: HttpCall): Promise<HttpAnswer> {
  const { secret, certificate } = token;
  const headers = {
    authorization: `Bearer ${secret}`,
    "content-type": "application/octet-stream",
    "content-length": String(body?.length ?? 0),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent =
      certificate === undefined
        ? plainRequest(url, { method, headers, signal }, resolve)
        : secureRequest(url, { method, headers, signal, ...pinnedTls(certificate) }, resolve);
    // After an answer that came early, the rest of the body may still fail.
    sent.on("error", reject);
    sent.end(body);
  });
  return { status: response.statusCode ?? 0, json: parse(await text(response)) };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
