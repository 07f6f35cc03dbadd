/** The read verbs, by the names that the service gives them. */
import { best } from "./best.ts";
import type { ReadDeps } from "./deps.ts";
import { events } from "./events.ts";
import { getRecord } from "./get-record.ts";
import { getRun } from "./get-run.ts";
import { getServer } from "./get-server.ts";
import { listArtifacts } from "./list-artifacts.ts";
import { listNodes } from "./list-nodes.ts";
import { listQueue } from "./list-queue.ts";
import { listRuns } from "./list-runs.ts";
import { listSweeps } from "./list-sweeps.ts";
import { logs } from "./logs.ts";
import { metrics } from "./metrics.ts";
import { watch } from "./watch.ts";
import { why } from "./why.ts";

export type ControlReads = ReturnType<typeof createControlReads>;

export function createControlReads(deps: ReadDeps) {
  return {
    listRuns: listRuns(deps),
    listSweeps: listSweeps(deps),
    getRun: getRun(deps),
    getRecord: getRecord(deps),
    logs: logs(deps),
    metrics: metrics(deps),
    best: best(deps),
    watch: watch(deps),
    why: why(deps),
    listNodes: listNodes(deps),
    getServer: getServer(deps),
    events: events(deps),
    listQueue: listQueue(deps),
    listArtifacts: listArtifacts(deps),
  };
}
