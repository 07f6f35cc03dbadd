/** Runs Python programs that use the client, as a run would: python3 from PATH, the client first on PYTHONPATH. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { type ClientEvent, parseClientLine } from "../../shared/run/client-event.ts";

export const CLIENT = resolve(import.meta.dirname, "../../python");
/** What a run has on PYTHONPATH. */
export const CLIENT_PATH = `${CLIENT}:${CLIENT}/stand-ins`;

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
  /** python3 from PATH by default. */
  readonly python?: string;
  /** Whether `expfleet` is imported as `exp` before the code; true by default. */
  readonly imports?: boolean;
  /** Of the whole program; 30 s by default. */
  readonly boundMs?: number;
}

/** Runs `code` with `folder` as its working directory and its events in `folder`/client.jsonl. */
export function runPython(folder: string, code: string, options: PythonOptions = {}): PythonEnd {
  const events = join(folder, "client.jsonl");
  const run = options.isRun === false ? {} : { EXP_RUN_ID: "run_1", EXP_EVENTS: events };
  const text = options.imports === false ? code : `import expfleet as exp\n${code}`;
  const ended = spawnSync(options.python ?? defaultPython(), [...(options.flags ?? []), "-c", text], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, PYTHONPATH: CLIENT_PATH, PYTHONDONTWRITEBYTECODE: "1", ...run, ...options.env },
    timeout: options.boundMs ?? 30_000,
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

let known: string | undefined;

/** python3 from PATH, asked for once: what a version manager puts there is slow to start. */
export function defaultPython(): string {
  known ??= execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
  return known;
}

/** One Python of each version from 3.8 on that this machine has: that of PATH, the system's, pyenv's. */
export function pythonsAtHand(): readonly { readonly version: string; readonly python: string }[] {
  const system = readdirSync("/usr/bin").filter((name) => /^python3\.\d+$/.test(name));
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const managed = existsSync(pyenv) ? readdirSync(pyenv) : [];
  const found = new Map<string, string>();
  for (const python of [
    defaultPython(),
    ...system.map((name) => join("/usr/bin", name)),
    ...managed.map((name) => join(pyenv, name, "bin/python3")),
  ]) {
    const ask = "import sys; print('%d.%d' % sys.version_info[:2] if sys.version_info >= (3, 8) else '')";
    const { stdout, status } = spawnSync(python, ["-c", ask], { encoding: "utf8", timeout: 10_000 });
    const version = stdout?.trim() ?? "";
    if (status === 0 && version !== "" && !found.has(version)) found.set(version, python);
  }
  return Array.from(found, ([version, python]) => ({ version, python }));
}
