/** Runs of a sweep as columns in memory, for pictures that need all of them at once. */
import type { Cell, RunTable } from "../../../shared/run/dashboard.ts";
import type { RunState } from "../../../shared/run/states.ts";
import { get } from "../api.ts";
import { joinKeys } from "../keys.ts";

export interface Frame {
  /** Runs of the whole sweep; `refs` may be fewer. */
  readonly total: number;
  readonly refs: readonly string[];
  readonly states: readonly RunState[];
  /** Values by key, one for each of `refs`. */
  readonly cells: ReadonlyMap<string, readonly Cell[]>;
}

/** Of a larger sweep the first so many are drawn: a picture of more lines shows no more. */
export const FRAME_RUNS_MAX = 5_000;
const PAGE = 1_000;

export async function readFrame(sweep: string, keys: readonly string[], signal: AbortSignal): Promise<Frame> {
  const refs: string[] = [];
  const states: RunState[] = [];
  const cells = new Map<string, Cell[]>(keys.map((key) => [key, []]));
  const query = new URLSearchParams({ sweep, columns: joinKeys(keys), limit: String(PAGE) }).toString();
  let total = 0;
  do {
    const page = await get<RunTable>(`/tables/runs?${query}&offset=${refs.length}`, signal);
    total = page.total;
    refs.push(...page.refs);
    states.push(...page.states);
    for (const [i, { key }] of page.columns.entries()) cells.get(key)?.push(...(page.cells[i] ?? []));
    if (page.refs.length === 0) break;
  } while (refs.length < Math.min(total, FRAME_RUNS_MAX));
  return { total, refs, states, cells };
}

export function columnOf(frame: Frame, key: string): readonly Cell[] {
  return frame.cells.get(key) ?? [];
}
