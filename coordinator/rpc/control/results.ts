/** The verbs about results directories, by the names that the service gives them. */
import type { ResultDeps } from "./deps-results.ts";
import { files } from "./files.ts";
import { importPoints } from "./import-points.ts";
import { prune } from "./prune.ts";

export type ControlResults = ReturnType<typeof createControlResults>;

export function createControlResults(deps: ResultDeps) {
  return { files: files(deps), prune: prune(deps), importPoints: importPoints(deps) };
}
