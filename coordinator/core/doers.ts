/**
 * Live runs by the work they are to do: derived, kept in step by `applyChange`. Runs that are held or wait for another are
 * not among them.
 */
import { assert, required } from "../../shared/kernel/assert.ts";
import type { RunId } from "../../shared/kernel/ids.ts";
import type { RunState } from "../../shared/run/states.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { Cluster, Run } from "./cluster.ts";
import { LAYER_ENTRIES_MIN } from "./layered-map.ts";

/** A run does its work by itself, now or when its turn comes. A held one does not: nobody knows for how long. */
export function isDoer(run: { readonly state: RunState; readonly waitsFor: RunId | undefined }): boolean {
  return run.waitsFor === undefined && run.state !== "held" && !isTerminal(run.state);
}

/** With an agent, or on its way there. */
export function isActive(state: RunState): boolean {
  return state === "assigned" || state === "running" || state === "unknown";
}

/** By fingerprint; mostly one run. */
export type WorkMap = Map<string, RunId | readonly RunId[]>;

export function addDoer(work: WorkMap, fingerprint: string, id: RunId): void {
  const others = work.get(fingerprint);
  work.set(fingerprint, others === undefined ? id : [...asList(others), id]);
}

/** False where it was not there. */
export function removeDoer(work: WorkMap, fingerprint: string, id: RunId): boolean {
  const known = work.get(fingerprint);
  if (known === undefined) return false;
  const rest = asList(known).filter((other) => other !== id);
  const [first] = rest;
  if (first === undefined) work.delete(fingerprint);
  else work.set(fingerprint, rest.length === 1 ? first : rest);
  return rest.length < asList(known).length;
}

/** A layered map of which several layers may know one fingerprint: each large sweep brings a layer of its own. */
export class Doers {
  readonly #base: WorkMap = new Map();
  readonly #layers: WorkMap[] = [this.#base];
  readonly #layerMin: number;

  constructor(layerMin = LAYER_ENTRIES_MIN) {
    this.#layerMin = layerMin;
  }

  /** Fingerprints with somebody to do them. One that several layers know counts as often. */
  get size(): number {
    return this.#layers.reduce((size, layer) => size + layer.size, 0);
  }

  has(fingerprint: string): boolean {
    for (const layer of this.#layers) if (layer.has(fingerprint)) return true;
    return false;
  }

  of(fingerprint: string): readonly RunId[] {
    let found: readonly RunId[] = [];
    for (const layer of this.#layers) {
      const ids = layer.get(fingerprint);
      if (ids !== undefined) found = found.length === 0 ? asList(ids) : [...found, ...asList(ids)];
    }
    return found;
  }

  add(fingerprint: string, id: RunId): void {
    addDoer(this.#base, fingerprint, id);
  }

  /** False where it was not there. */
  remove(fingerprint: string, id: RunId): boolean {
    const layer = this.#layers.find((each) => removeDoer(each, fingerprint, id));
    if (!layer) return false;
    if (layer !== this.#base && layer.size < this.#layerMin / 2) this.#dissolve(layer);
    return true;
  }

  /** Takes `work` in, which becomes its own. */
  adopt(work: WorkMap): void {
    this.#layers.push(work);
    if (work.size < this.#layerMin) this.#dissolve(work);
  }

  /** Each fingerprint once. */
  *[Symbol.iterator](): Generator<[string, readonly RunId[]]> {
    for (const [i, layer] of this.#layers.entries()) {
      for (const fingerprint of layer.keys()) {
        if (!this.#layers.slice(0, i).some((earlier) => earlier.has(fingerprint))) {
          yield [fingerprint, this.of(fingerprint)];
        }
      }
    }
  }

  #dissolve(layer: WorkMap): void {
    this.#layers.splice(this.#layers.indexOf(layer), 1);
    for (const [fingerprint, ids] of layer) for (const id of asList(ids)) this.add(fingerprint, id);
  }
}

export function addToWork(cluster: Cluster, run: Run): void {
  const { waitsFor } = run;
  if (isActive(run.state)) cluster.workLog.note(run.fingerprint);
  if (waitsFor !== undefined) {
    const waiting = cluster.waiters.get(waitsFor);
    if (waiting) waiting.add(run.id);
    else cluster.waiters.set(waitsFor, new Set([run.id]));
  } else if (isDoer(run)) {
    cluster.doers.add(run.fingerprint, run.id);
  }
}

export function removeFromWork(cluster: Cluster, run: Run): void {
  const { waitsFor } = run;
  if (isActive(run.state)) cluster.workLog.note(run.fingerprint);
  if (waitsFor !== undefined) {
    const waiting = required(cluster.waiters.get(waitsFor), "those that wait for a run");
    assert(waiting.delete(run.id), `${run.id} waits for ${waitsFor}`);
    if (waiting.size === 0) cluster.waiters.delete(waitsFor);
  } else if (isDoer(run)) {
    assert(cluster.doers.remove(run.fingerprint, run.id), `${run.id} is to do its work`);
  }
}

/** Live runs that are to do the work of a fingerprint. */
export function doersOf(cluster: Cluster, fingerprint: string): readonly RunId[] {
  return cluster.doers.of(fingerprint);
}

function asList(doers: RunId | readonly RunId[]): readonly RunId[] {
  return typeof doers === "string" ? [doers] : doers;
}
