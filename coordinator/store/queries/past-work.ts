/** What was done before, for a plan: sweeps like a new one, their completed runs, how long those took, and their code. */
import { zstdDecompressSync } from "node:zlib";
import { type RunId, runId, type SweepId, sweepId } from "../../../shared/kernel/ids.ts";
import { sweepRef } from "../../../shared/run/names.ts";
import { commandIdentity } from "../../../shared/spec/canonical.ts";
import type { RunTemplate } from "../../../shared/spec/types.ts";
import type { SweepIdentity } from "../../core/changes.ts";
import type { Database } from "../database.ts";

export interface PastSweep {
  readonly id: SweepId;
  /** Handle such as "digits.3". */
  readonly ref: string;
  /** Undefined for one from before identities were kept. */
  readonly identity: SweepIdentity | undefined;
  /** What counts of the command of each shape (`commandIdentity`), as JSON. */
  readonly commands: readonly string[];
}

export interface PastRun {
  readonly id: RunId;
  readonly index: number;
  readonly shape: number;
  readonly paramsJson: string;
}

export interface PastWork {
  /** Sweeps of the name, or with a shape that runs one of the commands (JSON), the newest first. */
  sweepsLike(name: string, commands: readonly string[], limit: number): PastSweep[];
  /** Succeeded runs of a sweep. */
  succeeded(id: SweepId, limit: number): PastRun[];
  /** Milliseconds of the last attempts of succeeded runs of a sweep. */
  durations(id: SweepId, limit: number): number[];
  /** Manifest of a code tree; undefined where it is not kept. */
  manifest(hash: string): string | undefined;
}

export function createPastWork(db: Database): PastWork {
  const like = db.prepare(`SELECT w.sweep_id, w.name, w.number, i.identity_json FROM sweeps w
    LEFT JOIN sweep_identities i ON i.sweep_id = w.sweep_id
    WHERE w.name = ?1 OR w.sweep_id IN (SELECT sweep_id FROM sweep_shapes
      WHERE json_extract(template_json, '$.command') IN (SELECT value FROM json_each(?2)))
    ORDER BY w.seq DESC LIMIT ?3`);
  const shapes = db.prepare("SELECT template_json FROM sweep_shapes WHERE sweep_id = ? ORDER BY number");
  const succeeded = db.prepare(`SELECT r.run_id, r.idx, r.shape, r.params_json FROM run_states s
    CROSS JOIN runs r ON r.run_id = s.run_id WHERE s.sweep_id = ? AND s.state = 'succeeded' LIMIT ?`);
  const durations = db.prepare(`SELECT a.finished_at - a.started_at AS ms FROM run_states s
    CROSS JOIN attempts a ON a.fence = s.fence
    WHERE s.sweep_id = ? AND s.state = 'succeeded' AND a.started_at IS NOT NULL LIMIT ?`);
  const manifest = db.prepare("SELECT manifest FROM code_trees WHERE hash = ?");
  return {
    sweepsLike(name, commands, limit) {
      const rows = like.all(name, JSON.stringify(commands.map(commandText)), limit) as unknown as SweepRow[];
      return rows.map((row) => ({
        id: sweepId(row.sweep_id),
        ref: sweepRef(row.name, row.number),
        identity: row.identity_json === null ? undefined : (JSON.parse(row.identity_json) as SweepIdentity),
        commands: (shapes.all(row.sweep_id) as { template_json: string }[]).map(({ template_json }) =>
          JSON.stringify(commandIdentity(JSON.parse(template_json) as RunTemplate)),
        ),
      }));
    },
    succeeded: (id, limit) =>
      (succeeded.all(id, limit) as unknown as RunRow[]).map((row) => ({
        id: runId(row.run_id),
        index: row.idx,
        shape: row.shape,
        paramsJson: row.params_json,
      })),
    durations: (id, limit) => (durations.all(id, limit) as { ms: number }[]).map(({ ms }) => ms),
    manifest(hash) {
      const row = manifest.get(hash) as { manifest: Uint8Array } | undefined;
      return row && zstdDecompressSync(row.manifest).toString("utf8");
    },
  };
}

/** As json_extract gives it: a text without its quotes, a list as JSON. */
function commandText(json: string): string {
  const command = JSON.parse(json) as unknown;
  return typeof command === "string" ? command : JSON.stringify(command);
}

interface SweepRow {
  readonly sweep_id: string;
  readonly name: string;
  readonly number: number;
  readonly identity_json: string | null;
}

interface RunRow {
  readonly run_id: string;
  readonly idx: number;
  readonly shape: number;
  readonly params_json: string;
}
