/**
 * A real nats-server with JetStream for one test file: own port, own store, one user with all rights. It can be killed and
 * started again on the same port and store, and lose its store in between. Nothing of it is left after `stop`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BusAccess } from "../../shared/run/session.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/nats-server.sh", import.meta.url));
const START_MS_MAX = 10_000;

export interface NatsOptions {
  /** Further lines of the configuration file. */
  readonly config?: string;
  /** Lines within its `jetstream` block, such as "max_file_store: 64MB". */
  readonly jetstream?: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly access: BusAccess;
  readonly port: number;
  readonly pid: number;
  /** What it wrote to its log so far. */
  log(): string;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and store; kills it first where it runs. */
  restart(): Promise<void>;
  /** Deletes its store. To be called while it is not running. */
  deleteStore(): void;
  /** Kills it and removes its directory. */
  stop(): Promise<void>;
}

export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const binary = natsBinary();
  const dir = mkdtempSync(join(tmpdir(), "exp-nats-"));
  const store = join(dir, "store");
  const password = "secret-of-a-test";
  const config = join(dir, "nats.conf");
  const log = join(dir, "log.txt");
  let child: ChildProcess | undefined;
  let port = -1;

  async function start(): Promise<void> {
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"
      ports_file_dir: ${JSON.stringify(dir)}
      log_file: ${JSON.stringify(log)}
      jetstream { store_dir: ${JSON.stringify(store)}\n ${options.jetstream ?? ""} }
      authorization { user: tester, password: ${JSON.stringify(password)} }
      ${options.config ?? ""}\n`,
    );
    child = spawn(binary, ["-c", config], { stdio: "ignore" });
    const deadline = performance.now() + START_MS_MAX;
    while (!(await isUp())) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`nats-server did not start:\n${existsSync(log) ? readFileSync(log, "utf8") : "(no log)"}`);
      }
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  /** Whether it answers; learns the port at the first start. */
  async function isUp(): Promise<boolean> {
    if (port < 0) {
      const file = readdirSync(dir).find((name) => name.endsWith(".ports"));
      const text = file ? readFileSync(join(dir, file), "utf8") : "";
      const found = /"nats:\/\/[^"]*:(\d+)"/.exec(text);
      if (!found) return false;
      port = Number(found[1]);
    }
    return await answers(port);
  }

  async function kill9(): Promise<void> {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, "exit");
    running.kill("SIGKILL");
    await gone;
  }

  async function restart(): Promise<void> {
    await kill9();
    await start();
  }

  async function stop(): Promise<void> {
    await kill9();
    rmSync(dir, { recursive: true, force: true });
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    get access() {
      return { servers: [`nats://127.0.0.1:${port}`], user: "tester", password };
    },
    get port() {
      return port;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => readFileSync(log, "utf8"),
    kill9,
    restart,
    deleteStore: () => rmSync(store, { recursive: true, force: true }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function natsBinary(): string {
  const given = process.env.EXP_NATS_SERVER;
  if (given) return given;
  const { status, stdout, stderr } = spawnSync("sh", [SCRIPT], { encoding: "utf8" });
  if (status !== 0) throw new Error(`no nats-server for the tests:\n${stderr}`);
  return stdout.trim();
}

/** True when a server greets on the port. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (up: boolean): void => {
      socket.destroy();
      resolve(up);
    };
    socket.once("data", (data) => end(data.toString().startsWith("INFO ")));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}
