/**
 * What runs keep of their files: a row for each, named by its attempt and a number that grows within it. Their contents lie
 * in the content store; a row that is "stored" promises that they are there.
 */
import { type Fence, fence as makeFence, type RunId, runId } from "../../shared/kernel/ids.ts";
import {
  type ArtifactState,
  type ArtifactView,
  artifactBaseName,
  artifactPath,
  CHECKPOINT_KIND,
  type ResumePoint,
} from "../../shared/run/artifacts.ts";
import { runRef, sweepRef } from "../../shared/run/names.ts";
import { type Database, transaction } from "./database.ts";

/** An artifact as its host tells it. */
export interface ArtifactNote {
  readonly fence: Fence;
  readonly seq: number;
  readonly name: string;
  readonly kind: string;
  readonly step: number | undefined;
  readonly folder: boolean;
  readonly sizeBytes: number;
  readonly files: number;
  /** Empty while it is not known. */
  readonly hash: string;
  readonly state: Exclude<ArtifactState, "removed">;
  readonly reason: string;
  /** Unix ms. */
  readonly at: number;
}

/** Which checkpoints a sweep asks to keep; undefined: nothing was said. */
export interface KeepRule {
  readonly keepLast: number | undefined;
  readonly keepBest: number | undefined;
  /** The objective. */
  readonly metric: string | undefined;
  readonly goal: "maximize" | "minimize" | undefined;
}

/** An artifact with what its own program need not know. */
export interface StoredArtifact extends ArtifactView {
  readonly runId: RunId;
  readonly fence: Fence;
  readonly seq: number;
  /** Value of the objective at its step; null: not known. */
  readonly score: number | null;
}

export interface Artifacts {
  /**
   * Durable when it returns. Gives the runs whose artifacts are others now. Notes of attempts that are not known, and of
   * runs whose results were removed, are passed over.
   */
  note(notes: readonly ArtifactNote[]): RunId[];
  /** False for an attempt that is not known, and for a run whose results were removed. */
  isWanted(fence: Fence): boolean;
  /** By attempt, then in the order in which the host learned of them. */
  ofRun(id: RunId): StoredArtifact[];
  get(id: number): StoredArtifact | undefined;
  /** Lets artifacts go: what is stored of them may be removed. */
  remove(ids: readonly number[], reason: string): void;
  setScore(id: number, score: number): void;
  /** Whether an attempt may go on, and from what: the last checkpoint of its run, or of the run that it repeats. */
  resumePoint(fence: Fence): { readonly mayResume: boolean; readonly resume?: ResumePoint };
  /** Which checkpoints of a run are to be kept. */
  rule(id: RunId): KeepRule;
  /** Runs whose sweep keeps only some checkpoints, and that have any. */
  limited(): RunId[];
  /** Hashes that must stay: of files, of lists of files of folders, and of snapshots of code. */
  referenced(): { readonly files: Set<string>; readonly lists: Set<string> };
}

const COLUMNS = `SELECT f.id, f.run_id, f.fence, f.seq, f.name, f.kind, f.step, f.folder, f.bytes, f.files, f.hash, f.state,
  f.reason, f.at, f.score, a.number, a.node, r.idx, w.name AS sweep, w.number AS sweep_number
  FROM artifacts f JOIN attempts a ON a.fence = f.fence JOIN runs r ON r.run_id = f.run_id
  JOIN sweeps w ON w.sweep_id = r.sweep_id`;
const REPLACED = "replaced by a newer one";

/** `tells`: there are channels to tell of what is stored. */
export function createArtifacts(db: Database, tells = false): Artifacts {
  const wanted = db.prepare(`SELECT a.run_id, p.fence AS pruned FROM attempts a
    LEFT JOIN pruned_runs p ON p.run_id = a.run_id WHERE a.fence = ?`);
  const put =
    db.prepare(`INSERT INTO artifacts (run_id, fence, seq, name, kind, step, folder, bytes, files, hash, state,
    reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (fence, seq) DO UPDATE SET folder = excluded.folder,
    bytes = excluded.bytes, files = excluded.files, hash = excluded.hash, state = excluded.state, reason = excluded.reason
    WHERE state IN ('pending', 'failed')`);
  // Of the same place, only the last that came whole counts, in whatever order they came.
  const replace =
    db.prepare(`UPDATE artifacts SET state = 'removed', reason = '${REPLACED}' WHERE fence = ?1 AND kind = ?2
    AND name = ?3 AND step IS ?4 AND state = 'stored' AND seq < (SELECT max(seq) FROM artifacts
      WHERE fence = ?1 AND kind = ?2 AND name = ?3 AND step IS ?4 AND state = 'stored')`);
  const ofRun = db.prepare(`${COLUMNS} WHERE f.run_id = ? ORDER BY f.fence, f.seq`);
  const one = db.prepare(`${COLUMNS} WHERE f.id = ?`);
  const drop = db.prepare("UPDATE artifacts SET state = 'removed', reason = ? WHERE id = ?");
  const score = db.prepare("UPDATE artifacts SET score = ? WHERE id = ?");
  const lastOf = db.prepare(`SELECT f.hash, f.folder, f.name, f.step, f.seq, a.number FROM artifacts f
    JOIN attempts a ON a.fence = f.fence WHERE f.run_id = ?1 AND f.kind = '${CHECKPOINT_KIND}' AND f.fence < ?2
    AND f.state = 'stored'
    ORDER BY f.fence DESC, f.seq DESC LIMIT 1`);
  const subject = db.prepare(`SELECT a.run_id, h.retry_json, o.repeats, o.resumes FROM attempts a
    JOIN runs r ON r.run_id = a.run_id JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape
    LEFT JOIN sweep_origins o ON o.sweep_id = r.sweep_id WHERE a.fence = ?`);
  const rule = db.prepare(`SELECT h.template_json ->> '$.capture.keepLast' AS last,
    h.template_json ->> '$.capture.keepBest' AS best, w.objective_metric AS metric, w.objective_goal AS goal
    FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id
    JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape WHERE r.run_id = ?`);
  const limited = db.prepare(`SELECT DISTINCT f.run_id FROM artifacts f JOIN runs r ON r.run_id = f.run_id
    JOIN sweep_shapes h ON h.sweep_id = r.sweep_id AND h.number = r.shape
    WHERE f.kind = '${CHECKPOINT_KIND}' AND f.state = 'stored' AND (h.template_json ->> '$.capture.keepLast' IS NOT NULL
      OR h.template_json ->> '$.capture.keepBest' IS NOT NULL)`);

  const tell = db.prepare(`INSERT INTO run_news (sweep_id, run_id, what)
    SELECT sweep_id, run_id, 'edited' FROM runs WHERE run_id = ?`);

  const list = (rows: readonly unknown[]) => (rows as readonly Row[]).map(artifactOf);

  return {
    note(notes) {
      const changed = new Set<RunId>();
      transaction(db, () => {
        for (const note of notes) {
          const row = wanted.get(note.fence) as { run_id: string; pruned: number | null } | undefined;
          if (!row || isPruned(row.pruned, note.fence)) continue;
          const { fence, seq, name, kind, step = null, sizeBytes, files, hash, state, reason, at } = note;
          const folder = note.folder ? 1 : 0;
          put.run(row.run_id, fence, seq, name, kind, step, folder, sizeBytes, files, hash, state, reason, at);
          if (state === "stored") replace.run(fence, kind, name, step);
          if (state === "stored" && tells) tell.run(row.run_id);
          changed.add(runId(row.run_id));
        }
      });
      return [...changed];
    },
    isWanted(fence) {
      const row = wanted.get(fence) as { run_id: string; pruned: number | null } | undefined;
      return row !== undefined && !isPruned(row.pruned, fence);
    },
    ofRun: (id) => list(ofRun.all(id)),
    get: (id) => list([one.get(id)].filter((row) => row !== undefined))[0],
    remove: (ids, reason) => transaction(db, () => ids.forEach((id) => void drop.run(reason, id))),
    setScore: (id, value) => void score.run(value, id),
    resumePoint(fence) {
      const row = subject.get(fence) as SubjectRow | undefined;
      const mayResume = row !== undefined && (JSON.parse(row.retry_json) as { resume?: boolean }).resume !== false;
      const last = (id: string) => lastOf.get(id, fence) as ResumeRow | undefined;
      const repeated = row?.resumes === 1 ? (row.repeats ?? undefined) : undefined;
      const own = mayResume ? last(row.run_id) : undefined;
      const found = own ?? (repeated === undefined ? undefined : last(repeated));
      if (!found) return { mayResume };
      const { hash, folder, name, step, seq, number } = found;
      // One of another run is older than any of this one.
      const attempt = own ? number : 0;
      const resume = {
        hash,
        folder: folder === 1,
        name: artifactBaseName(name),
        attempt,
        seq,
        step: step ?? undefined,
      };
      return { mayResume, resume };
    },
    rule(id) {
      const row = rule.get(id) as RuleRow | undefined;
      const { last, best, metric, goal } = row ?? { last: null, best: null, metric: null, goal: null };
      return {
        keepLast: last ?? undefined,
        keepBest: best ?? undefined,
        metric: metric || undefined,
        goal: goal === "maximize" || goal === "minimize" ? goal : undefined,
      };
    },
    limited: () => (limited.all() as unknown as { run_id: string }[]).map((row) => runId(row.run_id)),
    referenced() {
      const files = new Set<string>();
      const lists = new Set<string>();
      const kept = "SELECT DISTINCT hash, folder FROM artifacts WHERE state IN ('pending', 'stored') AND hash <> ''";
      for (const row of db.prepare(kept).all() as unknown as { hash: string; folder: number }[]) {
        (row.folder === 1 ? lists : files).add(row.hash);
      }
      const snapshots = "SELECT DISTINCT snapshot FROM sweep_origins WHERE snapshot IS NOT NULL";
      for (const row of db.prepare(snapshots).all() as unknown as { snapshot: string }[]) lists.add(row.snapshot);
      return { files, lists };
    },
  };
}

/** Attempts after the removal make results anew. */
function isPruned(pruned: number | null, fence: Fence): boolean {
  return pruned !== null && fence <= pruned;
}

interface SubjectRow {
  readonly run_id: string;
  readonly retry_json: string;
  readonly repeats: string | null;
  readonly resumes: number | null;
}

interface RuleRow {
  readonly last: number | null;
  readonly best: number | null;
  readonly metric: string | null;
  readonly goal: string | null;
}

interface ResumeRow {
  readonly hash: string;
  readonly folder: number;
  readonly name: string;
  readonly step: number | null;
  readonly seq: number;
  readonly number: number;
}

interface Row {
  readonly id: number;
  readonly run_id: string;
  readonly fence: number;
  readonly seq: number;
  readonly name: string;
  readonly kind: string;
  readonly step: number | null;
  readonly folder: number;
  readonly bytes: number;
  readonly files: number;
  readonly hash: string;
  readonly state: ArtifactState;
  readonly reason: string;
  readonly at: number;
  readonly score: number | null;
  readonly number: number;
  readonly node: string;
  readonly idx: number;
  readonly sweep: string;
  readonly sweep_number: number;
}

function artifactOf(row: Row): StoredArtifact {
  const { name, kind, step, state } = row;
  return {
    id: row.id,
    runId: runId(row.run_id),
    run: runRef(sweepRef(row.sweep, row.sweep_number), row.idx),
    fence: makeFence(row.fence),
    seq: row.seq,
    attempt: row.number,
    node: row.node,
    name,
    kind,
    step,
    folder: row.folder === 1,
    sizeBytes: row.bytes,
    files: row.files,
    hash: row.hash,
    state,
    reason: row.reason,
    at: row.at,
    score: row.score,
    path: state === "stored" ? artifactPath({ name, kind, step }) : "",
  };
}
