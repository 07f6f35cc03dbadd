/** Who may call what: every method and kind of address, by every role; and the end of a token. */
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HttpServer } from "../../../coordinator/http/server.ts";
import { hashToken } from "../../../coordinator/rpc/auth.ts";
import { assertDeclared, rolesOfMethod } from "../../../coordinator/rpc/roles.ts";
import type { RpcServer } from "../../../coordinator/rpc/server.ts";
import type { TokenBook } from "../../../coordinator/store/tokens.ts";
import { AgentServiceService } from "../../../proto/gen/runner/v1/agent.ts";
import { ControlServiceService, EventsRequest } from "../../../proto/gen/runner/v1/control.ts";
import { StoreServiceService } from "../../../proto/gen/runner/v1/store.ts";
import { ROLES, type Role } from "../../../shared/run/roles.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import {
  bearer,
  connect,
  createLog,
  createMemoryBook,
  createReadStore,
  type ReadStore,
  startHttp,
  startRpc,
} from "./fixture.ts";

let store: ReadStore;
let book: TokenBook;
let rpc: RpcServer;
let http: HttpServer;
let client: Client;

beforeAll(async () => {
  store = createReadStore();
  book = createMemoryBook();
  for (const role of ROLES) handOut(`the-${role}`, role);
  const join = { name: "the-join", node: undefined, createdAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, used: undefined };
  book.addJoin(join, hashToken("the-join"), 0);
  rpc = await startRpc(store.deps(), createLog(), book);
  http = await startHttp(store, createLog(), store.deps(), 0, book);
  client = new Client(`127.0.0.1:${rpc.port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await http.stop(0);
  await rpc.stop(0);
  store.close();
});

/** The secret is the name. */
function handOut(name: string, role: Role, expiresAt?: number): string {
  book.add({ name, role, createdAt: Date.now(), expiresAt }, hashToken(name));
  return name;
}

/** Status of a call with nothing in it. */
function statusOf(path: string, secret: string): Promise<number> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${secret}`);
  const same = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, { deadline: Date.now() + 10_000 }, (error) =>
      resolve(error?.code ?? status.OK),
    );
  });
}

const METHODS = [ControlServiceService, AgentServiceService, StoreServiceService].flatMap((service) =>
  Object.values(service).map(({ path }) => path),
);

/** What each role is for, in words of its own: a method that is in no list is the admin's alone. */
const MAY: { readonly [role in Exclude<Role, "admin">]: RegExp } = {
  reader:
    /\/(List(Runs|Sweeps|Nodes|Queue|Artifacts)|Get(Run|Record|Server)?|Logs|Metrics|Best|Watch|Why|Events|Files)$/,
  user: /\/(List(Runs|Sweeps|Nodes|Queue|Artifacts)|Get(Run|Record|Server)?|Logs|Metrics|Best|Watch|Why|Events|Files|Plan|Submit|Apply|Cancel|Retry|Pause|Resume|Edit|Rerun|Import|ImportPoints|Prune|Missing|Put)$/,
  agent: /\/(Connect|Get|NoteEnvironments|NoteArtifacts)$/,
};

describe("gRPC", () => {
  test.each(METHODS)("%s", async (path) => {
    for (const role of ROLES) {
      const may = role === "admin" || MAY[role].test(path);
      const code = await statusOf(path, `the-${role}`);
      expect({ role, refused: code === status.PERMISSION_DENIED }).toEqual({ role, refused: !may });
      expect(code).not.toBe(status.UNAUTHENTICATED);
    }
    // A join token is for one thing.
    const refused = (await statusOf(path, "the-join")) === status.PERMISSION_DENIED;
    expect(refused).toBe(!path.endsWith("/Join"));
  });

  test("what nobody has declared is nobody's, and the program does not start with it", () => {
    expect(rolesOfMethod("/runner.v1.ControlService/Explode")).toBeUndefined();
    expect(rolesOfMethod("/runner.v1.ControlService/constructor")).toBeUndefined();
    const [first] = Object.values(ControlServiceService);
    expect(() => assertDeclared({ explode: { ...first, path: "/runner.v1.ControlService/Explode" } })).toThrow(
      /Explode/,
    );
  });
});

describe("HTTP", () => {
  const ask = async (method: string, path: string, secret: string) => {
    const body = method === "POST" ? { body: "{}", headers: { "content-type": "application/json" } } : {};
    const { headers, ...rest } = { headers: {}, ...body };
    const url = `http://127.0.0.1:${http.port}${path}`;
    return fetch(url, { method, ...rest, headers: { ...headers, authorization: `Bearer ${secret}` } });
  };

  test.each<[string, string, readonly Role[]]>([
    ["GET", "/api/v1/runs", ["reader", "user"]],
    ["GET", "/metrics", ["reader", "user"]],
    ["POST", "/api/v1/actions/cancel", ["user"]],
    ["POST", "/api/v1/actions/submit", ["user"]],
    ["POST", "/api/v1/actions/node", []],
    ["GET", `/api/v1/contents/${"0".repeat(64)}`, ["agent"]],
    ["PUT", `/api/v1/contents/${"0".repeat(64)}`, ["agent"]],
  ])("%s %s", async (method, path, roles) => {
    for (const role of ROLES) {
      const { status: code } = await ask(method, path, `the-${role}`);
      expect({ role, refused: code === 403 }).toEqual({ role, refused: role !== "admin" && !roles.includes(role) });
      expect(code).not.toBe(401);
    }
    expect((await ask(method, path, "the-join")).status).toBe(403);
  });

  test("a refusal says whose token it is, and what it takes", async () => {
    const answer = await ask("POST", "/api/v1/actions/cancel", "the-reader");
    expect(await answer.json()).toMatchObject({
      error: {
        code: "forbidden",
        id: "auth.role",
        message: "the token the-reader has the role reader, which may not call POST /api/v1/actions/cancel",
      },
    });
  });
});

test("a token whose time has passed is worth nothing", async () => {
  handOut("late", "reader", Date.now() - 1);
  handOut("early", "reader", Date.now() + 3_600_000);
  expect(await statusOf("/runner.v1.ControlService/ListNodes", "late")).toBe(status.UNAUTHENTICATED);
  expect(await statusOf("/runner.v1.ControlService/ListNodes", "early")).toBe(status.OK);
});

test("what goes on ends when the time of its token is over", async () => {
  handOut("brief", "reader", Date.now() + 700);
  const call = connect(rpc.port).events(EventsRequest.fromPartial({ follow: true }), bearer("brief"));
  const told: string[] = [];
  call.on("data", () => undefined);
  call.on("error", (error) => told.push(error.message));
  await waitUntil("the stream ends", () => told.length > 0);
  expect(told[0]).toContain("the time of the token brief is over");
});

test("revoked: what goes on ends, and nothing begins any more; others go on", async () => {
  const follow = (secret: string) => {
    const call = connect(rpc.port).events(EventsRequest.fromPartial({ follow: true }), bearer(secret));
    const end = { code: undefined as number | undefined };
    call.on("data", () => undefined);
    call.on("error", (error: Error & { code?: number }) => {
      end.code = error.code;
    });
    return { call, end };
  };
  handOut("leaver", "reader");
  const [leaver, reader] = [follow("leaver"), follow("the-reader")];
  const feed = await fetch(`http://127.0.0.1:${http.port}/api/v1/stream`, {
    headers: { authorization: "Bearer leaver" },
  });
  expect(feed.status).toBe(200);
  const read = feed.text().then(
    () => "ended",
    () => "cut",
  );
  expect(book.remove("leaver")).toBe(true);
  await waitUntil("the stream ends", () => leaver.end.code === status.UNAUTHENTICATED, { seen: () => leaver.end });
  expect(await read).toMatch(/cut|ended/);
  expect(await statusOf("/runner.v1.ControlService/ListNodes", "leaver")).toBe(status.UNAUTHENTICATED);
  expect(reader.end.code).toBeUndefined();
  reader.call.cancel();
});
