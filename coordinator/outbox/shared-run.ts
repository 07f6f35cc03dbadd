/** A run with everything that a tracker outside shows of it, as the store has it now. */
import type { Fence, RunId } from "../../shared/kernel/ids.ts";
import type { Annotation, Annotations } from "../store/annotations.ts";
import type { Queries } from "../store/queries/queries.ts";
import type { ResultRecord } from "../store/run-record.ts";
import type { TrackedRuns } from "./tracked-runs.ts";

export interface SharedRun {
  readonly record: ResultRecord;
  readonly project: string;
  readonly annotation: Annotation;
  /** It has ended, and all that it said is stored. */
  readonly isComplete: boolean;
  /** By number. */
  readonly attempts: readonly SharedAttempt[];
}

export interface SharedAttempt {
  readonly number: number;
  readonly fence: Fence;
  readonly node: string;
  /** Unix ms. */
  readonly assignedAt: number;
  /** When it was assigned, where it has not started yet. */
  readonly startedAt: number;
  /** Its stored points; bytes up to `committed` are safe. */
  readonly path: string;
  readonly committed: number;
}

export interface SharedRuns {
  /** Undefined for a run that is not there, never began, or took its result from another. */
  get(id: RunId): SharedRun | undefined;
  /** What a channel keeps about a run. */
  memo(channel: string, id: RunId): string | undefined;
  setMemo(channel: string, id: RunId, memo: string | undefined): void;
}

export interface SharedRunsDeps {
  readonly tracked: TrackedRuns;
  readonly queries: Pick<Queries, "record" | "attempts">;
  readonly annotations: Annotations;
  /** Undefined where there is no such file. */
  readonly pointsPath: (fence: Fence) => string | undefined;
}

export function createSharedRuns({ tracked, queries, annotations, pointsPath }: SharedRunsDeps): SharedRuns {
  return {
    get(id) {
      const run = tracked.get(id);
      if (run?.record.reusedFrom !== "") return undefined;
      const attempts = queries.attempts.ofRun(id);
      if (attempts.length === 0) return undefined;
      return {
        record: queries.record(id),
        project: run.project,
        annotation: annotations.get(id),
        isComplete: run.record.sealed,
        attempts: attempts.map(({ number, fence, node, startedAt, assignedAt }) => ({
          number,
          fence,
          node,
          assignedAt,
          startedAt: startedAt ?? assignedAt,
          path: pointsPath(fence) ?? "",
          committed: queries.attempts.committed(fence, "client"),
        })),
      };
    },
    memo: (channel, subject) => tracked.remoteId(channel, { subject }),
    setMemo: (channel, subject, memo) => tracked.setRemoteId(channel, { subject }, memo),
  };
}
