/** What every channel is to those who deliver: something that takes entries of the outbox and says what became of each. */
import type { OutboxEntry } from "../store/outbox.ts";

export type Delivery =
  | { readonly kind: "done" }
  /** Not now. `afterMs`: when the receiver wants it again. */
  | { readonly kind: "later"; readonly error: string; readonly afterMs?: number }
  /** Never: trying again would change nothing. */
  | { readonly kind: "refused"; readonly error: string };

export interface Channel {
  /** As `kind:name`. */
  readonly name: string;
  /** Entries of one call. */
  readonly batchMax: number;
  /** One answer for each entry, in order. Gives up when `signal` is aborted. Rejects with CallError: none was delivered. */
  deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<readonly Delivery[]>;
}

export const DONE: Delivery = { kind: "done" };
