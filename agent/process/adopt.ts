/**
 * What became of an attempt, read from its directory and from /proc alone: for a restarted agent that finds it in its
 * journal. Asking is final where it must be: "not_started" is answered only when the attempt can never start any more.
 */

import { systemCode } from "../../shared/kernel/errors.ts";
import { attemptMarker, attemptPaths, readIfPresent } from "./attempt-dir.ts";
import { isAlive, processesOfFence } from "./proc.ts";
import { claimAttempt, readShimLog } from "./shim.ts";

export type AttemptFinding =
  /** The command has not run, and never will: the claim is taken. */
  | { readonly state: "not_started" }
  /** A shim is about to start: ask again. */
  | { readonly state: "claimed" }
  | { readonly state: "running"; readonly pid: number; readonly startTime: number }
  | { readonly state: "exited"; readonly code: number; readonly uptimeSeconds: number }
  /** It started, and its shim is gone without a record. Other processes of it may still live. */
  | { readonly state: "dead" }
  /** The machine was started again meanwhile; nothing of it lives. */
  | { readonly state: "rebooted" };

export interface Boots {
  /** Of this start of the machine. */
  readonly bootId: string;
  /** Noted when the attempt was accepted. */
  readonly journalBootId: string;
}

/** See `AttemptFinding`. Throws where the directory cannot be read or written for another reason than its absence. */
export function inspectAttempt(dir: string, { bootId, journalBootId }: Boots): AttemptFinding {
  const first = fromLog(dir);
  if (first?.state === "exited") return first;
  // After a power cut the claim may be missing although the command ran, so it is not asked then.
  if (bootId !== journalBootId) return { state: "rebooted" };
  if (first) return first;
  if (takeClaim(dir)) return { state: "not_started" };
  // A shim has the claim. It carries the marker from its first moment, so without such a process it is gone; the log is
  // read once more after that look, since it may have written its line in between.
  const shimLives = processesOfFence(attemptMarker(dir)).length > 0;
  return fromLog(dir) ?? { state: shimLives ? "claimed" : "not_started" };
}

/** True when the warden stopped the attempt because its lease had passed: whatever the exit line says, it is lost. */
export function leaseExpired(dir: string): boolean {
  return readIfPresent(attemptPaths(dir).expired) !== undefined;
}

/** Undefined where the shim has not recorded its start. */
function fromLog(dir: string): AttemptFinding | undefined {
  const log = readShimLog(dir);
  if (log.exit) return { state: "exited", ...log.exit };
  if (!log.started) return undefined;
  if (isAlive(log.started.pid, log.started.startTime)) return { state: "running", ...log.started };
  // It may have ended between the two reads.
  const { exit } = readShimLog(dir);
  return exit ? { state: "exited", ...exit } : { state: "dead" };
}

function takeClaim(dir: string): boolean {
  try {
    return claimAttempt(dir);
  } catch (error) {
    // Without the directory a shim cannot claim either.
    if (systemCode(error) === "ENOENT") return true;
    throw error;
  }
}
