/** The agent's journal as a model: what was written survives every crash; agent/journal.ts is held to the same by its tests. */
import type { AgentChange } from "../../agent/core/events.ts";
import type { AgentAttempt, AgentState } from "../../agent/core/state.ts";
import { unreachable } from "../../shared/kernel/assert.ts";
import type { Fence } from "../../shared/kernel/ids.ts";

export class SimJournal {
  readonly #agentId: string;
  readonly #attempts = new Map<Fence, AgentAttempt>();
  readonly #tombstones = new Set<Fence>();
  #incarnation = 0;
  #storeId = "";
  #term = 0;
  #draining = false;

  constructor(agentId: string) {
    this.#agentId = agentId;
  }

  open(bootId: string): { state: AgentState; incarnation: number } {
    this.#incarnation += 1;
    const state: AgentState = {
      agentId: this.#agentId,
      bootId,
      storeId: this.#storeId,
      term: this.#term,
      maxFenceSeen: Math.max(0, ...this.#attempts.keys(), ...this.#tombstones),
      draining: this.#draining,
      attempts: new Map(this.#attempts),
      tombstones: new Set(this.#tombstones),
      waiting: new Map(),
      leaving: false,
      session: undefined,
      heartbeatSeq: 0,
      heartbeatsSent: new Map(),
      exchangeSentMs: 0,
      devices: [],
    };
    return { state, incarnation: this.#incarnation };
  }

  write(changes: readonly AgentChange[]): void {
    for (const change of changes) this.#writeOne(change);
  }

  #writeOne(change: AgentChange): void {
    switch (change.kind) {
      case "attempt-saved":
        this.#attempts.set(change.fence, change.attempt);
        return;
      case "attempt-removed":
      case "refused":
        this.#attempts.delete(change.fence);
        this.#tombstones.add(change.fence);
        return;
      case "coordinator-known":
        this.#storeId = change.storeId;
        this.#term = change.term;
        return;
      case "draining":
        this.#draining = change.draining;
        return;
      case "lease-renewed":
      case "looked":
      case "waits":
        return;
      default:
        unreachable(change);
    }
  }
}
