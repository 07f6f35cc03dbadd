/**
 * Live runs by the work they are to do: derived, kept in step by `applyChange`. Runs that are held or wait for another are
 * not among them.
 */
import { assert, required } from "../../shared/kernel/assert.ts";
import type { RunId } from "../../shared/kernel/ids.ts";
import type { RunState } from "../../shared/run/states.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { Cluster, Run } from "./cluster.ts";

/** A run does its work by itself, now or when its turn comes. A held one does not: nobody knows for how long. */
export function isDoer(run: { readonly state: RunState; readonly waitsFor: RunId | undefined }): boolean {
  return run.waitsFor === undefined && run.state !== "held" && !isTerminal(run.state);
}

/** With an agent, or on its way there. */
export function isActive(state: RunState): boolean {
  return state === "assigned" || state === "running" || state === "unknown";
}

export function addToWork(cluster: Cluster, run: Run): void {
  const { waitsFor } = run;
  if (isActive(run.state)) cluster.workRevision += 1;
  if (waitsFor !== undefined) {
    const waiting = cluster.waiters.get(waitsFor);
    if (waiting) waiting.add(run.id);
    else cluster.waiters.set(waitsFor, new Set([run.id]));
  } else if (isDoer(run)) {
    const others = cluster.doers.get(run.fingerprint);
    cluster.doers.set(run.fingerprint, others === undefined ? run.id : [...asList(others), run.id]);
  }
}

export function removeFromWork(cluster: Cluster, run: Run): void {
  const { waitsFor } = run;
  if (isActive(run.state)) cluster.workRevision += 1;
  if (waitsFor !== undefined) {
    const waiting = required(cluster.waiters.get(waitsFor), "those that wait for a run");
    assert(waiting.delete(run.id), `${run.id} waits for ${waitsFor}`);
    if (waiting.size === 0) cluster.waiters.delete(waitsFor);
  } else if (isDoer(run)) {
    const rest = doersOf(cluster, run.fingerprint).filter((id) => id !== run.id);
    const [first] = rest;
    if (first === undefined) cluster.doers.delete(run.fingerprint);
    else cluster.doers.set(run.fingerprint, rest.length === 1 ? first : rest);
  }
}

/** Live runs that are to do the work of a fingerprint. */
export function doersOf(cluster: Cluster, fingerprint: string): readonly RunId[] {
  const doers = cluster.doers.get(fingerprint);
  return doers === undefined ? [] : asList(doers);
}

function asList(doers: RunId | readonly RunId[]): readonly RunId[] {
  return typeof doers === "string" ? [doers] : doers;
}
