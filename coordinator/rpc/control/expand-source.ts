/** From a spec's text to points with the decision whether each is new: what Plan shows and Submit does. */
import { SpecFormat, type SpecSource as SpecSourceMessage } from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { specError } from "../../../shared/spec/problems.ts";
import { readSweep } from "../../../shared/spec/read-sweep.ts";
import type { ExpandedSweep, SweepPoint } from "../../../shared/spec/types.ts";
import type { Submissions } from "../../store/submissions.ts";

export interface DecidedPoint {
  readonly point: SweepPoint;
  /** Run that completed this configuration before; undefined: it is new. */
  readonly reusedFrom: RunId | undefined;
}

export interface ExpandedSource {
  readonly sweep: ExpandedSweep;
  readonly points: readonly DecidedPoint[];
}

/** Throws AppError "invalid" with the place of the first problem. `force`: nothing is reused. */
export function expandSource(
  source: SpecSourceMessage | undefined,
  force: boolean,
  submissions: Submissions,
): ExpandedSource {
  if (!source) throw new AppError("invalid", "the request has no sweep file", { id: "submit.no-source" });
  if (!source.directory.startsWith("/")) {
    throw new AppError("invalid", "the directory of the sweep file is not absolute", { id: "submit.directory" });
  }
  const format = source.format === SpecFormat.SPEC_FORMAT_JSON ? "json" : "toml";
  const { path, text, directory, workingDirectory, home } = source;
  const read = readSweep({ path, text, format, directory, workingDirectory, home });
  if ("problems" in read) throw specError(read.problems);
  const { sweep } = read;
  const again = force || sweep.sweep.rerun === "all";
  const points = Array.from(sweep.points, (point) => ({
    point,
    reusedFrom: again ? undefined : submissions.completedBy(point.fingerprint),
  }));
  return { sweep, points };
}
