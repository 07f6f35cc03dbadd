/** Requests of a dashboard to a server of a test. */
import { request } from "node:http";
import { TOKEN } from "../coordinator-read/fixture.ts";

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what tests look at.
  readonly json: any;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
  /** Sent as it is where it is a text, else as JSON. */
  readonly body?: unknown;
}

/** A request with full control of its headers, which fetch does not give. `path` is below /api/v1. */
export function ask(port: number, path: string, { method = "GET", headers = {}, body }: Asking = {}): Promise<Answer> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const all = { authorization: `Bearer ${TOKEN}`, ...headers };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: `/api/v1${path}`, method, headers: all, agent: false };
    const sent = request(options, (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        answer += part;
      });
      response.on("end", () => {
        const isJson = String(response.headers["content-type"]).startsWith("application/json");
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: answer,
          json: isJson && answer !== "" ? JSON.parse(answer) : undefined,
        });
      });
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

/** An action, as the dashboard sends it. */
export function act(port: number, name: string, body: unknown, headers: Asking["headers"] = {}): Promise<Answer> {
  return ask(port, `/actions/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}
