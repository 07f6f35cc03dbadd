/**
 * Finds what one attempt keeps: the files that its program names, those that match the globs of its sweep, and all that lie in
 * `$EXP_ARTIFACT_DIR`. A file that was found is taken once it has not changed for a while, or at the end; again, at a growing
 * distance, when it changed since.
 */
import { readdirSync, realpathSync } from "node:fs";
import { artifactName, CHECKPOINT_KIND, FILE_KIND } from "../../shared/run/artifacts.ts";
import { RUN_DIR_NAMES } from "../../shared/run/run-directory.ts";
import { attemptPaths } from "../process/attempt-dir.ts";
import { ClientLines, type NamedFile } from "./client-lines.ts";
import { filesMatching, type SeenFile } from "./found-files.ts";
import type { ArtifactRow } from "./row.ts";

export interface WatchSubject {
  readonly dir: string;
  /** Where the command runs; undefined where that is not known. */
  readonly cwd: string | undefined;
  /** Globs of the sweep. */
  readonly globs: readonly string[];
  /** Unix ms: files that were there before are not its own. */
  readonly startedMs: number;
}

/** What is to be kept, before it has a number. */
export type FoundArtifact = Pick<
  ArtifactRow,
  "origin" | "name" | "kind" | "step" | "at" | "source" | "within" | "reason"
>;

/** A file that did not change for so long is taken. */
const SETTLED_MS = 5_000;
const AGAIN_MS = 10_000;
const AGAIN_MS_MAX = 600_000;
/** Clocks of file systems are coarse. */
const SLACK_MS = 50;
const LINES_BYTES_PER_LOOK = 16 * 1024 * 1024;
const SHARED_NAMED_MAX = 20;
const SHARED = "it may be of another run: write it below $EXP_RUN_DIR, or name it with exp.artifact()";
const CUT = "there are more files below the globs of [capture] artifacts than are looked at";

interface Known {
  readonly stamp: string;
  /** Since when it looks like this, Unix ms. */
  readonly sinceMs: number;
  /** How it looked when it was taken last, and when it may be taken again. */
  readonly taken?: string;
  readonly againMs: number;
  readonly waitMs: number;
}

interface Root {
  readonly path: string;
  readonly globs: readonly string[];
  readonly kind: string;
  readonly skip: ReadonlySet<string>;
  /** Other runs may write there too. */
  readonly isOpen: boolean;
}

const OURS = new Set([...RUN_DIR_NAMES]);
const NOTHING: ReadonlySet<string> = new Set();

export class ArtifactWatch {
  /** Another attempt ran at the same place at the same time. */
  isShared = false;
  readonly #subject: WatchSubject;
  readonly #lines: ClientLines;
  readonly #roots: readonly Root[];
  readonly #known = new Map<string, Known>();
  #problems = new Set<string>();

  /** `offset`: of the client stream, up to which everything is known. */
  constructor(subject: WatchSubject, offset: number) {
    this.#subject = subject;
    this.#lines = new ClientLines(attemptPaths(subject.dir).client, offset);
    this.#roots = rootsOf(subject);
  }

  get cwd(): string | undefined {
    return this.#subject.cwd;
  }

  /** What the program has named since. `last`: to the end. Throws the system's error. */
  named(last: boolean, nowMs: number): FoundArtifact[] {
    const found: NamedFile[] = [];
    for (;;) {
      const { named, more } = this.#lines.read(LINES_BYTES_PER_LOOK);
      found.push(...named);
      if (!last || !more) break;
    }
    return found.map(({ end, path, name, called, kind, step, at }) => ({
      origin: `c${end}`,
      name,
      kind,
      ...(step !== undefined && { step }),
      at: Math.round(at ?? nowMs),
      source: path,
      reason: called === undefined ? "" : `the program called it ${JSON.stringify(called.slice(0, 200))}`,
    }));
  }

  /** Files that are there and settled; `last`: that are there. */
  async present(last: boolean, nowMs: number): Promise<FoundArtifact[]> {
    const found: FoundArtifact[] = [];
    for (const root of this.#roots) {
      // The usual case, and a device waits for the last look.
      if (isEmpty(root.path)) continue;
      for (const glob of root.globs) {
        const { files, cut } = await filesMatching(root.path, glob, root.skip);
        if (cut) this.#problems.add(CUT);
        for (const file of files) {
          if (file.changedMs < this.#subject.startedMs - SLACK_MS && root.isOpen) continue;
          if (this.#isDue(file, last, nowMs)) found.push(this.#artifactOf(root, file, nowMs));
        }
      }
    }
    return found;
  }

  /** What people should know, each once. */
  takeProblems(): string[] {
    const problems = [...this.#problems].filter((problem) => problem !== "");
    if (problems.length > 0) this.#problems = new Set([""]);
    return problems;
  }

  #isDue(file: SeenFile, last: boolean, nowMs: number): boolean {
    const stamp = `${file.bytes} ${file.changedMs} ${file.inode}`;
    const before = this.#known.get(file.path);
    const known: Known =
      before?.stamp === stamp
        ? before
        : { againMs: 0, waitMs: AGAIN_MS, ...before, stamp, sinceMs: Math.min(nowMs, Math.max(file.changedMs, 0)) };
    this.#known.set(file.path, known);
    if (known.taken === stamp) return false;
    const isSettled = before?.stamp === stamp && nowMs - known.sinceMs >= SETTLED_MS && nowMs >= known.againMs;
    if (!last && !isSettled) return false;
    const waitMs = Math.min(AGAIN_MS_MAX, known.waitMs * 2);
    this.#known.set(file.path, { ...known, taken: stamp, againMs: nowMs + known.waitMs, waitMs });
    return true;
  }

  #artifactOf(root: Root, file: SeenFile, nowMs: number): FoundArtifact {
    const isUnclear = root.isOpen && this.isShared;
    return {
      origin: isUnclear ? "x" : "g",
      name: artifactName(file.name),
      kind: root.kind,
      at: Math.round(nowMs),
      source: file.path,
      within: root.path,
      reason: isUnclear ? SHARED : "",
    };
  }
}

/** Of those that may be of another run, so many are named. */
export function isNamedAnyway(count: number): boolean {
  return count < SHARED_NAMED_MAX;
}

function rootsOf({ dir, cwd, globs }: WatchSubject): Root[] {
  const paths = attemptPaths(dir);
  const roots: Root[] = [];
  const add = (path: string, wanted: readonly string[], kind: string, isOpen: boolean, skip = NOTHING) => {
    const real = wanted.length > 0 ? realPath(path) : undefined;
    if (real !== undefined && !roots.some((root) => root.path === real)) {
      roots.push({ path: real, globs: wanted, kind, skip, isOpen });
    }
  };
  add(paths.artifacts, ["**/*"], FILE_KIND, false);
  // "checkpoints/*.pt" is meant of the directory of the run, wherever the command runs.
  const ofCheckpoints = globs.flatMap((glob) => {
    const rest = /^(?:\.\/)?checkpoints\/(.+)$/.exec(glob)?.[1];
    return rest === undefined ? [] : [rest];
  });
  add(paths.checkpoints, ofCheckpoints, CHECKPOINT_KIND, false);
  const isOwnPlace = cwd !== undefined && (cwd === paths.code || cwd.startsWith(`${paths.code}/`));
  if (cwd !== undefined && cwd !== dir) add(cwd, globs, FILE_KIND, !isOwnPlace);
  add(dir, globs, FILE_KIND, false, OURS);
  return roots;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** True also for a folder that is not there. */
function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return true;
  }
}
