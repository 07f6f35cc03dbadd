/**
 * Picks up the tables that the EXP package writes into the directory of its run, `metrics/run_<n>.csv`: each new row becomes a
 * line of the client stream, while the program runs. EXP writes the whole file anew for each row, so a look may find a part
 * of it; rows count once they are complete, and a row is never taken twice, also not by an agent that was started again.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../shared/kernel/clock.ts";
import { errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { CLIENT_LINE_BYTES_MAX } from "../../shared/run/limits.ts";
import { parseCsv } from "./csv-rows.ts";
import type { OutputPlane } from "./output-plane.ts";
import { fileNameOf } from "./tail.ts";

const LOOK_EVERY_MS = 1000;
/** A look that took so long is made so many times less often: reading must cost little, however large the table. */
const REST_FACTOR = 20;
const MARK = '{"e":"r","src":"exp-csv","n":';
const PORTION_BYTES = 1024 * 1024;

interface Table {
  readonly dir: string;
  /** Rows taken; undefined before the first look. */
  taken: number | undefined;
  /** The file they were taken from; "" before the first. */
  path: string;
  /** What it was like at the last look: nothing has happened while it stays so. */
  seen: string;
  /** The last line of ours may lack its end. */
  torn: boolean;
  nextLookMs: number;
}

/** The output plane, with rows of EXP's tables in the client streams of the attempts that it watches. */
export function withExpTables(
  plane: OutputPlane,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): OutputPlane {
  const tables = new Map<Fence, Table>();
  const timer = setInterval(lookAtAll, LOOK_EVERY_MS);
  timer.unref();

  function lookAtAll(): void {
    const now = clock.monotonicMs();
    for (const [fence, table] of tables) if (now >= table.nextLookMs) look(fence, table);
  }

  function look(fence: Fence, table: Table): void {
    const startMs = clock.monotonicMs();
    try {
      if (takeRows(table, clock.wallMs())) plane.nudge(fence);
    } catch (error) {
      logger.warn({ fence, error: errorMessage(error) }, "rows of a metrics table not picked up; trying on");
    }
    const endMs = clock.monotonicMs();
    table.nextLookMs = endMs + (endMs - startMs) * REST_FACTOR;
  }

  return {
    ...plane,
    watch: (fence, dir, from) => {
      if (!tables.has(fence))
        tables.set(fence, { dir, taken: undefined, path: "", seen: "", torn: false, nextLookMs: 0 });
      plane.watch(fence, dir, from);
    },
    end: (fence) => {
      const table = tables.get(fence);
      if (table) look(fence, table);
      tables.delete(fence);
      return plane.end(fence);
    },
    forget: (fence) => {
      tables.delete(fence);
      plane.forget(fence);
    },
    close: () => {
      clearInterval(timer);
      return plane.close();
    },
  };
}

/** True when rows were appended to the client stream. Throws the system's error. */
function takeRows(table: Table, wallMs: number): boolean {
  const path = newestTable(join(table.dir, "metrics"));
  const status = path && statSync(path, { throwIfNoEntry: false });
  if (!status) return false;
  const seen = `${path} ${status.size} ${status.mtimeMs}`;
  if (seen === table.seen) return false;
  if (table.path !== "" && table.path !== path) table.taken = 0;
  table.path = path;
  table.taken ??= rowsTakenBefore(join(table.dir, fileNameOf("client")));
  const [header, ...rows] = parseCsv(readFileSync(path, "utf8")).rows;
  // Fewer than before: it is being written anew.
  if (header && rows.length > table.taken) {
    const lines = rows.slice(table.taken).map((row, i) => lineOf(header, row, (table.taken ?? 0) + i + 1, wallMs));
    append(table, lines);
    table.seen = seen;
    return true;
  }
  if (rows.length === table.taken) table.seen = seen;
  return false;
}

/** The table of the last of EXP's runs in this directory; one attempt has one, unless the program starts another. */
function newestTable(folder: string): string | undefined {
  // The usual case, of which an error would cost more than the rest of the look.
  if (!existsSync(folder)) return undefined;
  try {
    const name = readdirSync(folder)
      .filter((each) => /^run_\d+\.csv$/.test(each))
      .sort()
      .at(-1);
    return name && join(folder, name);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function lineOf(header: readonly string[], row: readonly string[], number: number, wallMs: number): string {
  const cells = Object.fromEntries(header.map((name, i) => [name, row[i] ?? ""]));
  const line = (said: typeof cells) => `${MARK}${number},"t":${wallMs / 1000},"v":${JSON.stringify(said)}}\n`;
  const whole = line(cells);
  if (Buffer.byteLength(whole) <= CLIENT_LINE_BYTES_MAX) return whole;
  return line(Object.fromEntries(header.map((name, i) => [name, (row[i] ?? "").slice(0, 256)])));
}

/** One write a line, as the program's own lines: neither cuts the other. What did not fit is taken again at the next look. */
function append(table: Table, lines: readonly string[]): void {
  const file = openSync(join(table.dir, fileNameOf("client")), "a", 0o600);
  try {
    for (const line of lines) {
      const bytes = Buffer.from(table.torn ? `\n${line}` : line);
      table.torn = writeSync(file, bytes) < bytes.length;
      if (table.torn) throw new Error("the disk is full");
      table.taken = (table.taken ?? 0) + 1;
    }
  } finally {
    closeSync(file);
  }
}

/** The number in the last line of ours in the client stream, looked for from its end; 0 without one. */
function rowsTakenBefore(path: string): number {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return 0;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(PORTION_BYTES + 64);
    let end = statSync(path).size;
    while (end > 0) {
      const start = Math.max(0, end - PORTION_BYTES);
      // A little beyond the portion, so that no mark lies across its end.
      const count = readSync(file, buffer, 0, end - start + 64, start);
      const mark = buffer.lastIndexOf(MARK, count - 1);
      if (mark !== -1 && mark < count) {
        const digits = /^\d+(?=,)/.exec(buffer.toString("latin1", mark + MARK.length, Math.min(count, mark + 64)));
        if (digits) return Number(digits[0]);
      }
      end = start;
    }
    return 0;
  } finally {
    closeSync(file);
  }
}
