/** Terminal runs as a retry needs them: memory has only live ones. */
import type { RunId } from "../../shared/kernel/ids.ts";
import { isTerminal } from "../../shared/run/states.ts";
import type { TerminalRun } from "../core/events.ts";
import type { Database } from "./database.ts";
import { runStateOf, sweepOf } from "./load-cluster.ts";

export function createTerminalRunLoader(db: Database): (id: RunId) => TerminalRun | undefined {
  const state = db.prepare("SELECT * FROM run_states WHERE run_id = ?");
  const run = db.prepare("SELECT sweep_id, idx, fingerprint, reused_from FROM runs WHERE run_id = ?");
  const sweep = db.prepare("SELECT * FROM sweeps WHERE sweep_id = ?");
  return (id) => {
    const stateRow = state.get(id);
    const runRow = run.get(id);
    if (!stateRow || !runRow) return undefined;
    const row = runStateOf(stateRow);
    if (!isTerminal(row.state)) return undefined;
    const sweepRow = sweep.get(runRow.sweep_id as string);
    if (!sweepRow) return undefined;
    return {
      row: { ...row, state: row.state },
      sweep: sweepOf(sweepRow),
      index: Number(runRow.idx),
      fingerprint: String(runRow.fingerprint),
      reused: runRow.reused_from !== null,
    };
  };
}
