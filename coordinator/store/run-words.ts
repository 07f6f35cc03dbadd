/**
 * What programs say about their runs: tags and notes join those that people wrote, warnings become history, rows for a table
 * elsewhere wait to be sent. Written in the
 * transaction that commits the lines, so each is said once.
 */
import { type Fence, type RunId, runId } from "../../shared/kernel/ids.ts";
import { type ClientWord, withNote, withTags } from "../../shared/run/client-words.ts";
import type { Annotations } from "./annotations.ts";
import type { Database } from "./database.ts";
import { ROWS_STAY, type SavedRows } from "./saved-rows.ts";

export interface RunWords {
  /** Within a transaction. The run on which something was written; undefined where there is none. `nowMs`: Unix ms. */
  write(fence: Fence, words: readonly ClientWord[], nowMs: number): RunId | undefined;
}

/** Of one run; what comes after is counted by one last line. */
export const WARNINGS_PER_RUN_MAX = 200;
const NO_TABLE = { at: undefined, text: ROWS_STAY, once: true } as const;
/** A program's clock may be wrong; what it says of the past is kept up to here. */
const PAST_MS_MAX = 366 * 86_400_000;

/** `savedRows`: where there is somebody to take them. */
export function createRunWords(db: Database, annotations: Annotations, savedRows?: SavedRows): RunWords {
  const place = db.prepare("SELECT run_id, node FROM attempts WHERE fence = ?");
  const count = db.prepare("SELECT count(*) AS n FROM events WHERE run_id = ? AND kind = 'warning'");
  const isTold = db.prepare("SELECT 1 FROM events WHERE run_id = ? AND kind = 'warning' AND text = ?");
  const insert = db.prepare("INSERT INTO events (at, kind, run_id, node, text) VALUES (?, 'warning', ?, ?, ?)");

  function annotate(id: RunId, words: readonly ClientWord[]): void {
    const before = annotations.get(id);
    let { tags, note } = before;
    for (const word of words) {
      if (word.kind === "tags") tags = withTags(tags, word.tags);
      if (word.kind === "note") note = withNote(note, word.text);
    }
    if (tags !== before.tags || note !== before.note) annotations.set(id, { tags, note });
  }

  return {
    write(fence, words, nowMs) {
      const row = place.get(fence) as { run_id: string; node: string } | undefined;
      if (!row || words.length === 0) return undefined;
      const id = runId(row.run_id);
      const rows = words.flatMap((word) => (word.kind === "row" ? [word] : []));
      for (const saved of rows) savedRows?.add({ ...saved, runId: id });
      const unsent = rows.length > 0 && !savedRows && !isTold.get(id, NO_TABLE.text) ? [NO_TABLE] : [];
      if (rows.length === words.length && unsent.length === 0) return undefined;
      annotate(id, words);
      const warnings = [...words.flatMap((word) => (word.kind === "warning" ? [word] : [])), ...unsent];
      let left = warnings.length === 0 ? 0 : WARNINGS_PER_RUN_MAX - (count.get(id) as { n: number }).n;
      for (const { at, text, once } of warnings) {
        if (left <= 0) break;
        if (once && isTold.get(id, text)) continue;
        left -= 1;
        insert.run(timeOf(at, nowMs), id, row.node, left === 0 ? "further warnings are in client.jsonl only" : text);
      }
      return id;
    },
  };
}

function timeOf(seconds: number | undefined, nowMs: number): number {
  const ms = seconds === undefined ? Number.NaN : Math.round(seconds * 1000);
  return ms > nowMs - PAST_MS_MAX && ms <= nowMs ? ms : nowMs;
}
