/** What every channel is to those who deliver: something that takes entries of the outbox and says what became of each. */
import type { OutboxEntry } from "../store/outbox.ts";

export type Delivery =
  /** `isLast`: nothing more will be said of its subject. */
  | { readonly kind: "done"; readonly isLast?: true }
  /** A part of it: the rest can follow at once. */
  | { readonly kind: "more" }
  /** Not now. `afterMs`: when the receiver wants it again. */
  | { readonly kind: "later"; readonly error: string; readonly afterMs?: number }
  /** Never: trying again would change nothing. */
  | { readonly kind: "refused"; readonly error: string };

export interface Channel {
  /** As `kind:name`. */
  readonly name: string;
  /** Entries of one call. */
  readonly batchMax: number;
  /** Its entries say what they are about, and what there is to say is read when they are delivered: one stands for all. */
  readonly readsLate?: boolean;
  /** Its entries are never given up: they wait until the receiver is well again. */
  readonly isPatient?: boolean;
  /** One answer for each entry, in order. Gives up when `signal` is aborted. Rejects with CallError: none was delivered. */
  deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<readonly Delivery[]>;
  /** Tries the way to the receiver, and says in one line what was found. Rejects with CallError. */
  probe(signal: AbortSignal): Promise<string>;
  close?(): Promise<void>;
}

export const DONE: Delivery = { kind: "done" };
