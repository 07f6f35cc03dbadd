/** What people wrote on runs: tags, a note, a mark. No decision rests on it. */
import { type RunId, runId } from "../../shared/kernel/ids.ts";
import type { Database } from "./database.ts";

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

/** `tells`: there are channels to tell of what is written. */
export function createAnnotations(db: Database, tells = false): Annotations {
  const columns = "SELECT run_id, tags_json, note, favourite FROM annotations";
  const one = db.prepare(`${columns} WHERE run_id = ?`);
  const every = db.prepare(columns);
  const save = db.prepare(`INSERT INTO annotations (run_id, tags_json, note, favourite) VALUES (?, ?, ?, ?)
    ON CONFLICT (run_id) DO UPDATE SET tags_json = excluded.tags_json, note = excluded.note, favourite = excluded.favourite`);
  const tell = db.prepare(`INSERT INTO run_news (sweep_id, run_id, what)
    SELECT sweep_id, run_id, 'edited' FROM runs WHERE run_id = ?`);
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
      if (tells) tell.run(id);
      return whole;
    },
  };
}

function annotationOf(row: Row): Annotation {
  return { tags: JSON.parse(row.tags_json) as string[], note: row.note, favourite: row.favourite === 1 };
}
