/** What happens after an attempt that did not succeed, as a sweep file says it. */

export interface RetryPolicy {
  /** Further attempts after a failure of the program itself. */
  readonly max: number;
  /** Causes (causes.ts) that are worth another attempt; absent: every failure. */
  readonly on?: readonly string[];
  /** Causes after which there is none; they win over `on`. */
  readonly never?: readonly string[];
  /** Between attempts, growing from one to the other; absent: the coordinator's own. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
  /** The next attempt goes to another node, as long as one could take it. */
  readonly avoidNode?: boolean;
  /** The next attempt is told where the last one left its checkpoints. */
  readonly resume?: boolean;
}
