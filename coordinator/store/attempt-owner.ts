/** Whose an attempt is, and which contents it may ask for: what a token that is bound to a node is held to. */
import type { Fence } from "../../shared/kernel/ids.ts";
import type { Database } from "./database.ts";

export interface NeededContent {
  readonly hash: string;
  /** It is a list of files, which are needed too. */
  readonly isList: boolean;
}

/** Name of the node that an attempt was given to; undefined for a fence that names no attempt. */
export function createNodeOfAttempt(db: Database): (fence: Fence) => string | undefined {
  const one = db.prepare("SELECT node FROM attempts WHERE fence = ?");
  return (fence) => (one.get(fence) as { node: string } | undefined)?.node;
}

/** Its code, and what its run, or the run that it repeats, has kept: the last checkpoint of that may become another meanwhile. */
export function createNeededContents(db: Database): (fence: Fence) => NeededContent[] {
  const all = db.prepare(`WITH subject AS (
      SELECT a.run_id, o.snapshot, o.repeats FROM attempts a JOIN runs r ON r.run_id = a.run_id
      LEFT JOIN sweep_origins o ON o.sweep_id = r.sweep_id WHERE a.fence = ?)
    SELECT snapshot AS hash, 1 AS is_list FROM subject WHERE snapshot IS NOT NULL
    UNION SELECT f.hash, f.folder FROM subject s JOIN artifacts f ON f.run_id = s.run_id OR f.run_id = s.repeats
      WHERE f.hash <> ''`);
  return (fence) => {
    const rows = all.all(fence) as unknown as { hash: string; is_list: number }[];
    return rows.map(({ hash, is_list }) => ({ hash, isList: is_list === 1 }));
  };
}
