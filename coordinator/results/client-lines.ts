/** Reads the client stream of an attempt, a portion at a time, so that a million points need no more memory than ten. */
import { closeSync, openSync, readSync } from "node:fs";
import { systemCode } from "../../shared/kernel/errors.ts";
import { type ClientEvent, parseClientLine } from "../../shared/run/client-event.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";

const PORTION_BYTES = 256 * 1024;
const NEWLINE = 10;

/**
 * Hands each event of the file to `visit`, in order. False where there is no such file. Complete lines only, as in the stored
 * summary of the metrics; a line that is too long or no event is passed over.
 */
export function visitClientEvents(path: string, visit: (event: ClientEvent) => void): boolean {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(PORTION_BYTES);
    // Bytes at the start of the buffer that belong to a line whose end is not read yet.
    let carried = 0;
    let passing = false;
    for (;;) {
      const count = readSync(file, buffer, carried, PORTION_BYTES - carried, null);
      if (count === 0) return true;
      const filled = carried + count;
      let start = 0;
      for (
        let end = buffer.indexOf(NEWLINE, carried);
        end !== -1 && end < filled;
        end = buffer.indexOf(NEWLINE, start)
      ) {
        if (!passing && end - start <= CLIENT_LINE_BYTES_MAX) {
          const event = parseClientLine(buffer.toString("utf8", start, end));
          if (event) visit(event);
        }
        passing = false;
        start = end + 1;
      }
      carried = filled - start;
      if (carried > CLIENT_LINE_BYTES_MAX) {
        passing = true;
        carried = 0;
      }
      buffer.copyWithin(0, start, start + carried);
    }
  } finally {
    closeSync(file);
  }
}
