/**
 * The agent's local door: a Unix socket in the work directory, for `exp-agent status` and `stop`. Works while the
 * coordinator is away. Who may open the directory (mode 0700) may use it.
 */
import { existsSync, rmSync } from "node:fs";
import { createServer, request, type ServerResponse } from "node:http";
import { AppError, errorMessage, systemCode } from "../shared/kernel/errors.ts";
import type { OutputStats } from "./output/output-plane.ts";

export interface AgentStatus {
  readonly name: string;
  readonly pid: number;
  readonly version: string;
  readonly agentId: string;
  readonly coordinator: string;
  /** Null while there is none. */
  readonly session: number | null;
  /** Why there is no session; empty while there is one. */
  readonly problem: string;
  readonly draining: boolean;
  readonly warden: number | null;
  readonly cgroup: string | null;
  readonly devices: readonly { uuid: string; model: string; health: string; reason: string }[];
  readonly attempts: readonly { fence: number; run: string; phase: string; pid: number | null }[];
  readonly output: OutputStats;
  /** What is to be kept of the files of runs and has not come to the coordinator: how many, and why they wait. */
  readonly artifacts: { readonly waiting: number; readonly bytes: number; readonly problem: string };
}

export interface LocalActions {
  readonly status: () => AgentStatus;
  /** `runs`: what becomes of running attempts. Answers before it acts. */
  readonly stop: (runs: "keep" | "kill") => void;
}

export interface LocalSocket {
  close(): Promise<void>;
}

/** Listens on `path`. Only one agent holds the work directory, so a socket that is there already is a leftover. */
export async function serveLocalSocket(path: string, actions: LocalActions): Promise<LocalSocket> {
  rmSync(path, { force: true });
  const server = createServer((incoming, response) => {
    incoming.resume();
    const route = `${incoming.method} ${incoming.url}`;
    if (route === "GET /status") return answer(response, 200, actions.status());
    if (route === "POST /stop?runs=keep" || route === "POST /stop?runs=kill") {
      answer(response, 202, { pid: actions.status().pid });
      return actions.stop(route.endsWith("kill") ? "kill" : "keep");
    }
    answer(response, 404, { error: `no such call: ${route}` });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(socketError(path, error)));
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** Asks the agent of a work directory. Throws AppError "unavailable" where none listens. */
export async function askAgent(path: string, method: "GET" | "POST", url: string): Promise<unknown> {
  if (!existsSync(path)) throw notRunning(path);
  return await new Promise((resolve, reject) => {
    const call = request({ socketPath: path, method, path: url, timeout: 5_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(JSON.parse(text)));
    });
    call.on("timeout", () => call.destroy(new Error("no answer within 5s")));
    call.on("error", (error) => {
      const refused = systemCode(error) === "ECONNREFUSED" || systemCode(error) === "ENOENT";
      reject(
        refused
          ? notRunning(path)
          : new AppError("unavailable", `the agent does not answer: ${errorMessage(error)}`, { id: "agent.silent" }),
      );
    });
    call.end();
  });
}

function notRunning(path: string): AppError {
  return new AppError("unavailable", `no agent listens on ${path}`, {
    id: "agent.not-running",
    hint: "is --workdir the one it was started with?",
  });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(`${JSON.stringify(body)}\n`);
}

function socketError(path: string, error: unknown): AppError {
  const long = path.length > 100;
  return new AppError("unavailable", `cannot listen on ${path}: ${errorMessage(error)}`, {
    id: "agent.socket",
    hint: long ? "the path is too long for a socket: choose a shorter --workdir" : "check that --workdir is writable",
  });
}
