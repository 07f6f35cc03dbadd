/**
 * What becomes of a byte range that arrives, whatever was lost, doubled or swapped on its way. Pure. The stored bytes are
 * always the first `committed` bytes of the stream, so a range is new from there on, was here before, or lies beyond a hole.
 */

export type Verdict =
  /** Write the range without its first `skip` bytes. */
  | { readonly kind: "write"; readonly skip: number }
  /** All of it is stored already. */
  | { readonly kind: "repeat" }
  /** Bytes before it are missing: it is not written, and the sender starts again from the committed offset. */
  | { readonly kind: "hole" };

const REPEAT: Verdict = { kind: "repeat" };
const HOLE: Verdict = { kind: "hole" };

export function judgeRange(committed: number, offset: number, length: number): Verdict {
  if (offset > committed) return HOLE;
  if (offset + length <= committed) return REPEAT;
  return { kind: "write", skip: committed - offset };
}
