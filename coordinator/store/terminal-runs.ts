/** Terminal runs as a retry needs them: memory has only live ones. */
import type { RunId } from "../../shared/kernel/ids.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { TerminalRun } from "../core/events.ts";
import type { Database } from "./database.ts";
import { createSweepLoader, pointOf, runStateOf } from "./load-cluster.ts";

export function createTerminalRunLoader(db: Database): (id: RunId) => TerminalRun | undefined {
  const state = db.prepare("SELECT * FROM run_states WHERE run_id = ?");
  const run = db.prepare("SELECT sweep_id, idx, shape, fingerprint, reused_from FROM runs WHERE run_id = ?");
  const sweepOf = createSweepLoader(db);
  return (id) => {
    const stateRow = state.get(id);
    const runRow = run.get(id);
    if (!stateRow || !runRow) return undefined;
    const row = runStateOf(stateRow);
    if (!isTerminal(row.state)) return undefined;
    const sweep = sweepOf(row.sweepId);
    return (
      sweep && { row: { ...row, state: row.state }, sweep, point: pointOf(runRow), reused: runRow.reused_from !== null }
    );
  };
}
