/** deploy/nats.conf and deploy/make-secrets.sh on a real nats-server: what each role may do, and what nobody may. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OUTPUT_STREAM, OUTPUT_SUBJECTS } from "../../../shared/subjects.ts";
import { ensureCertificate } from "../../../shared/tls/own-certificate.ts";
import { pinnedTls } from "../../../shared/tls/pinned.ts";
import { createTestFolder } from "../../helpers/fake-tools.ts";

const DEPLOY = resolve(import.meta.dirname, "../../../deploy");
const SERVER = process.env.EXP_NATS_SERVER ?? "nats-server";

interface Bus {
  readonly coordinator: { readonly user: string; readonly password: string };
  readonly agent: { readonly user: string; readonly password: string };
  readonly servers: readonly string[];
}

const folder = createTestFolder();
const secrets = join(folder, "secrets");
const open: NatsConnection[] = [];
let bus: Bus;
let env: Record<string, string>;
let server: ChildProcess;
let port: number;

beforeAll(async () => {
  execFileSync("sh", [join(DEPLOY, "make-secrets.sh"), secrets, "nats://10.0.0.1:4222"], { stdio: "ignore" });
  bus = JSON.parse(readFileSync(join(secrets, "bus.json"), "utf8")) as Bus;
  const passwords = readFileSync(join(secrets, "nats.env"), "utf8").trim().split("\n");
  env = {
    ...Object.fromEntries(passwords.map((line) => line.split("=", 2) as [string, string])),
    EXP_NATS_LISTEN: "127.0.0.1:0",
    EXP_NATS_STORE: join(folder, "store"),
  };
  // The file as it is, but for the ports: any free ones, and written down by the server.
  const args = ["-c", join(DEPLOY, "nats.conf"), "-p", "-1", "-m", "-1", "--ports_file_dir", folder];
  server = spawn(SERVER, args, { env, stdio: "ignore" });
  port = await portOf(server, folder);
});

afterAll(async () => {
  for (const connection of open) await connection.close();
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function portOf(started: ChildProcess, directory: string): Promise<number> {
  for (const deadlineMs = Date.now() + 10_000; Date.now() < deadlineMs; await delay(20)) {
    const file = readdirSync(directory).find((name) => name.endsWith(".ports"));
    const text = file ? readFileSync(join(directory, file), "utf8") : "";
    const url = /"nats":\s*\[\s*"([^"]+)"/.exec(text)?.[1];
    if (url) return Number(new URL(url).port);
  }
  throw new Error(`nats-server did not start (exit ${started.exitCode})`);
}

async function joinAs(role: "coordinator" | "agent", more: ConnectionOptions = {}): Promise<NatsConnection> {
  const { user, password } = bus[role];
  const connection = await connect({ servers: `127.0.0.1:${port}`, user, pass: password, reconnect: false, ...more });
  open.push(connection);
  return connection;
}

const joinAgent = (id: string) => joinAs("agent", { inboxPrefix: `_INBOX_${id}` });

/** The next error that the server tells this connection of. */
async function nextError(connection: NatsConnection): Promise<string> {
  for await (const status of connection.status()) if (status.type === "error") return status.error.message;
  return "closed";
}

test("nats-server -t accepts it, and refuses it without passwords", () => {
  const check = (more: Record<string, string>) =>
    spawnSync(SERVER, ["-t", "-c", join(DEPLOY, "nats.conf")], { env: more });
  expect(check(env).status).toBe(0);
  expect(check({ EXP_NATS_LISTEN: "127.0.0.1:4222", EXP_NATS_STORE: "/tmp" }).status).not.toBe(0);
});

test("opens no way in but the client port, and holds no password", () => {
  const text = readFileSync(join(DEPLOY, "nats.conf"), "utf8").replace(/^\s*#.*$/gm, "");
  expect(text).not.toMatch(/websocket|mqtt|leafnodes|cluster|gateway|no_auth_user|allow_responses/);
  expect([...text.matchAll(/^\s*password:\s*(.*)$/gm)].map((match) => match[1])).toEqual([
    "$EXP_NATS_COORDINATOR_PASSWORD",
    "$EXP_NATS_AGENT_PASSWORD",
  ]);
  for (const limit of ["max_connections", "max_payload", "max_pending", "max_file_store"])
    expect(text).toContain(limit);
});

test("secrets are the owner's alone, as the coordinator demands, and never overwritten", () => {
  expect(readdirSync(secrets).sort()).toEqual(["bus.json", "nats.env", "token"]);
  for (const name of readdirSync(secrets)) expect(statSync(join(secrets, name)).mode & 0o777, name).toBe(0o600);
  expect(bus.servers).toEqual(["nats://10.0.0.1:4222"]);
  expect(bus.agent.password).toMatch(/^p[0-9a-f]{64}$/);
  expect(bus.agent.password).not.toBe(bus.coordinator.password);
  expect(readFileSync(join(secrets, "token"), "utf8").trim()).toMatch(/^[A-Za-z0-9_-]{32,256}$/);
  const again = spawnSync("sh", [join(DEPLOY, "make-secrets.sh"), secrets], { encoding: "utf8" });
  expect(again.status).toBe(1);
  expect(again.stderr).toMatch(/is there already; delete/);
});

test("strangers and wrong passwords are refused", async () => {
  const servers = `127.0.0.1:${port}`;
  await expect(connect({ servers, reconnect: false })).rejects.toThrow(/Authorization/i);
  await expect(connect({ servers, reconnect: false, user: "agent", pass: "wrong" })).rejects.toThrow(/Authorization/i);
});

test("with the coordinator's certificate it speaks TLS with whoever knows it, and with nobody else", async () => {
  const own = await ensureCertificate(join(folder, "tls"), []);
  const other = await ensureCertificate(join(folder, "other-tls"), []);
  const line = `tls { cert_file: ${JSON.stringify(own.certificateFile)}, key_file: ${JSON.stringify(own.keyFile)} }`;
  const file = join(folder, "nats-tls.conf");
  writeFileSync(file, `${readFileSync(join(DEPLOY, "nats.conf"), "utf8")}\n${line}\n`);
  const ports = join(folder, "tls-ports");
  mkdirSync(ports);
  const tlsEnv = { ...env, EXP_NATS_STORE: join(folder, "tls-store") };
  const secure = spawn(SERVER, ["-c", file, "-p", "-1", "-m", "-1", "--ports_file_dir", ports], {
    env: tlsEnv,
    stdio: "ignore",
  });
  try {
    const servers = `tls://127.0.0.1:${await portOf(secure, ports)}`;
    const { user, password: pass } = bus.agent;
    const connection = await connect({ servers, user, pass, tls: pinnedTls(own.certificate) });
    expect(connection.info?.tls_required).toBe(true);
    await connection.close();
    await expect(connect({ servers, user, pass, tls: pinnedTls(other.certificate) })).rejects.toThrow();
    await expect(connect({ servers, user, pass, tls: null })).rejects.toThrow();
  } finally {
    secure.kill("SIGKILL");
  }
});

test("make-secrets.sh names the certificate of the bus", () => {
  const made = join(folder, "secrets-tls");
  execFileSync("sh", [join(DEPLOY, "make-secrets.sh"), made, "tls://10.0.0.1:4222"], {
    stdio: "ignore",
    env: { ...process.env, EXP_BUS_CERTIFICATE: "/var/lib/exp/tls/cert.pem" },
  });
  expect(JSON.parse(readFileSync(join(made, "bus.json"), "utf8"))).toMatchObject({
    servers: ["tls://10.0.0.1:4222"],
    certificate: "/var/lib/exp/tls/cert.pem",
  });
});

describe("with the coordinator's stream", () => {
  beforeAll(async () => {
    const manager = await jetstreamManager(await joinAs("coordinator"));
    await manager.streams.add({ name: OUTPUT_STREAM, subjects: [OUTPUT_SUBJECTS], max_bytes: 2 * 1024 ** 3 });
  });

  test("an agent publishes output and gets its acknowledgement on its own inbox", async () => {
    const connection = await joinAgent("agent_01");
    const ack = new Promise<string>((done) => {
      connection.subscribe("_INBOX_agent_01.*", { max: 1, callback: (_, message) => done(message.string()) });
    });
    connection.publish("exp.v1.agent_01.7.output", "hello\n", { reply: "_INBOX_agent_01.1" });
    expect(JSON.parse(await ack)).toMatchObject({ stream: OUTPUT_STREAM, seq: 1 });
  });

  test.each([
    ["publish", `$JS.API.STREAM.PURGE.${OUTPUT_STREAM}`],
    ["publish", `$JS.API.STREAM.DELETE.${OUTPUT_STREAM}`],
    ["publish", "_INBOX.someone.1"],
    ["publish", "exp.v2.x"],
    ["subscribe", "exp.v1.>"],
    ["subscribe", "exp.v1.other.9.output"],
    ["subscribe", ">"],
    ["subscribe", "_INBOX.>"],
    ["subscribe", "$JS.>"],
    ["subscribe", "$SYS.>"],
  ] as const)("an agent may not %s %s", async (verb, subject) => {
    const connection = await joinAgent("agent_03");
    const error = nextError(connection);
    if (verb === "publish") connection.publish(subject);
    else connection.subscribe(subject, { callback: () => {} });
    expect(await error).toMatch(/permissions violation/i);
  });

  test("a message over the limit is refused, visibly", async () => {
    const connection = await joinAgent("agent_04");
    expect(connection.info?.max_payload).toBe(512 * 1024);
    expect(() => connection.publish("exp.v1.agent_04.1.output", new Uint8Array(600_000))).toThrow(/max/i);
  });
});
