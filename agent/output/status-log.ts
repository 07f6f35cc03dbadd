/** The status stream of an attempt: one JSON line for each thing that happened to it, appended on the host. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileNameOf } from "./tail.ts";

/** What happened. */
export type StatusFact =
  | { readonly e: "started"; readonly pid: number; readonly devices?: readonly string[] }
  | { readonly e: "signal"; readonly signal: string; readonly reason: string }
  | { readonly e: "exited"; readonly outcome: string; readonly code?: number; readonly detail?: string }
  | { readonly e: "gap"; readonly stream: string; readonly from: number; readonly to: number };

/** `t` is Unix seconds, as in client.jsonl. */
export type StatusRecord = { readonly t: number } & StatusFact;

/** Appends one line to the status file of the attempt directory `dir`. Throws the system's error where it cannot. */
export function appendStatus(dir: string, record: StatusRecord): void {
  appendFileSync(join(dir, fileNameOf("status")), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}
