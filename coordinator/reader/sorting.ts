/** [P] Sorting by several columns. What has no value comes last, in either direction; equal rows keep their order. */
import type { Cell } from "../../shared/run/dashboard.ts";
import { RUN_STATES } from "../../shared/run/states.ts";

export interface SortColumn<Row> {
  /** Handles are sorted by name and number, states by the course of a run. */
  readonly column: string;
  readonly descending: boolean;
  readonly read: (row: Row) => Cell;
}

/** Numbers before texts. */
type Rank = number | string | undefined;

export function sortedBy<Row>(rows: readonly Row[], keys: readonly SortColumn<Row>[]): readonly Row[] {
  if (keys.length === 0) return rows;
  const naturalKey = createNaturalKey();
  const ranks = keys.map((key) => rows.map((row) => rankOf(key.column, key.read(row), naturalKey)));
  const compares = keys.map((key, i) => comparison(ranks[i] ?? [], key.descending));
  const order = Uint32Array.from(rows.keys());
  order.sort((a, b) => {
    for (const compare of compares) {
      const by = compare(a, b);
      if (by !== 0) return by;
    }
    return a - b;
  });
  return Array.from(order, (at) => rows[at] as Row);
}

function comparison(ranks: readonly Rank[], descending: boolean): (a: number, b: number) => number {
  const sign = descending ? -1 : 1;
  if (ranks.every((rank) => typeof rank !== "string")) {
    const numbers = Float64Array.from(ranks, (rank) => (rank as number | undefined) ?? Number.NaN);
    return (a, b) => compareNumbers(numbers[a] as number, numbers[b] as number, sign);
  }
  return (a, b) => compareRanks(ranks[a], ranks[b], sign);
}

/** NaN stands for no value. */
function compareNumbers(a: number, b: number, sign: number): number {
  if (a === b) return 0;
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b)) return -1;
  return a < b ? -sign : sign;
}

function compareRanks(a: Rank, b: Rank, sign: number): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  if (typeof a !== typeof b) return typeof a === "number" ? -sign : sign;
  return a < b ? -sign : sign;
}

function rankOf(column: string, cell: Cell, naturalKey: (ref: string) => string): Rank {
  if (cell === null) return undefined;
  if (typeof cell === "boolean") return Number(cell);
  if (typeof cell === "number") return cell;
  switch (column) {
    case "state":
      return (RUN_STATES as readonly string[]).indexOf(cell);
    case "ref":
    case "sweep":
    case "reused":
      return naturalKey(cell);
    default:
      return isNumberColumn(column) ? numberOf(cell) : cell;
  }
}

/** Of a metric, or a text that says what JSON has no number for. */
function isNumberColumn(column: string): boolean {
  return column.startsWith("metric:");
}

function numberOf(text: string): number | undefined {
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/**
 * "digits.2.10" behind "digits.2.9": numbers are filled up with zeros. Many handles begin alike, so the key of what comes before
 * the last dot is kept.
 */
function createNaturalKey(): (ref: string) => string {
  const known = new Map<string, string>();
  return (ref) => {
    const dot = ref.lastIndexOf(".") + 1;
    const start = ref.slice(0, dot);
    let key = known.get(start);
    if (key === undefined) {
      key = start.replace(/\d+/g, padded);
      known.set(start, key);
    }
    return key + ref.slice(dot).replace(/\d+/g, padded);
  };
}

function padded(digits: string): string {
  return digits.padStart(9, "0");
}
