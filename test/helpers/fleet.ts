/**
 * A real fleet on this machine: nats-server, coordinator and agents as processes, each with a directory of its own. Any of
 * them can be killed and started again. When it is let go, every process of it is gone, or the test fails.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { httpCall } from "../../agent/artifacts/http-call.ts";
import { allPids, readStat } from "../../agent/process/proc.ts";
import { parseToken } from "../../shared/kernel/token.ts";
import type { RunView, SubmitView, SweepView } from "../../shared/run/views.ts";
import { type NatsServer, startNats } from "./nats.ts";
import { type ProgramProcess, type ProgramResult, runExp, startProgram } from "./program-process.ts";
import { type SlowLink, startSlowLink } from "./slow-link.ts";
import { waitUntil } from "./wait-until.ts";

export interface FleetOptions {
  readonly agents: number;
  /** For every agent. */
  readonly gpus?: string;
  readonly cpuSlots?: number;
  /** Further flags of every agent. */
  readonly agentFlags?: readonly string[];
  /** Further flags of the coordinator. */
  readonly coordinatorFlags?: readonly string[];
  /** How long bytes are on their way between agents and coordinator, in each direction. */
  readonly delayMs?: number;
}

export interface FleetAgent {
  readonly name: string;
  readonly workdir: string;
  readonly process: ProgramProcess;
  kill9(): Promise<void>;
  start(): void;
}

export interface Fleet extends AsyncDisposable {
  readonly dir: string;
  readonly nats: NatsServer;
  readonly agents: readonly FleetAgent[];
  readonly coordinator: { readonly process: ProgramProcess; kill9(): Promise<void>; start(): Promise<void> };
  /** "host:port" */
  readonly grpc: string;
  readonly http: string;
  readonly tokenFile: string;
  readonly resultsDir: string;
  /** `exp ARGS`, to its end. */
  exp(...args: string[]): Promise<ProgramResult>;
  /** Writes the text to a file and submits it. */
  submit(toml: string, ...flags: string[]): Promise<SubmitView>;
  api<T>(path: string): Promise<T>;
  runs(ref: string): Promise<RunView[]>;
  sweep(ref: string): Promise<SweepView>;
  /** Waits until every run of the sweep is terminal and its output is stored whole. */
  done(ref: string, boundMs: number): Promise<RunView[]>;
}

/** Rows of one answer of the HTTP API. */
const PAGE = 1000;
const API_MS = 30_000;
/** Within what `runExp` lets a command take. */
const WAIT_MS = 100_000;

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "exp-fleet-")));
  const nats = await startNats();
  const dataDir = join(dir, "coordinator");
  const resultsDir = join(dir, "results");
  const tokenFile = join(dataDir, "token");
  const credentials = join(dir, "bus.json");
  const { servers, user, password } = nats.access;
  writeFileSync(credentials, JSON.stringify({ servers, coordinator: { user, password }, agent: { user, password } }), {
    mode: 0o600,
  });
  let ports = { http: "0", grpc: "0" };
  let coordinator: ProgramProcess | undefined;
  let link: SlowLink | undefined;

  async function startCoordinator(): Promise<void> {
    rmSync(join(dataDir, "address.json"), { force: true });
    const flags = ["--data", dataDir, "--results", resultsDir, "--bus-credentials", credentials];
    const started = startProgram(
      "coordinator",
      ["start", ...flags, "--http-port", ports.http, "--grpc-port", ports.grpc, ...(options.coordinatorFlags ?? [])],
      join(dir, "coordinator.log"),
    );
    coordinator = started;
    await waitUntil(
      "the coordinator is ready",
      () => {
        if (!started.running) throw new Error(`the coordinator ended:\n${started.log().slice(-3000)}`);
        return existsSync(join(dataDir, "address.json"));
      },
      { boundMs: 30_000 },
    );
    const address = addresses();
    ports = { http: portOf(address.http), grpc: portOf(address.grpc) };
  }

  const addresses = () =>
    JSON.parse(readFileSync(join(dataDir, "address.json"), "utf8")) as { http: string; grpc: string };
  const agents: FleetAgent[] = [];
  try {
    await startCoordinator();
  } catch (error) {
    await letGo();
    throw error;
  }
  const { http, grpc } = addresses();
  if (options.delayMs !== undefined) link = await startSlowLink(grpc, options.delayMs);
  for (let i = 0; i < options.agents; i++) agents.push(createAgent(`node-${i + 1}`));

  function createAgent(name: string): FleetAgent {
    const workdir = join(dir, name);
    mkdirSync(workdir, { mode: 0o700 });
    const slots = options.cpuSlots === undefined ? [] : ["--cpu-slots", String(options.cpuSlots)];
    const start = () =>
      startProgram(
        "agent",
        [
          "start",
          "--coordinator",
          link?.address ?? grpc,
          "--token-file",
          tokenFile,
          "--name",
          name,
          "--workdir",
          workdir,
          "--gpus",
          options.gpus ?? "none",
          ...slots,
          ...(options.agentFlags ?? []),
        ],
        join(dir, `${name}.log`),
      );
    let process = start();
    return {
      name,
      workdir,
      get process() {
        return process;
      },
      kill9: () => process.kill9(),
      start: () => {
        process = start();
      },
    };
  }

  const api = async <T>(path: string): Promise<T> => {
    const token = parseToken(readFileSync(tokenFile, "utf8").trim());
    const url = `${token.certificate === undefined ? "http" : "https"}://${http}/api/v1${path}`;
    const { status, json } = await httpCall({ method: "GET", url, token, signal: AbortSignal.timeout(API_MS) });
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`);
    return json as T;
  };

  const exp = (...args: string[]) => runExp([...args, "--server", grpc, "--token-file", tokenFile], dir);

  const fleet: Fleet = {
    dir,
    nats,
    agents,
    coordinator: {
      get process() {
        if (!coordinator) throw new Error("no coordinator");
        return coordinator;
      },
      kill9: async () => coordinator?.kill9(),
      start: startCoordinator,
    },
    grpc,
    http,
    tokenFile,
    resultsDir,
    exp,
    api,
    submit: async (toml, ...flags) => {
      const file = join(dir, `sweep-${randomUUID()}.toml`);
      writeFileSync(file, toml);
      const { code, stdout, stderr } = await exp("submit", file, "--json", ...flags);
      if (code !== 0) throw new Error(`exp submit: ${code}\n${stderr}`);
      return JSON.parse(stdout) as SubmitView;
    },
    runs: async (ref) => {
      const runs: RunView[] = [];
      for (let page: RunView[] | undefined; page === undefined || page.length === PAGE; ) {
        page = await api<RunView[]>(`/sweeps/${ref}/runs?limit=${PAGE}&after=${runs.at(-1)?.index ?? 0}`);
        runs.push(...page);
      }
      return runs;
    },
    sweep: (ref) => api<SweepView>(`/sweeps/${ref}`),
    done: async (ref, boundMs) => {
      const endMs = performance.now() + boundMs;
      const isDone = async (): Promise<boolean> => {
        // One process for the whole wait, where nothing is killed meanwhile: starting one costs as much as a dozen short runs.
        const leftMs = Math.min(Math.max(1_000, endMs - performance.now()), WAIT_MS);
        const { code } = await exp("wait", ref, "--timeout", `${Math.ceil(leftMs / 1000)}s`);
        return code === 0 || code === 1;
      };
      await waitUntil(`${ref} is done`, async () => (await isDone()) || undefined, { boundMs: boundMs + 1000 });
      return await fleet.runs(ref);
    },
    [Symbol.asyncDispose]: () => letGo(),
  };

  async function letGo(): Promise<void> {
    for (const agent of agents) await agent.kill9();
    await coordinator?.kill9();
    await link?.[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
    // Wardens and shims outlive the agents by design: they are found by the directory they work for.
    await waitUntil("no process of the fleet is left", () => {
      const left = processesOf(dir);
      for (const pid of left) killQuietly(pid);
      return left.length === 0;
    });
    if (process.env.EXP_KEEP !== "1") rmSync(dir, { recursive: true, force: true });
  }

  try {
    await waitUntil(
      "every agent has joined",
      async () => {
        const nodes = await api<{ state: string }[]>("/nodes");
        return nodes.filter(({ state }) => state === "ready").length === options.agents;
      },
      { boundMs: 30_000, seen: () => agents.map(({ process }) => process.log().slice(-1000)) },
    );
  } catch (error) {
    // Nobody else could: the caller has no fleet to dispose of.
    await letGo();
    throw error;
  }
  return fleet;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

/** Live processes whose command line or environment names the directory. */
export function processesOf(dir: string): number[] {
  return allPids().filter((pid) => {
    if (pid === process.pid || readStat(pid)?.state === "Z") return false;
    return ["cmdline", "environ"].some((file) => readQuietly(`/proc/${pid}/${file}`).includes(dir));
  });
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone by itself meanwhile.
  }
}
