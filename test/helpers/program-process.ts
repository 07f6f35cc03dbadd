/** A program of ours as a real process, with its output kept, that can be killed and started again. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Compiled code is kept, as `bin/exp` does: the start of a command takes half the time. */
const COMPILE_CACHE = `${ROOT}.cache/compile`;

export type ProgramName = "cli" | "agent" | "coordinator";

export interface ProgramProcess {
  readonly pid: number;
  readonly running: boolean;
  readonly exitCode: number | null;
  log(): string;
  /** SIGKILL; resolves when it is gone. */
  kill9(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  terminate(): Promise<number | null>;
}

/** Starts `<name>/main.ts` with `args`; stdout and stderr are appended to `logFile`. */
export function startProgram(
  name: ProgramName,
  args: readonly string[],
  logFile: string,
  env: { readonly [name: string]: string } = {},
): ProgramProcess {
  const log = createWriteStream(logFile, { flags: "a" });
  const child: ChildProcess = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", `${ROOT}${name}/main.ts`, ...args],
    {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    },
  );
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const gone = once(child, "close").then(() => log.end());
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const signal = async (name: NodeJS.Signals) => {
    if (isRunning()) child.kill(name);
    await gone;
  };
  return {
    pid: child.pid ?? 0,
    get running() {
      return isRunning();
    },
    get exitCode() {
      return child.exitCode;
    },
    log: () => readFileSync(logFile, "utf8"),
    kill9: () => signal("SIGKILL"),
    terminate: async () => {
      await signal("SIGTERM");
      return child.exitCode;
    },
  };
}

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `exp ARGS` in `cwd` to its end, without a terminal. `env` is added to this process's own. */
export function runExp(
  args: readonly string[],
  cwd: string,
  env: { readonly [name: string]: string } = {},
): Promise<ProgramResult> {
  return runProgram("cli", args, cwd, env);
}

/** As `runExp`, for any of the programs. */
export function runProgram(
  name: ProgramName,
  args: readonly string[],
  cwd: string,
  env: { readonly [name: string]: string } = {},
): Promise<ProgramResult> {
  const options = {
    cwd,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...env },
    maxBuffer: 256 * 1024 * 1024,
    timeout: 120_000,
  };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", `${ROOT}${name}/main.ts`, ...args],
      options,
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}
