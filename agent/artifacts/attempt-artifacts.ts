/** What attempts have to do with artifacts: they are followed while they run, and may begin with the checkpoint of an earlier one. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { artifactBaseName } from "../../shared/run/artifacts.ts";
import type { Assignment } from "../../shared/run/session.ts";
import { isRetryable } from "../../shared/wire/status.ts";
import { type FetchOptions, fetchTo } from "./fetch.ts";
import type { ArtifactPlane, ArtifactSubject } from "./plane.ts";

export interface AttemptArtifacts {
  /** Follows an attempt, from where an earlier agent stopped. */
  watch(fence: Fence, dir: string): void;
  /** The last look. Resolves when the journal knows what it keeps. */
  end(fence: Fence): Promise<void>;
  /** Resolves when nothing in the attempt's directory is needed any more. */
  taken(fence: Fence): Promise<void>;
  /** Attempts that have something on its way. */
  fences(): Fence[];
  /** What an attempt goes on from; undefined where it begins anew. */
  resumeOf(assignment: Assignment, folder: string): Checkpoint | undefined;
}

export interface Checkpoint {
  /** Where it will be. */
  readonly path: string;
  /**
   * Brings it there, however long the coordinator is away. Throws AppError "unavailable" where `ended` says why it is of no use
   * any more, and where nobody has it.
   */
  readonly fetch: (ended: () => string | undefined) => Promise<void>;
}

export interface AttemptArtifactsOptions extends FetchOptions {
  readonly plane: ArtifactPlane;
  /** Undefined where it cannot be told any more. */
  readonly subjectOf: (fence: Fence, dir: string) => ArtifactSubject | "nothing" | undefined;
  readonly logger: { warn(fields: object, message: string): void };
}

const AGAIN_MS = 1_000;

export function createAttemptArtifacts(options: AttemptArtifactsOptions): AttemptArtifacts {
  const { plane, subjectOf, logger } = options;

  async function bring(
    content: { readonly hash: string; readonly folder: boolean },
    path: string,
    ended: () => string | undefined,
  ) {
    for (;;) {
      try {
        return await fetchTo(options, content, path);
      } catch (error) {
        const why = ended();
        if (why !== undefined) throw new AppError("unavailable", why, { cause: error });
        if (!(error instanceof AppError)) throw error;
        if (error.code === "not_found") {
          throw new AppError("unavailable", `the checkpoint to go on from is gone: ${error.message}`, { cause: error });
        }
        if (!isRetryable(error)) throw error;
      }
      await sleep(AGAIN_MS);
    }
  }

  return {
    watch(fence, dir) {
      const subject = subjectOf(fence, dir);
      if (subject === "nothing") return;
      if (subject) plane.watch(fence, subject);
      else logger.warn({ fence }, "the files of this attempt are not followed");
    },
    end: (fence) => plane.end(fence),
    taken: (fence) => plane.taken(fence),
    fences: () => plane.fences(),
    resumeOf({ fence, runId, resume, mayResume }, folder) {
      const own = mayResume ? plane.lastCheckpoint(runId, fence) : undefined;
      const isNewer =
        own && (!resume || own.attempt > resume.attempt || (own.attempt === resume.attempt && own.seq > resume.seq));
      const content = isNewer ? own : resume;
      if (!content) return undefined;
      const path = join(folder, artifactBaseName(content.name));
      return { path, fetch: (ended) => bring(content, path, ended) };
    },
  };
}
