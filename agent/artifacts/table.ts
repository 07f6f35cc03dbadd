/** The artifacts that the journal knows, in memory as on disk. */
import { type Fence, fence as makeFence } from "../../shared/kernel/ids.ts";
import type { ArtifactJournal } from "../journal.ts";
import type { ArtifactRow } from "./row.ts";

export interface ArtifactTable {
  /** Of an attempt, by number. */
  of(fence: Fence): readonly ArtifactRow[];
  all(): Iterable<ArtifactRow>;
  /** As it is now; undefined where it is done with. */
  row(row: Pick<ArtifactRow, "fence" | "seq">): ArtifactRow | undefined;
  fences(): Fence[];
  /** In the journal first. */
  save(rows: readonly ArtifactRow[]): void;
  remove(fence: Fence): void;
}

/** `isClosed`: the journal may be gone. What is done after that is done again by the next agent. */
export function createArtifactTable(journal: ArtifactJournal, isClosed: () => boolean): ArtifactTable {
  const rows = new Map<Fence, ArtifactRow[]>();
  const put = (row: ArtifactRow): void => {
    const list = rows.get(row.fence) ?? [];
    const at = list.findIndex(({ seq }) => seq === row.seq);
    if (at < 0) list.push(row);
    else list[at] = row;
    rows.set(row.fence, list);
  };
  for (const row of journal.load() as ArtifactRow[]) put({ ...row, fence: makeFence(row.fence) });
  return {
    of: (fence) => rows.get(fence) ?? [],
    *all() {
      for (const list of rows.values()) yield* list;
    },
    row: ({ fence, seq }) => rows.get(fence)?.find((row) => row.seq === seq),
    fences: () => [...rows.keys()],
    save(changed) {
      if (changed.length === 0 || isClosed()) return;
      journal.save(changed);
      for (const row of changed) put(row);
    },
    remove(fence) {
      rows.delete(fence);
      if (!isClosed()) journal.remove(fence);
    },
  };
}
