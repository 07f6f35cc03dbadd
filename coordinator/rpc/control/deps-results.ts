/** What the verbs about results directories work with. */
import type { RunId } from "../../../shared/kernel/ids.ts";
import type { Imports } from "../../store/imports.ts";
import type { MetricLast, OutputStore } from "../../store/outputs.ts";
import type { PrunedRuns } from "../../store/pruned.ts";
import type { ReadDeps } from "./deps.ts";

export interface ResultDeps extends ReadDeps {
  readonly pruned: PrunedRuns;
  readonly outputs: OutputStore;
  readonly imports: Imports;
  /** Last values and bounds of the metrics in whole lines of a client stream, which begin at the offset `from`. */
  summarise(lines: Uint8Array, from: number, knownKeys: readonly string[]): MetricLast[];
  /** Writes the run's directory. */
  project(run: RunId): Promise<void>;
}
