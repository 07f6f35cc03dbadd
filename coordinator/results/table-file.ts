/**
 * The CSV of one attempt. Its columns are the union of all rows, so they are known only at the end; but nearly always the first
 * rows have them all. Those are kept back, and the rest is written as it comes; a table that turns out to have more columns is
 * written again from a second reading.
 */
import { METRIC_KEYS_MAX } from "../../shared/run/limits.ts";
import { csvLine, sortColumns } from "./exp-layout.ts";
import { WholeFile } from "./whole-file.ts";

/** A table has fewer cells than this: many rows of many different names would otherwise fill the disk with commas. */
const TABLE_CELLS_MAX = 20_000_000;
const ROWS_KEPT_BACK = 2_000;

export type Row = ReadonlyMap<string, string>;

export type TableEnd = "written" | "empty" | "outgrown" | "too-large";

export class TableFile {
  readonly #file: WholeFile;
  readonly #names: Set<string>;
  #columns: readonly string[] | undefined;
  #keptBack: Row[] = [];
  #rows = 0;
  #isWriting = true;

  /** `columns`: those of an earlier reading of the same rows. */
  constructor(path: string, columns: ReadonlySet<string> = new Set()) {
    this.#file = new WholeFile(path);
    this.#names = new Set(columns);
    if (columns.size > 0) this.#start();
  }

  /** Every name seen so far, at most METRIC_KEYS_MAX; cells of further ones are left out. */
  get columns(): ReadonlySet<string> {
    return this.#names;
  }

  add(row: Row): void {
    this.#rows += 1;
    const known = this.#names.size;
    for (const name of row.keys()) if (this.#names.size < METRIC_KEYS_MAX) this.#names.add(name);
    if (!this.#isWriting) return;
    const hasOutgrown = this.#columns !== undefined && this.#names.size > known;
    if (hasOutgrown || this.#isTooLarge()) {
      this.#isWriting = false;
      this.#keptBack = [];
      this.#file.discard();
    } else if (this.#columns === undefined) {
      this.#keptBack.push(row);
      if (this.#keptBack.length >= ROWS_KEPT_BACK) this.#start();
    } else {
      this.#write(this.#columns, row);
    }
  }

  /** Puts the table in its place, or says why not: with "outgrown" it is to be read again with `columns`. */
  end(): TableEnd {
    if (this.#isTooLarge()) return "too-large";
    if (!this.#isWriting) return "outgrown";
    if (this.#names.size === 0) return "empty";
    if (this.#columns === undefined) this.#start();
    this.#file.commit();
    return "written";
  }

  discard(): void {
    this.#file.discard();
  }

  #isTooLarge(): boolean {
    return this.#rows * this.#names.size >= TABLE_CELLS_MAX;
  }

  #start(): void {
    this.#columns = sortColumns(this.#names);
    this.#file.write(csvLine(this.#columns));
    for (const row of this.#keptBack) this.#write(this.#columns, row);
    this.#keptBack = [];
  }

  #write(columns: readonly string[], row: Row): void {
    this.#file.write(csvLine(columns.map((column) => row.get(column) ?? "")));
  }
}
