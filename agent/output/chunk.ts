/** Where a byte stream is cut into messages. Pure: whole lines where it can be, any byte where it must be. */

const NEWLINE = 10;
/** Progress bars redraw a line with it and may never write a newline. */
const CARRIAGE_RETURN = 13;

/**
 * How many of `bytes` go out as the next message; 0 to wait for the rest of a line. `bytes` are all that is at hand, at
 * most `bytesMax`; `flush` sends a line that is not complete too. A line longer than `bytesMax` is cut where the message
 * is full.
 */
export function cutLength(bytes: Uint8Array, bytesMax: number, flush: boolean): number {
  const full = bytes.length >= bytesMax;
  if (flush && !full) return bytes.length;
  const wholeLines = Math.max(bytes.lastIndexOf(NEWLINE), bytes.lastIndexOf(CARRIAGE_RETURN)) + 1;
  if (wholeLines > 0) return wholeLines;
  return full ? Math.min(bytes.length, bytesMax) : 0;
}
