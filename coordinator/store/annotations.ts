/** What people wrote on runs: tags, a note, a mark. No decision rests on it. */
import { type RunId, runId } from "../../shared/kernel/ids.ts";
import type { Database } from "./database.ts";
import { TERMINAL_LIST } from "./state-lists.ts";

export interface Annotation {
  readonly tags: readonly string[];
  readonly note: string;
  readonly favourite: boolean;
}

const NO_ANNOTATION: Annotation = { tags: [], note: "", favourite: false };

export interface Annotations {
  get(id: RunId): Annotation;
  /** Every run that has one. */
  all(): Map<RunId, Annotation>;
  /** Replaces what is given and keeps the rest; returns the whole. */
  set(id: RunId, parts: Partial<Annotation>): Annotation;
}

interface Row {
  readonly run_id: string;
  readonly tags_json: string;
  readonly note: string;
  readonly favourite: number;
}

export interface AnnotationsOptions {
  /** There are channels to tell of what is written. */
  readonly tells?: boolean;
  /** Written by programs: their results are written after the last of their output anyway. */
  readonly byPrograms?: boolean;
}

export function createAnnotations(db: Database, options: AnnotationsOptions = {}): Annotations {
  const { tells = false, byPrograms = false } = options;
  const columns = "SELECT run_id, tags_json, note, favourite FROM annotations";
  const one = db.prepare(`${columns} WHERE run_id = ?`);
  const every = db.prepare(columns);
  const save = db.prepare(`INSERT INTO annotations (run_id, tags_json, note, favourite) VALUES (?, ?, ?, ?)
    ON CONFLICT (run_id) DO UPDATE SET tags_json = excluded.tags_json, note = excluded.note, favourite = excluded.favourite`);
  const tell = db.prepare(`INSERT INTO run_news (sweep_id, run_id, what)
    SELECT sweep_id, run_id, 'edited' FROM runs WHERE run_id = ?`);
  const mark = createEditMark(db);
  const get = (id: RunId) => {
    const row = one.get(id) as unknown as Row | undefined;
    return row ? annotationOf(row) : NO_ANNOTATION;
  };
  return {
    get,
    all: () => new Map((every.all() as unknown as Row[]).map((row) => [runId(row.run_id), annotationOf(row)])),
    set(id, parts) {
      const whole = { ...get(id), ...parts };
      save.run(id, JSON.stringify(whole.tags), whole.note, whole.favourite ? 1 : 0);
      if (!byPrograms) mark(id);
      if (tells) tell.run(id);
      return whole;
    },
  };
}

function annotationOf(row: Row): Annotation {
  return { tags: JSON.parse(row.tags_json) as string[], note: row.note, favourite: row.favourite === 1 };
}

/** Notes that the results of a run do not show all of it any more. False for one that is not over: they are written then. */
export function createEditMark(db: Database): (id: RunId) => boolean {
  const mark = db.prepare(`INSERT INTO edited_runs (run_id, edit)
    SELECT run_id, 1 FROM run_states WHERE run_id = ? AND state IN (${TERMINAL_LIST}) ON CONFLICT DO UPDATE SET edit = edit + 1`);
  return (id) => mark.run(id).changes > 0;
}

/** Runs whose results do not show yet what people wrote on them after they were over, or what they ran on. */
export interface EditedRuns {
  all(): RunId[];
  /** Grows with each edit; undefined where its results show all. */
  editOf(id: RunId): number | undefined;
  /** Its results show everything up to this edit. */
  shown(id: RunId, edit: number): void;
}

export function createEditedRuns(db: Database): EditedRuns {
  const every = db.prepare("SELECT run_id FROM edited_runs");
  const one = db.prepare("SELECT edit FROM edited_runs WHERE run_id = ?");
  const forget = db.prepare("DELETE FROM edited_runs WHERE run_id = ? AND edit <= ?");
  return {
    all: () => (every.all() as { run_id: string }[]).map((row) => runId(row.run_id)),
    editOf: (id) => (one.get(id) as { edit: number } | undefined)?.edit,
    shown: (id, edit) => {
      forget.run(id, edit);
    },
  };
}
