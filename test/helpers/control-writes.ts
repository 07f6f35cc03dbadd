/** The verbs that change something, on a real store and engine in this process; no agent is behind it. */
import { randomBytes } from "node:crypto";
import { Engine } from "../../coordinator/engine.ts";
import type { Feed } from "../../coordinator/feed.ts";
import type { ActionParts } from "../../coordinator/http/actions.ts";
import type { ReadDeps } from "../../coordinator/rpc/control/deps.ts";
import { createControlWrites } from "../../coordinator/rpc/control/writes.ts";
import { createExpander } from "../../coordinator/rpc/expand/expander.ts";
import { createAnnotations } from "../../coordinator/store/annotations.ts";
import type { Database } from "../../coordinator/store/database.ts";
import { createSweepLoader } from "../../coordinator/store/load-cluster.ts";
import { createStaging } from "../../coordinator/store/staging.ts";
import { createSubmissions } from "../../coordinator/store/submissions.ts";
import { createTerminalRunLoader } from "../../coordinator/store/terminal-runs.ts";
import { createWriter } from "../../coordinator/store/write-change.ts";
import { systemClock } from "../../shared/kernel/clock.ts";
import { createUlidSource } from "../../shared/kernel/ids.ts";
import { CoreRig } from "./core-rig.ts";

export interface TestWrites {
  readonly engine: Engine;
  readonly actions: ActionParts;
  close(): Promise<void>;
}

/** On the cluster and the queries of `deps`. */
export function createTestWrites(db: Database, feed: Feed, deps: ReadDeps): TestWrites {
  const clock = systemClock;
  const engine = new Engine({
    db,
    cluster: deps.cluster,
    write: createWriter(db),
    settings: new CoreRig().settings,
    now: () => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs(), random: 0 }),
    feed,
    dispatch: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  const expander = createExpander();
  const newUlid = createUlidSource(() => clock.wallMs(), randomBytes);
  const { queries } = deps;
  const writes = createControlWrites({
    engine,
    queries,
    submissions: createSubmissions(db),
    staging: createStaging(db),
    expander,
    snapshotProblem: async () => undefined,
    annotations: createAnnotations(db),
    feed,
    loadTerminalRun: createTerminalRunLoader(db),
    loadSweep: createSweepLoader(db),
    channels: new Set(["slack:ml"]),
    tables: [],
    newUlid,
    clock,
  });
  return {
    engine,
    actions: { writes, annotations: createAnnotations(db), refs: queries.refs, feed, clock, newUlid },
    async close() {
      engine.stop();
      await expander.close();
    },
  };
}
