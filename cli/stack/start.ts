/**
 * Starting a local stack, step by step: directory, claim, ports, bus, coordinator, agent. Each step waits until the part
 * answers. A start that fails or is interrupted leaves nothing running.
 */
import { randomBytes } from "node:crypto";
import { accessSync, chmodSync, constants, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isLoopback } from "../../shared/kernel/addresses.ts";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { makeDirectory } from "../../shared/make-directory.ts";
import { ensureCertificate, type OwnCertificate } from "../../shared/tls/own-certificate.ts";
import { writeWholeFile } from "../../shared/write-whole.ts";
import type { Client } from "../client.ts";
import { readTokenFile } from "../locate.ts";
import type { Session } from "../session.ts";
import { claimJson, type PartName, type PartPids, readAddress, readStack, type StackFile, writeJson } from "./files.ts";
import { natsConfigText } from "./nats-config.ts";
import { natsServerPath, packageFile } from "./package-files.ts";
import { Part } from "./part.ts";
import { type StackPaths, stackPaths } from "./paths.ts";
import { freePort, joinAddress, localAddress, reachableHost } from "./ports.ts";
import { findParts, startTimeOf } from "./processes.ts";
import { answersAsNats, hasJoined, ready } from "./ready.ts";
import { stopParts, tryHoldNode } from "./stop.ts";

export interface UpOptions {
  /** Of the web page; the control port is the next one. 0: any two. */
  readonly port: number;
  readonly host: string;
  readonly tls: boolean;
  readonly insecureLan: boolean;
  /** As exp-agent takes them; undefined: its defaults. */
  readonly gpus: string | undefined;
  readonly cpuSlots: number | undefined;
  readonly containerEngine: string | undefined;
}

export interface RunningStack {
  readonly paths: StackPaths;
  readonly file: StackFile & { readonly http: string; readonly grpc: string };
  readonly parts: readonly Part[];
  readonly client: Client;
}

const NATS_BOUND_MS = 20_000;
const PART_BOUND_MS = 60_000;

/** Throws AppError: invalid where something has to be set right first, conflict where a stack is there already. */
export async function startStack(session: Session, options: UpOptions, stop: AbortSignal): Promise<RunningStack> {
  if (!isLoopback(options.host) && !options.tls && !options.insecureLan) {
    throw new AppError(
      "invalid",
      `listening on ${options.host} without TLS would show token and output to the network`,
      {
        id: "net.insecure",
        hint: "say --tls; or leave --host away; or say --insecure-lan on a network you trust",
      },
    );
  }
  const paths = stackPaths(session.config.dir);
  makeDirectories(paths);
  await claim(session, paths);
  const parts: Part[] = [];
  try {
    return await startParts(session, options, paths, parts, stop);
  } catch (error) {
    for (const part of parts) part.letGo();
    // Runs of an earlier stack may have been found again: they are left alone.
    const held = await tryHoldNode(await openIfUp(session, paths, parts), localNodeName());
    await stopParts(session, paths, { killRuns: held?.active === 0, hurry: undefined });
    throw error;
  }
}

async function startParts(
  session: Session,
  options: UpOptions,
  paths: StackPaths,
  parts: Part[],
  stop: AbortSignal,
): Promise<RunningStack> {
  const { clock, out } = session;
  const { host, port } = options;
  const httpPort = await freePort(host, port);
  const grpcPort = await freePort(host, port === 0 ? 0 : port + 1);
  const natsServer = await natsServerPath(session.config.environment, (line) => out.note(line));
  const certificate = options.tls ? await ensureCertificate(paths.tls, [host]) : undefined;
  const nats = joinAddress(reachableHost(host), await writeBusFiles(paths, host, certificate));
  const pids: Partial<PartPids> = {};
  const events = {
    onStart: (name: PartName, pid: number) => {
      pids[name] = pid;
      if (pids.nats && pids.coordinator && pids.agent) {
        writeJson(paths.pidsFile, { nats: pids.nats, coordinator: pids.coordinator, agent: pids.agent });
      }
    },
    onNote: (line: string) => out.note(line),
  };
  const start = (name: PartName, command: string, args: readonly string[]): Part => {
    const logFile = join(paths.logs, `${name}.log`);
    const env = { ...session.config.environment, EXP_TOKEN: undefined };
    const part = new Part({ name, command, args, logFile, env, cwd: paths.root }, events, clock);
    parts.push(part);
    part.start();
    return part;
  };

  const bus = start("nats", natsServer, ["-c", paths.natsConfig]);
  await ready(bus, () => answersAsNats(localAddress(nats)), NATS_BOUND_MS, stop);

  const coordinator = start("coordinator", packageFile("bin/exp-coordinator"), [
    "start",
    ...["--data", paths.coordinator, "--results", paths.results, "--host", host],
    ...["--http-port", String(httpPort), "--grpc-port", String(grpcPort), "--bus-credentials", paths.busFile],
    ...(options.tls ? ["--tls"] : isLoopback(host) ? [] : ["--insecure-lan"]),
  ]);
  const address = await ready(coordinator, () => readAddress(paths, coordinator.pid), PART_BOUND_MS, stop);
  const grpc = localAddress(address.grpc);
  const client = await session.open(grpc, await readTokenFile(paths.tokenFile));

  const node = localNodeName();
  const agent = start("agent", packageFile("bin/exp-agent"), [
    "start",
    ...["--coordinator", grpc, "--token-file", paths.tokenFile, "--name", node, "--workdir", paths.agent],
    ...(options.gpus === undefined ? [] : ["--gpus", options.gpus]),
    ...(options.cpuSlots === undefined ? [] : ["--cpu-slots", String(options.cpuSlots)]),
    ...(options.containerEngine === undefined ? [] : ["--container-engine", options.containerEngine]),
  ]);
  await ready(agent, () => hasJoined(client, node), PART_BOUND_MS, stop);

  const file = {
    ...ownFile(session, paths, node),
    http: `${address.tls ? "https" : "http"}://${localAddress(address.http)}/`,
    grpc,
  };
  writeJson(paths.stackFile, file);
  for (const part of parts) part.keep();
  return { paths, file, parts, client };
}

/** The coordinator that this start has brought up; undefined where it did not come that far. */
async function openIfUp(session: Session, paths: StackPaths, parts: readonly Part[]): Promise<Client | undefined> {
  const coordinator = parts.find(({ name }) => name === "coordinator");
  const address = coordinator && (await readAddress(paths, coordinator.pid));
  return address && session.open(localAddress(address.grpc), await readTokenFile(paths.tokenFile));
}

/** Throws AppError (invalid) where it cannot be written. */
function makeDirectories(paths: StackPaths): void {
  try {
    makeDirectory(paths.root, 0o700);
    for (const folder of [paths.logs, paths.natsStore, paths.coordinator, paths.agent, paths.results]) {
      makeDirectory(folder, 0o700);
    }
    accessSync(paths.root, constants.W_OK | constants.X_OK);
    chmodSync(paths.root, 0o700);
    writeWholeFile(join(paths.root, ".gitignore"), "*\n", 0o644);
  } catch (error) {
    throw new AppError("invalid", `${paths.root} cannot be written (${systemCode(error) ?? errorMessage(error)})`, {
      id: "up.directory",
      hint: "--dir DIR takes another",
      cause: error,
    });
  }
}

/** Makes this process the one that supervises the directory. Throws AppError (conflict) where another one does. */
async function claim(session: Session, paths: StackPaths): Promise<void> {
  const how = "exp submit uses it, exp down stops it";
  const running = Object.values(findParts(paths)).flat();
  const there = await readStack(paths);
  const isSupervised = there !== undefined && startTimeOf(there.supervisor.pid) === there.supervisor.startTime;
  if (isSupervised || running.length > 0) {
    const what = isSupervised ? "is running already" : "is running already, without its supervisor";
    throw new AppError("conflict", `a stack in ${paths.root} ${what}`, {
      id: "up.running",
      hint: isSupervised ? how : "exp down stops it; then exp up again",
    });
  }
  rmSync(paths.stackFile, { force: true });
  rmSync(paths.pidsFile, { force: true });
  if (!claimJson(paths.stackFile, ownFile(session, paths, localNodeName()))) {
    throw new AppError("conflict", `a stack in ${paths.root} is being started by another exp up`, {
      id: "up.running",
      hint: how,
    });
  }
}

function ownFile(session: Session, paths: StackPaths, node: string): StackFile {
  const startTime = startTimeOf(session.pid) ?? "";
  const { root: dir, results, tokenFile } = paths;
  return { supervisor: { pid: session.pid, startTime }, dir, node, results, tokenFile };
}

/** Configuration and credentials with new passwords; the port of the bus. */
async function writeBusFiles(paths: StackPaths, host: string, tls: OwnCertificate | undefined): Promise<number> {
  const port = await freePort(host);
  const coordinatorPassword = randomBytes(24).toString("base64url");
  const agentPassword = randomBytes(24).toString("base64url");
  const settings = { host, port, tls, store: paths.natsStore, coordinatorPassword, agentPassword };
  writeWholeFile(paths.natsConfig, natsConfigText(settings), 0o600);
  writeJson(paths.busFile, {
    servers: [`${tls ? "tls" : "nats"}://${joinAddress(reachableHost(host), port)}`],
    ...(tls && { certificate: tls.certificateFile }),
    coordinator: { user: "coordinator", password: coordinatorPassword },
    agent: { user: "agent", password: agentPassword },
  });
  return port;
}

function localNodeName(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 64);
  return name === "" ? "local" : name;
}
