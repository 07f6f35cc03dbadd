/** The real store behind the simulator's interface: SQLite, written by `writeChange`, read by `loadCluster`. */
import type { Change } from "../../coordinator/core/changes.ts";
import type { Attempt, Cluster } from "../../coordinator/core/cluster.ts";
import type { TerminalRun } from "../../coordinator/core/events.ts";
import { createAssignmentLoader } from "../../coordinator/store/assignments.ts";
import { type Database, transaction } from "../../coordinator/store/database.ts";
import { beginTerm, loadCluster } from "../../coordinator/store/load-cluster.ts";
import { createSubmissions } from "../../coordinator/store/submissions.ts";
import { createTerminalRunLoader } from "../../coordinator/store/terminal-runs.ts";
import { createWriter, type WriteChange } from "../../coordinator/store/write-change.ts";
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import { fence as makeFence, nodeName } from "../../shared/kernel/ids.ts";
import type { SimStore } from "./store.ts";

export class SqliteStore implements SimStore {
  readonly #db: Database;
  readonly #write: WriteChange;
  readonly #assignment: ReturnType<typeof createAssignmentLoader>;
  readonly #terminal: ReturnType<typeof createTerminalRunLoader>;
  readonly #submissions: ReturnType<typeof createSubmissions>;

  constructor(db: Database) {
    this.#db = db;
    this.#write = createWriter(db);
    this.#assignment = createAssignmentLoader(db, 0);
    this.#terminal = createTerminalRunLoader(db);
    this.#submissions = createSubmissions(db);
  }

  beginTerm(): number {
    return beginTerm(this.#db);
  }

  commit(changes: readonly Change[]): void {
    transaction(this.#db, () => {
      for (const change of changes) this.#write(change);
    });
  }

  load(term: number, monotonicMs: number): Cluster {
    return loadCluster(this.#db, term, monotonicMs);
  }

  attempt(fence: Fence): Attempt {
    const { runId, attempt, devices, gpuMilli, gang: place, behind } = this.#assignment(fence);
    const gang = place && { first: makeFence(fence - place.rank), size: place.nodes.length };
    const nothing = { cpus: 0, memoryBytes: 0, diskBytes: 0, exclusive: false };
    const reserved = gpuMilli === undefined ? undefined : { ...nothing, gpuMilli };
    const rest = { reserved, phase: "assigned", stopping: "", startedAt: undefined } as const;
    return {
      fence,
      runId,
      number: attempt,
      ...(gang && { gang }),
      ...(behind && { behind }),
      devices,
      node: nodeName(""),
      ...rest,
    };
  }

  terminalRun(id: RunId): TerminalRun | undefined {
    return this.#terminal(id);
  }

  hasSubmission(submitId: string): boolean {
    return this.#submissions.find(submitId) !== undefined;
  }
}
