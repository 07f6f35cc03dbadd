/**
 * One part of a local stack as a process of its own, in a process group of its own: a Ctrl-C of the terminal does not
 * reach it. Once kept, it is started again whenever it dies.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Clock } from "../../shared/kernel/clock.ts";
import { formatDuration } from "../../shared/kernel/duration.ts";
import type { Environment } from "../config.ts";
import type { PartName } from "./files.ts";

export interface PartSpec {
  readonly name: PartName;
  readonly command: string;
  readonly args: readonly string[];
  /** Gets stdout and stderr, appended. */
  readonly logFile: string;
  readonly env: Environment;
  readonly cwd: string;
}

export interface PartDeath {
  /** Null where a signal ended it, or it never ran. */
  readonly code: number | null;
  /** "exited with code 2" */
  readonly text: string;
}

export interface PartEvents {
  /** It runs, for the first time or again. */
  readonly onStart: (name: PartName, pid: number) => void;
  /** One line about a death or a restart. */
  readonly onNote: (line: string) => void;
}

const RESTART_BASE_MS = 250;
const RESTART_MAX_MS = 10_000;
const HEALTHY_AFTER_MS = 30_000;

/** [P] Wait before the restart after `failures` deaths in a row, from 1. */
export function restartDelayMs(failures: number): number {
  return Math.min(RESTART_MAX_MS, RESTART_BASE_MS * 2 ** Math.min(failures - 1, 16));
}

export class Part {
  readonly name: PartName;
  readonly #spec: PartSpec;
  readonly #events: PartEvents;
  readonly #clock: Clock;
  #child: ChildProcess | undefined;
  #pid = 0;
  #startedMs = 0;
  #failures = 0;
  #isKept = false;
  #timer: NodeJS.Timeout | undefined;
  #death: PartDeath | undefined;

  constructor(spec: PartSpec, events: PartEvents, clock: Clock) {
    this.name = spec.name;
    this.#spec = spec;
    this.#events = events;
    this.#clock = clock;
  }

  /** Of the process that runs, or of the last one while it is away. */
  get pid(): number {
    return this.#pid;
  }

  /** How it ended, where it is not kept and has. */
  get death(): PartDeath | undefined {
    return this.#death;
  }

  get logFile(): string {
    return this.#spec.logFile;
  }

  /** Throws nothing: a program that cannot be started is one that has died. */
  start(): void {
    const { command, args, logFile, env, cwd, name } = this.#spec;
    const log = openSync(logFile, "a", 0o600);
    try {
      const child = spawn(command, args, { cwd, env: { ...env }, detached: true, stdio: ["ignore", log, log] });
      this.#child = child;
      this.#startedMs = this.#clock.monotonicMs();
      child.once("error", (error) =>
        this.#died(child, { code: null, text: `could not be started (${error.message})` }),
      );
      child.once("exit", (code, signal) =>
        this.#died(child, { code, text: signal ? `was ended by ${signal}` : `exited with code ${code}` }),
      );
      if (child.pid !== undefined) {
        this.#pid = child.pid;
        this.#events.onStart(name, child.pid);
      }
    } finally {
      closeSync(log);
    }
  }

  /** From now on it is started again when it dies; at once if it has died meanwhile. */
  keep(): void {
    this.#isKept = true;
    if (this.#death !== undefined) this.#startAgain(this.#death);
  }

  /** From now on nobody starts it again, and it does not hold this program. */
  letGo(): void {
    this.#isKept = false;
    clearTimeout(this.#timer);
    this.#child?.unref();
  }

  #died(child: ChildProcess, death: PartDeath): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#death = death;
    if (this.#isKept) this.#startAgain(death);
  }

  #startAgain(death: PartDeath): void {
    const livedMs = this.#clock.monotonicMs() - this.#startedMs;
    this.#failures = livedMs >= HEALTHY_AFTER_MS ? 1 : this.#failures + 1;
    const waitMs = restartDelayMs(this.#failures);
    this.#events.onNote(
      `${this.name} ${death.text}; it starts again in ${formatDuration(waitMs)} (log: ${this.#spec.logFile})`,
    );
    this.#timer = setTimeout(() => {
      this.#death = undefined;
      this.start();
    }, waitMs);
  }
}
