/** A supervisor in the background: started in a session of its own, it reports once, on a pipe, how the start went. */
import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { AppError, type ErrorCode, systemCode } from "../../shared/kernel/errors.ts";
import { makeDirectory } from "../../shared/make-directory.ts";
import type { Session } from "../session.ts";
import { lastLines, type PartPids, type StackFile } from "./files.ts";
import type { UpOptions } from "./start.ts";

/** File descriptor of the pipe in the child. */
const REPORT_FD = 3;

export interface UpReport {
  readonly file: StackFile & { readonly http: string; readonly grpc: string };
  readonly pids: PartPids;
}

interface Failure {
  readonly error: { readonly code: ErrorCode; readonly id: string; readonly message: string; readonly hint?: string };
}

/** Throws what the start in the background refused with. */
export async function startDetached(session: Session, options: UpOptions): Promise<UpReport> {
  const { dir, environment, debug } = session.config;
  const logs = join(dir, "logs");
  const log = openLog(dir, logs);
  const args = [
    "up",
    "--supervised",
    "--no-input",
    "--dir",
    dir,
    "--port",
    String(options.port),
    "--host",
    options.host,
  ];
  if (options.tls) args.push("--tls");
  if (options.insecureLan) args.push("--insecure-lan");
  if (options.gpus !== undefined) args.push("--gpus", options.gpus);
  if (options.cpuSlots !== undefined) args.push("--cpu-slots", String(options.cpuSlots));
  if (options.containerEngine !== undefined) args.push("--container-engine", options.containerEngine);
  if (debug) args.push("--debug");
  const { executable, args: before } = session.self;
  const child = spawn(executable, [...before, ...args], {
    cwd: dir,
    env: { ...environment },
    detached: true,
    stdio: ["ignore", log, log, "pipe"],
  });
  closeSync(log);
  const undo = session.onSignal(() => child.kill("SIGTERM"));
  const pipe = child.stdio[REPORT_FD] as Socket;
  try {
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    const text = await Promise.race([readAll(pipe), failed]);
    return readReport(text, join(logs, "supervisor.log"));
  } finally {
    undo();
    pipe.destroy();
    child.unref();
  }
}

/** Called once by the supervisor in the background. */
export function reportStart(report: UpReport | AppError): void {
  const { code, id, message, hint } = report instanceof AppError ? report : {};
  const value = report instanceof AppError ? { error: { code, id, message, hint } } : report;
  writeSync(REPORT_FD, JSON.stringify(value));
  closeSync(REPORT_FD);
}

function openLog(dir: string, logs: string): number {
  try {
    makeDirectory(logs, 0o700);
    return openSync(join(logs, "supervisor.log"), "a", 0o600);
  } catch (error) {
    throw new AppError("invalid", `${dir} cannot be written (${systemCode(error) ?? String(error)})`, {
      id: "up.directory",
      hint: "--dir DIR takes another",
      cause: error,
    });
  }
}

async function readAll(pipe: Socket): Promise<string> {
  let text = "";
  for await (const chunk of pipe.setEncoding("utf8")) text += chunk;
  return text;
}

function readReport(text: string, logFile: string): UpReport {
  if (text === "") {
    const [said = "it said nothing"] = lastLines(logFile, 1);
    throw new AppError("internal", `the supervisor ended before the stack was up: ${said}`, {
      id: "up.supervisor",
      hint: `log: ${logFile}`,
    });
  }
  const report = JSON.parse(text) as UpReport | Failure;
  if (!("error" in report)) return report;
  const { code, id, message, hint } = report.error;
  throw new AppError(code, message, { id, hint });
}
