/** The verbs about results directories on a store, without the thread that writes them. */
import { projectRun } from "../../coordinator/results/project.ts";
import { runDirectory } from "../../coordinator/results/run-directory.ts";
import type { ReadDeps } from "../../coordinator/rpc/control/deps.ts";
import type { ResultDeps } from "../../coordinator/rpc/control/deps-results.ts";
import type { Database } from "../../coordinator/store/database.ts";
import { createOutputStore } from "../../coordinator/store/outputs.ts";
import { createPrunedRuns } from "../../coordinator/store/pruned.ts";
import { Summariser } from "../../coordinator/stream/summarise.ts";

export function testResultDeps(db: Database, reads: ReadDeps): ResultDeps {
  return {
    ...reads,
    pruned: createPrunedRuns(db),
    outputs: createOutputStore(db),
    imports: reads.queries.imports,
    summarise: (lines, parsed, keys) => {
      const summary = new Summariser({ parsed, midLine: false, keys });
      summary.feed(lines);
      return summary.take();
    },
    project: async (id) => {
      const record = reads.queries.record(id);
      projectRun(record, runDirectory(reads.resultsRoot, record));
    },
  };
}
