/**
 * Runs nvidia-smi without ever waiting for it: a question that is not answered in time is killed and answered "no", and
 * a process that cannot even be killed (it waits inside the driver) is left behind, but never joined by many more.
 */
import { execa } from "execa";
import { errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { takeLines } from "./nvidia-parse.ts";

export interface SmiOptions {
  /** The program: "nvidia-smi" from PATH, or a path. */
  readonly command: string;
  /** How long an answer, or the next line of a stream, may take. */
  readonly answerMs: number;
}

export type Answer =
  | { readonly ok: true; readonly text: string }
  /** `missing`: there is no such program. `reason` is one line. */
  | { readonly ok: false; readonly missing: boolean; readonly reason: string };

export interface Smi {
  /** Never rejects. */
  ask(args: readonly string[]): Promise<Answer>;
  /** Starts a stream; each whole line goes to `onLine`, and the end, for whatever cause, once to `onEnd`. */
  stream(args: readonly string[], onLine: (line: string) => void, onEnd: (reason: string) => void): SmiStream;
  /** Kills what runs. */
  close(): void;
}

export interface SmiStream {
  stop(): void;
}

/** Unanswered questions at a time. More would only pile up behind a driver that hangs. */
const STUCK_MAX = 4;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

export function createSmi({ command, answerMs }: SmiOptions): Smi {
  const running = new Set<{ kill(): void }>();

  const begin = (args: readonly string[], keepOutput: boolean) => {
    const child = execa(command, args, {
      reject: false,
      stdin: "ignore",
      buffer: { stdout: keepOutput, stderr: true },
      stripFinalNewline: false,
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { LC_ALL: "C" },
    });
    const entry = { kill: () => child.kill("SIGKILL") };
    running.add(entry);
    const ended = child.then((result) => {
      running.delete(entry);
      return result;
    });
    return { child, ended, kill: entry.kill };
  };

  return {
    async ask(args) {
      if (running.size > STUCK_MAX) return refusal(`${command} still hangs in an earlier call`);
      const { ended, kill } = begin(args, true);
      const timer = bounded(answerMs);
      const result = await Promise.race([ended, timer.passed]);
      timer.clear();
      if (result === undefined) {
        kill();
        return refusal(`${command} does not answer within ${answerMs / 1000} s`);
      }
      if (codeOf(result) === "ENOENT") return { ok: false, missing: true, reason: `${command} is not there` };
      if (result.exitCode === 0) return { ok: true, text: String(result.stdout) };
      return refusal(`${command} fails: ${failure(result)}`);
    },
    stream(args, onLine, onEnd) {
      const { child, ended, kill } = begin(args, false);
      let over = false;
      let rest = "";
      let lastLine = "";
      const finish = (reason: string) => {
        if (over) return;
        over = true;
        clearInterval(watch);
        kill();
        onEnd(reason);
      };
      let heardAt = performance.now();
      const watch = setInterval(() => {
        if (performance.now() - heardAt > answerMs) finish(`${command} does not answer within ${answerMs / 1000} s`);
      }, answerMs / 5);
      child.stdout.setEncoding("utf8").on("data", (piece: string) => {
        heardAt = performance.now();
        const taken = takeLines(rest, piece);
        rest = taken.rest.slice(0, OUTPUT_BYTES_MAX);
        for (const line of taken.lines) {
          lastLine = line.trim() || lastLine;
          if (!over) onLine(line);
        }
      });
      void ended.then((result) => {
        const said = codeOf(result) ?? firstLine(String(result.stderr ?? "")) ?? lastLine;
        finish(`${command} ended${result.exitCode === undefined ? "" : ` with code ${result.exitCode}`}: ${said}`);
      });
      return {
        stop: () => {
          over = true;
          clearInterval(watch);
          kill();
        },
      };
    },
    close() {
      for (const entry of running) entry.kill();
    },
  };
}

/** Node's code where the program could not be started at all. */
function codeOf(result: { readonly cause?: unknown }): string | undefined {
  return systemCode(result) ?? systemCode(result.cause);
}

function refusal(reason: string): Answer {
  return { ok: false, missing: false, reason };
}

/** nvidia-smi writes its errors to stdout. */
function failure(result: {
  stdout?: unknown;
  stderr?: unknown;
  exitCode?: number;
  signal?: string;
  cause?: unknown;
}): string {
  const said = firstLine(String(result.stdout ?? "")) ?? firstLine(String(result.stderr ?? ""));
  if (said !== undefined) return `${said} (exit code ${result.exitCode})`;
  if (result.cause !== undefined) return errorMessage(result.cause);
  return result.signal === undefined ? `exit code ${result.exitCode}` : `killed by ${result.signal}`;
}

function firstLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "")
    ?.slice(0, 200);
}

function bounded(ms: number): { passed: Promise<undefined>; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<undefined>((done) => {
    timer = setTimeout(() => done(undefined), ms);
  });
  return { passed, clear: () => clearTimeout(timer) };
}
