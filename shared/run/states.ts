/** States of a run and outcomes of an attempt, as data. */

export const LIVE_STATES = ["queued", "held", "assigned", "running", "unknown"] as const;
export const TERMINAL_STATES = ["succeeded", "failed", "cancelled", "skipped"] as const;
export const RUN_STATES = [...LIVE_STATES, ...TERMINAL_STATES] as const;

export type LiveState = (typeof LIVE_STATES)[number];
export type TerminalState = (typeof TERMINAL_STATES)[number];
export type RunState = LiveState | TerminalState;

const TERMINAL: ReadonlySet<string> = new Set(TERMINAL_STATES);

export function isTerminal(state: RunState): state is TerminalState {
  return TERMINAL.has(state);
}

/** How an attempt ended. `reason` is a short stable word; see the lists below. */
export type Outcome =
  | { readonly kind: "succeeded" }
  /** `stage`: it ended before the command itself. */
  | { readonly kind: "failed"; readonly exitCode: number; readonly stage?: FailedStage }
  | { readonly kind: "signalled"; readonly signal: number }
  | { readonly kind: "oom" }
  | { readonly kind: "timeout" }
  /** Stopped: neither output nor a metric for longer than its limit. */
  | { readonly kind: "idle" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "skipped" }
  | { readonly kind: "lost"; readonly reason: LostReason }
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "superseded" };

/** What comes before the command and can fail: its container, its setup text, its Python, the file that it reads. */
export const FAILED_STAGES = ["image", "setup", "python", "stdin"] as const;
export type FailedStage = (typeof FAILED_STAGES)[number];

/** Why an attempt's end is not known from its own record. */
export type LostReason = "lease" | "reboot" | "shim_died" | "start_failed" | "stopped" | "node_lost";

/** Exit code by which a program says that its configuration is not worth running (Automake's convention). */
const EXIT_SKIPPED = 77;

/** Outcome of a command that ended by itself. Shells report a signal n as exit code 128 + n. */
export function outcomeOfExit(code: number): Outcome {
  if (code === 0) return { kind: "succeeded" };
  if (code === EXIT_SKIPPED) return { kind: "skipped" };
  if (code > 128 && code <= 128 + 64) return { kind: "signalled", signal: code - 128 };
  return { kind: "failed", exitCode: code };
}

/** Exit code to show for an outcome, where it has one. */
export function exitCodeOf(outcome: Outcome): number | undefined {
  switch (outcome.kind) {
    case "succeeded":
      return 0;
    case "failed":
      return outcome.exitCode;
    case "skipped":
      return EXIT_SKIPPED;
    case "signalled":
      return 128 + outcome.signal;
    default:
      return undefined;
  }
}

/** One line for people: "exit code 3", "killed by signal 9", "lost: host rebooted". */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "failed":
      return describeFailure(outcome.exitCode, outcome.stage);
    case "signalled":
      return `killed by signal ${outcome.signal}`;
    case "oom":
      return "killed: out of memory";
    case "timeout":
      return "stopped at its time limit";
    case "idle":
      return "stopped: no output and no metric for as long as its idle limit";
    case "lost":
      return `lost: ${LOST_TEXT[outcome.reason]}`;
    case "rejected":
      return `refused by the host: ${outcome.reason}`;
    default:
      return outcome.kind;
  }
}

function describeFailure(code: number, stage: FailedStage | undefined): string {
  switch (stage) {
    case undefined:
      return `exit code ${code}`;
    case "image":
      return `its container did not start (exit ${code})`;
    case "setup":
      return `setup failed (exit ${code})`;
    case "python":
      return "its Python is not on the host";
    case "stdin":
      return "the file that it reads cannot be opened";
  }
}

const LOST_TEXT: Record<LostReason, string> = {
  lease: "its host was silent for longer than the lease",
  reboot: "the host rebooted",
  shim_died: "the process that watched over it was killed",
  start_failed: "it could not be started",
  stopped: "the host was stopped",
  node_lost: "the host no longer knows it",
};
