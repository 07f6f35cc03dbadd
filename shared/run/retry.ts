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
  /** What is changed before the next attempt; absent: nothing. */
  readonly remedies?: readonly Remedy[];
}

/** Parameters to change after a failure with this cause, by expressions over the parameters. */
export interface Remedy {
  readonly when: string;
  readonly set: { readonly [name: string]: string };
}

/** Every cause that the policy asks for. */
export function causesAsked({ on = [], never = [], remedies = [] }: RetryPolicy): string[] {
  return [...on, ...never, ...remedies.map(({ when }) => when)];
}
