/**
 * Starts attempts through shim.sh and reads what it left. This is the hot path: plain `spawn`, which costs half of what
 * execa does, onto a file, so that nothing of ours stands between the command and its output.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { attemptMarker, attemptPaths, FILL, readIfPresent } from "./attempt-dir.ts";
import { procsOf } from "./cgroup.ts";
import { launchText } from "./launch-text.ts";
import { parseStat } from "./proc.ts";

const SHIM = fileURLToPath(new URL("./shim.sh", import.meta.url));

/** Loader variables are for the command alone: through env(1) the shim itself starts without them. */
const COMMAND_ONLY = ["LD_PRELOAD", "LD_AUDIT"];

export interface ShimRequest {
  /** The attempt's directory, which exists. */
  readonly dir: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Complete environment of the command; the marker by which its processes are found is added here. */
  readonly env: { readonly [name: string]: string };
  /** The attempt's cgroup, where it has one. */
  readonly cgroup: string | undefined;
}

export interface ShimProcess {
  /** Also its session and its process group. */
  readonly pid: number;
  /** Settles when the shim has ended and been reaped. Its record is in shim.log; this is only the wake-up call. */
  readonly exited: Promise<void>;
}

/** What starts a shim: a program with arguments, onto a file. */
export interface ShimLaunch {
  readonly argv: readonly string[];
  /** What the shim runs: the last part of `argv`. */
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly cwd: string;
  /** File that stdout and stderr are appended to. */
  readonly output: string;
}

/** Throws `invalid` for a command that cannot be started as given: empty, or in a directory that is not there. */
export function shimLaunch(request: ShimRequest): ShimLaunch {
  const { dir, cwd } = request;
  if (request.argv.length === 0 || request.argv[0] === "") throw new AppError("invalid", "the command is empty");
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AppError("invalid", `cannot start the command: its directory ${cwd} does not exist on this host`, {
      hint: "[run] cwd must exist on every host that takes the run",
    });
  }
  const { argv, env } = splitLoader(request.argv, { ...request.env, EXP_ATTEMPT_DIR: attemptMarker(dir) });
  const shim = ["/bin/sh", SHIM, resolve(dir), procsFile(request.cgroup), ...argv];
  return { argv: shim, command: argv, env, cwd, output: attemptPaths(dir).output };
}

/** Starts a shim that enters the cgroup, if any, and waits for its attempt. */
export function aheadArgv(cgroup: string | undefined): readonly string[] {
  return ["/bin/sh", SHIM, "--ahead", procsFile(cgroup)];
}

/**
 * Writes what a shim that was started ahead needs of the attempt; false where it cannot be said this way. Throws where
 * the directory cannot be written.
 */
export function writeLaunch(dir: string, { command, cwd, env }: ShimLaunch): boolean {
  const text = dir.includes("\n") ? undefined : launchText(command, cwd, env);
  if (text === undefined) return false;
  writeFileSync(attemptPaths(dir).launch, text, FILL);
  return true;
}

/**
 * Starts the shim of an attempt, detached: it outlives the agent, and does not keep the agent alive. Throws `invalid`
 * where the command cannot be started as given (no such directory, arguments too long), `unavailable` where the host
 * has no room for it. A program that does not exist is no error here: the shim records exit code 127.
 */
export function spawnShim(request: ShimRequest): ShimProcess {
  const { argv, env, cwd, output: path } = shimLaunch(request);
  const output = openSync(path, "a", 0o600);
  try {
    const [program = "", ...args] = argv;
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", output, output] });
    // Node reports some failures by an event after this turn; a missing pid tells the same now.
    child.on("error", () => undefined);
    if (child.pid === undefined) {
      throw new AppError("unavailable", "cannot start the command: this host has no free process or open file left");
    }
    child.unref();
    return { pid: child.pid, exited: new Promise((done) => child.once("exit", () => done())) };
  } catch (error) {
    throw startError(error);
  } finally {
    closeSync(output);
  }
}

export interface ShimLog {
  readonly started?: { readonly pid: number; readonly startTime: number };
  readonly exit?: { readonly code: number; readonly uptimeSeconds: number };
}

/** What the shim recorded. A last line without its newline was torn by a full disk or a crash, and does not count. */
export function readShimLog(dir: string): ShimLog {
  return parseShimLog(readIfPresent(attemptPaths(dir).shimLog) ?? "");
}

export function parseShimLog(text: string): ShimLog {
  let log: ShimLog = {};
  for (const line of text.split("\n").slice(0, -1)) {
    const exit = /^exit (\d{1,3}) (\d{1,12}(?:\.\d{1,9})?)$/.exec(line);
    if (exit) log = { ...log, exit: { code: Number(exit[1]), uptimeSeconds: Number(exit[2]) } };
    const stat = line.startsWith("start ") ? parseStat(line.slice(6)) : undefined;
    if (stat) log = { ...log, started: { pid: stat.pid, startTime: stat.startTime } };
  }
  return log;
}

/**
 * Takes the attempt's claim for the agent: true means that the shim has not run the command and never will. The same
 * answer again for a claim that was taken this way before. Throws where the directory cannot be written.
 */
export function claimAttempt(dir: string): boolean {
  const { claim } = attemptPaths(dir);
  try {
    writeFileSync(claim, "agent\n", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
  // A shim writes its pid; a claim it has just created is still empty.
  return /^[a-z]+\n$/.test(readIfPresent(claim) ?? "");
}

function procsFile(cgroup: string | undefined): string {
  return cgroup === undefined ? "-" : procsOf(cgroup);
}

function splitLoader(argv: readonly string[], env: { readonly [name: string]: string }) {
  const own = COMMAND_ONLY.filter((name) => env[name] !== undefined);
  if (own.length === 0) return { argv, env };
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name)));
  return { argv: ["/usr/bin/env", ...own.map((name) => `${name}=${env[name]}`), ...argv], env: rest };
}

/** Why a shim did not start, from the system error. */
export function startError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = systemCode(error);
  if (code === "E2BIG") {
    return new AppError(
      "invalid",
      "cannot start the command: its arguments and environment are too long for this host",
      {
        hint: "pass large parameters through the file that EXP_CONFIG names",
        cause: error,
      },
    );
  }
  const kind = code === "ERR_INVALID_ARG_VALUE" ? "invalid" : "unavailable";
  return new AppError(kind, `cannot start the command: ${errorMessage(error)}`, { cause: error });
}
