/** Runs Python programs that use the client, as a run would: python3 from PATH, the client first on PYTHONPATH. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { type ClientEvent, parseClientLine } from "../../shared/run/client-event.ts";

const CLIENT = resolve(import.meta.dirname, "../../python");

export interface PythonEnd {
  /** Null when it was killed by its time limit. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Events in the file of the run, in order. */
  readonly events: readonly ClientEvent[];
  /** Lines of that file that are no events. */
  readonly broken: readonly string[];
}

export interface PythonOptions {
  readonly env?: { readonly [name: string]: string };
  /** Flags of python3 itself. */
  readonly flags?: readonly string[];
  /** Whether it is a run; true by default. */
  readonly isRun?: boolean;
}

/** Runs `code` with `folder` as its working directory and its events in `folder`/client.jsonl. */
export function runPython(folder: string, code: string, options: PythonOptions = {}): PythonEnd {
  const events = join(folder, "client.jsonl");
  const run = options.isRun === false ? {} : { EXP_RUN_ID: "run_1", EXP_EVENTS: events };
  const ended = spawnSync("python3", [...(options.flags ?? []), "-c", `import expfleet as exp\n${code}`], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1", ...run, ...options.env },
    timeout: 30_000,
  });
  const lines = existsSync(events) ? readFileSync(events, "utf8").split("\n") : [""];
  const parsed = lines.slice(0, -1).map((line) => ({ line, event: parseClientLine(line) }));
  return {
    status: ended.status,
    stdout: ended.stdout,
    stderr: ended.stderr,
    events: parsed.flatMap(({ event }) => event ?? []),
    broken: [...parsed.filter(({ event }) => !event).map(({ line }) => line), ...lines.slice(-1).filter(Boolean)],
  };
}

/** Runs a program that must end well, with every line of its events whole. */
export function runWell(folder: string, code: string, options?: PythonOptions): PythonEnd {
  const ended = runPython(folder, code, options);
  expect(ended).toMatchObject({ status: 0, broken: [] });
  return ended;
}

/** Metric events as plain objects: step, values, and the context where there is one. */
export function metricsOf(events: readonly ClientEvent[]): { readonly [key: string]: unknown }[] {
  return events.flatMap((event) => {
    if (event.kind !== "metric") return [];
    const context = event.context.size > 0 ? { context: Object.fromEntries(event.context) } : {};
    return [{ step: event.step, ...Object.fromEntries(event.values), ...context }];
  });
}

/** Bodies of the lines in which the client itself says what is missing. */
export function warningsOf(events: readonly ClientEvent[]): { readonly [key: string]: unknown }[] {
  return events.flatMap((event) => (event.kind === "other" && event.letter === "w" ? [event.body] : []));
}
