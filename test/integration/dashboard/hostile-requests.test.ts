/** Requests that no page of ours and no honest client sends: other sites, other names, and who sits on connections. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { createReadStore, type ReadStore, startHttp, TOKEN } from "../coordinator-read/fixture.ts";
import { ask } from "./http-client.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
const CONTENT = `/contents/${"0".repeat(64)}`;
/** As many as an attacker's laptop opens; a small runner of tests has not that many files. */
const SOCKETS = process.env.CI === undefined ? 10_000 : 1_000;

let store: ReadStore;
let server: HttpServer;

beforeAll(async () => {
  store = createReadStore();
  server = await startHttp(store);
});
afterAll(async () => {
  await server?.stop(1_000);
  store?.close();
});

const statusOf = async (path: string, method: string, headers: { [name: string]: string }) =>
  (await ask(server.port, path, { method, headers })).status;

test.each(METHODS)("%s under the name of another: 421", async (method) => {
  for (const host of ["evil.test", "127.0.0.1.evil.test", "evil.test:7717"]) {
    for (const path of ["/runs", "/stream", "/actions/cancel"]) {
      expect([host, path, await statusOf(path, method, { host })]).toEqual([host, path, 421]);
    }
  }
});

describe("contents, which hosts send under any name", () => {
  const own = () => `127.0.0.1:${server.port}`;

  test.each<[string, { [name: string]: string }, number]>([
    ["a host", { host: "gpu-login.lab", "sec-fetch-mode": "cors" }, 200],
    ["a page under a foreign name", { host: "evil.test", origin: "http://evil.test" }, 421],
    ["a page that leaves its origin out", { host: "evil.test", "sec-fetch-site": "same-origin" }, 421],
    ["a page that says where it comes from", { host: "evil.test", referer: "http://evil.test/" }, 421],
  ])("%s", async (_, headers, status) => {
    expect(await statusOf(CONTENT, "GET", headers)).toBe(status);
  });

  test.each(["http://evil.test", "null", "http://127.0.0.1:1"])("PUT from %s: 403", async (origin) => {
    expect(await statusOf(`${CONTENT}?size=1&offset=0`, "PUT", { host: own(), origin })).toBe(403);
  });
});

/** The first line of the answer to a request for another protocol. */
async function upgrade(headers: string): Promise<string> {
  const socket = createConnection(server.port, "127.0.0.1");
  const lines = `Host: 127.0.0.1:${server.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  socket.write(`GET /api/v1/runs HTTP/1.1\r\n${lines}${key}${headers}\r\n`);
  const [part] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return part.toString().split("\r\n")[0] ?? "";
}

test("a request for another protocol is a request like any other: refused from foreign pages, never granted", async () => {
  expect(await upgrade("Origin: http://evil.test\r\n")).toBe("HTTP/1.1 403 Forbidden");
  expect(await upgrade("Origin: null\r\n")).toBe("HTTP/1.1 403 Forbidden");
  expect(await upgrade("Sec-Fetch-Site: cross-site\r\n")).toBe("HTTP/1.1 403 Forbidden");
  expect(await upgrade("")).toBe("HTTP/1.1 401 Unauthorized");
  expect(await upgrade(`Authorization: Bearer ${TOKEN}\r\n`)).toBe("HTTP/1.1 200 OK");
});

test("no answer lets a page say where it came from", async () => {
  for (const path of ["/runs", "/nothing", "/stream?topics=none"]) {
    const { headers } = await ask(server.port, path);
    expect([path, headers["referrer-policy"]]).toEqual([path, "no-referrer"]);
  }
});

test(`${SOCKETS} connections of which nothing comes, or a byte now and then, keep nobody out, and are cut off`, async () => {
  const program = fileURLToPath(new URL("../../fixtures/programs/open-sockets.ts", import.meta.url));
  const child = spawn(process.execPath, [program, String(server.port), String(SOCKETS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const slow: Socket = createConnection(server.port, "127.0.0.1").on("error", () => {});
  const closed = new Promise<void>((resolve) => slow.on("close", () => resolve()));
  try {
    slow.write("GET / HTTP/1.1\r\nHost: localhost\r\nX-");
    const drip = setInterval(() => slow.write("x"), 500);
    slow.on("close", () => clearInterval(drip));
    await once(child.stdout, "data");
    const started = performance.now();
    expect(await statusOf("/runs", "GET", {})).toBe(200);
    expect(performance.now() - started).toBeLessThan(5_000);
    let cut = false;
    void closed.then(() => {
      cut = true;
    });
    await waitUntil("the slow one is cut off", () => cut, { boundMs: 40_000 });
    expect(await statusOf("/runs", "GET", {})).toBe(200);
  } finally {
    slow.destroy();
    child.stdin.end();
    if (child.exitCode === null) await once(child, "exit");
  }
}, 120_000);
