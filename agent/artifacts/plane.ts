/**
 * Artifacts of this host on their way to the coordinator. Each is journaled when it is known, copied ("staged") as it is at one
 * moment, told of, and sent; then told of again. All of it goes on wherever a killed agent left it. One thing at a time, with
 * pauses: nothing here may disturb a heartbeat or the output. A run's end waits only until the journal knows what it keeps; its
 * directory stays until everything is staged, its devices do not.
 */
import { existsSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NoteArtifactsRequest } from "../../proto/gen/runner/v1/store.ts";
import { ArtifactVerdict as Verdict } from "../../proto/gen/runner/v1/store.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import { ARTIFACTS_PER_ATTEMPT_MAX, CHECKPOINT_KIND } from "../../shared/run/artifacts.ts";
import type { ArtifactJournal } from "../journal.ts";
import { attemptDir } from "../process/attempt-dir.ts";
import { noteOf } from "./note.ts";
import { type ArtifactRow, isDone, placeOf } from "./row.ts";
import { type ContentSender, sendArtifact } from "./send.ts";
import { roomOn, stage } from "./stage.ts";
import { startStepLoop } from "./step-loop.ts";
import { createArtifactTable } from "./table.ts";
import { ArtifactWatch, type FoundArtifact, isNamedAnyway, type WatchSubject } from "./watch.ts";

export interface ArtifactSubject extends WatchSubject {
  readonly runId: string;
  readonly attempt: number;
  /** Newest checkpoints that the sweep keeps, where it keeps no others; 0: all. */
  readonly keepLast: number;
}

export interface ArtifactPlaneOptions {
  readonly workdir: string;
  readonly journal: ArtifactJournal;
  readonly sender: ContentSender;
  /** What each is told; durable when it resolves. */
  readonly note: (request: NoteArtifactsRequest) => Promise<readonly Verdict[]>;
  readonly wallMs: () => number;
  readonly random: () => number;
  readonly logger: {
    debug(fields: object, message: string): void;
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export interface ArtifactPlane {
  /** Follows an attempt that runs, from where an earlier agent stopped. */
  watch(fence: Fence, subject: ArtifactSubject): void;
  /** The last look, when no process of the attempt is left. Resolves when the journal knows what it keeps. */
  end(fence: Fence): Promise<void>;
  /** Resolves when nothing in the attempt's directory is needed any more. */
  taken(fence: Fence): Promise<void>;
  /** Attempts that have something here. */
  fences(): Fence[];
  /** The last checkpoint that this host has of a run, of attempts before `fence`; undefined where it has none. */
  lastCheckpoint(runId: string, fence: Fence): (ArtifactRow & { readonly path: string }) | undefined;
  /** A staged file with this content. */
  local(hash: string): string | undefined;
  /** The coordinator is there again. */
  wake(): void;
  stats(): { readonly waiting: number; readonly bytes: number; readonly problem: string };
  close(): Promise<void>;
}

const LOOK_MS = 300;
const GLOBS_EVERY_MS = 3_000;
const NOTES_PER_CALL = 500;
/** A file that a program goes on writing to is looked at so often. */
const SETTLE_TRIES = 20;
const SETTLE_MS = 1_000;
const GOODBYE_MS = 1_000;
/** Clocks of file systems are coarse. */
const SLACK_MS = 20;

interface Followed {
  readonly subject: ArtifactSubject;
  readonly watch: ArtifactWatch;
  nextGlobsMs: number;
  looking: Promise<void> | undefined;
}

export function createArtifactPlane(options: ArtifactPlaneOptions): ArtifactPlane {
  const { journal, sender, note, wallMs, random, logger } = options;
  const workdir = realpathSync(options.workdir);
  const folderOf = ({ fence, seq }: Pick<ArtifactRow, "fence" | "seq">) =>
    join(workdir, "artifacts", String(fence), String(seq));
  const table = createArtifactTable(journal, () => stopping.signal.aborted);
  const followed = new Map<Fence, Followed>();
  const takenWaiters = new Map<Fence, (() => void)[]>();
  /** How often a found file was looked at without success, by its folder. */
  const tries = new Map<string, { count: number; atMs: number }>();
  /** Attempts whose directory is gone or going: their rows need not be known for another look. */
  const released = new Set<Fence>();
  const stopping = new AbortController();
  let sending: ArtifactRow | undefined;
  let problem = "";

  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  const loop = startStepLoop({
    step,
    random,
    onProblem: (error) => {
      const said = errorMessage(error);
      if (said !== problem) logger.warn({ error: said }, "artifacts wait; they are tried again");
      problem = said;
    },
    onMended: () => {
      logger.info({}, "artifacts are on their way again");
      problem = "";
    },
  });

  function look(): void {
    const nowMs = wallMs();
    for (const [fence, follow] of followed) {
      try {
        register(fence, follow, follow.watch.named(false, nowMs));
      } catch (error) {
        logger.debug({ fence, error: errorMessage(error) }, "client stream not read for artifacts");
      }
      if (nowMs < follow.nextGlobsMs || follow.looking) continue;
      follow.nextGlobsMs = nowMs + GLOBS_EVERY_MS;
      follow.looking = lookAtFiles(fence, follow, false).finally(() => {
        follow.looking = undefined;
      });
    }
  }

  async function lookAtFiles(fence: Fence, follow: Followed, last: boolean): Promise<void> {
    try {
      const startMs = performance.now();
      register(fence, follow, await follow.watch.present(last, wallMs()));
      follow.nextGlobsMs = Math.max(follow.nextGlobsMs, wallMs() + (performance.now() - startMs) * 50);
      for (const text of follow.watch.takeProblems()) logger.warn({ fence }, text);
    } catch (error) {
      logger.warn({ fence, error: errorMessage(error) }, "files of [capture] artifacts not looked at");
    }
  }

  function register(fence: Fence, { subject }: Followed, found: readonly FoundArtifact[]): void {
    const known = table.of(fence);
    let seq = known.at(-1)?.seq ?? 0;
    let unclear = known.filter(({ origin }) => origin === "x").length;
    const made: ArtifactRow[] = [];
    for (const one of found) {
      if (seq > ARTIFACTS_PER_ATTEMPT_MAX) break;
      if (one.origin === "x" && !isNamedAnyway(unclear++)) continue;
      seq += 1;
      const isOver = seq > ARTIFACTS_PER_ATTEMPT_MAX;
      const { runId, attempt } = subject;
      const empty = { hash: "", folder: false, sizeBytes: 0, files: 0 };
      const row: ArtifactRow = {
        ...one,
        ...empty,
        fence,
        seq: Math.min(seq, ARTIFACTS_PER_ATTEMPT_MAX),
        runId,
        attempt,
        phase: "found",
      };
      if (isOver) {
        logger.warn(
          { fence, run: runId },
          `an attempt keeps at most ${ARTIFACTS_PER_ATTEMPT_MAX} files; the rest is left out`,
        );
        break;
      }
      made.push(one.origin === "x" ? { ...row, phase: "failed" } : row);
    }
    table.save(made);
    if (made.length > 0) {
      passOver(fence, subject.keepLast);
      loop.wake();
    }
  }

  /** What was replaced before it was sent need not be sent. What is being sent is, or nothing ever would be. */
  function passOver(fence: Fence, keepLast: number): void {
    const list = table.of(fence);
    const lastOf = new Map(list.filter(({ phase }) => phase !== "failed").map((row) => [placeOf(row), row.seq]));
    const checkpoints = list.filter(({ kind, phase }) => kind === CHECKPOINT_KIND && phase !== "failed");
    const kept = new Set(keepLast > 0 ? checkpoints.slice(-keepLast) : checkpoints);
    const gone: ArtifactRow[] = [];
    for (const row of list) {
      if (row.phase !== "found" && row.phase !== "staged") continue;
      if (sending?.fence === row.fence && sending.seq === row.seq) continue;
      const isReplaced = lastOf.get(placeOf(row)) !== row.seq;
      const isOld = row.kind === CHECKPOINT_KIND && !kept.has(row);
      if (isReplaced || isOld) gone.push(failed(row, "a newer one came before it was sent"));
    }
    table.save(gone);
  }

  /** True where something was done. Throws where the coordinator is away, or the host's disk fails. */
  async function step(): Promise<boolean> {
    const found = nextFound();
    if (found) {
      await stageOne(found);
      return true;
    }
    if (await tellSome()) return true;
    const next = nextStaged();
    if (!next) return false;
    sending = next;
    try {
      await sendOne(next);
    } finally {
      sending = undefined;
    }
    return true;
  }

  function nextFound(): ArtifactRow | undefined {
    const nowMs = performance.now();
    for (const row of table.all()) {
      if (row.phase === "found" && (tries.get(folderOf(row))?.atMs ?? 0) <= nowMs) return row;
    }
    return undefined;
  }

  /** Checkpoints first: another attempt may be waiting for one. */
  function nextStaged(): ArtifactRow | undefined {
    const staged = [...table.all()].filter(({ phase, told }) => phase === "staged" && told === "staged");
    return staged.find(({ kind }) => kind === CHECKPOINT_KIND) ?? staged[0];
  }

  async function stageOne(row: ArtifactRow): Promise<void> {
    const into = folderOf(row);
    const room = await roomOn(workdir);
    const { source, within } = row;
    const own = attemptDir(workdir, row.fence);
    const staged = await stage({ source, within, workdir, own, into, room });
    const follow = followed.get(row.fence);
    if (follow) register(row.fence, follow, follow.watch.named(false, wallMs()));
    // It may have been replaced meanwhile.
    if (table.row(row)?.phase !== "found") return void (await rm(into, { recursive: true, force: true }));
    const tried = (tries.get(into)?.count ?? 0) + 1;
    const again = (count: number, ms: number) => void tries.set(into, { count, atMs: performance.now() + ms });
    if ("problem" in staged) {
      const isRoomToCome = staged.again === "room" && [...table.all()].some(({ phase }) => phase === "staged");
      if (isRoomToCome) return again(0, SETTLE_MS);
      if (staged.again === "settling" && tried < SETTLE_TRIES) return again(tried, SETTLE_MS);
      logger.warn({ fence: row.fence, name: row.name, reason: staged.problem }, "artifact left out");
      table.save([failed(row, staged.problem)]);
    } else {
      const { changedMs, ...content } = staged;
      // What the program named was written over since, or is still being written: a later line tells which.
      if (row.within === undefined && changedMs > row.at + SLACK_MS) {
        if (isNamedAgain(row)) table.save([failed(row, "the program wrote over it before it was copied")]);
        else if (tried < 2 && follow) return again(tried, SETTLE_MS);
      }
      if (table.row(row)?.phase === "found") table.save([{ ...row, ...content, phase: "staged" }]);
    }
    tries.delete(into);
    checkTaken(row.fence);
  }

  function isNamedAgain({ fence, seq, source }: ArtifactRow): boolean {
    return table.of(fence).some((row) => row.seq > seq && row.source === source);
  }

  async function tellSome(): Promise<boolean> {
    const untold = [...table.all()].filter(({ phase, told }) => phase !== told).slice(0, NOTES_PER_CALL);
    if (untold.length === 0) return false;
    const verdicts = await note({ artifacts: untold.map(noteOf) });
    const changed: ArtifactRow[] = [];
    const unwanted = new Set<Fence>();
    for (const [i, row] of untold.entries()) {
      const current = table.row(row);
      if (!current) continue;
      if (verdicts[i] === Verdict.ARTIFACT_VERDICT_UNWANTED) unwanted.add(row.fence);
      // It was there and is not any more: it is sent again.
      else if (verdicts[i] === Verdict.ARTIFACT_VERDICT_MISSING) changed.push(lost(current));
      else changed.push({ ...current, told: row.phase });
    }
    table.save(changed);
    for (const row of changed) if (isDone(row)) await rm(folderOf(row), { recursive: true, force: true });
    for (const fence of unwanted) await drop(fence);
    for (const fence of new Set(untold.map((row) => row.fence))) checkTaken(fence);
    return true;
  }

  async function sendOne(row: ArtifactRow): Promise<void> {
    const problem = await sendArtifact(sender, folderOf(row), row, stopping.signal);
    const current = table.row(row);
    if (current?.phase !== "staged") return;
    if (problem === undefined) return table.save([{ ...current, phase: "sent" }]);
    logger.warn({ fence: row.fence, name: row.name, error: problem }, "the copy of an artifact is damaged");
    table.save([failed(current, "its copy at the host was damaged")]);
  }

  function lost(row: ArtifactRow): ArtifactRow {
    const isHere = existsSync(join(folderOf(row), row.hash));
    return isHere ? { ...row, phase: "staged" } : failed(row, "its content was lost at the coordinator");
  }

  function failed(row: ArtifactRow, reason: string): ArtifactRow {
    rm(folderOf(row), { recursive: true, force: true }).catch(() => undefined);
    return { ...row, phase: "failed", reason };
  }

  /** Lets go of an attempt that is over and of which nothing is left to do. */
  function checkTaken(fence: Fence): void {
    const list = table.of(fence);
    if (followed.has(fence) || list.some(({ phase }) => phase === "found")) return;
    for (const resolve of takenWaiters.get(fence) ?? []) resolve();
    takenWaiters.delete(fence);
    if (list.length === 0) released.delete(fence);
    else if (released.has(fence) && list.every(isDone)) void drop(fence);
  }

  async function drop(fence: Fence): Promise<void> {
    followed.delete(fence);
    table.remove(fence);
    released.delete(fence);
    await rm(join(workdir, "artifacts", String(fence)), { recursive: true, force: true });
    for (const resolve of takenWaiters.get(fence) ?? []) resolve();
    takenWaiters.delete(fence);
  }

  return {
    watch(fence, subject) {
      if (followed.has(fence)) return;
      const marks = table.of(fence).map(({ origin }) => (origin.startsWith("c") ? Number(origin.slice(1)) : 0));
      const watch = new ArtifactWatch(subject, Math.max(0, ...marks));
      for (const other of followed.values()) {
        if (subject.cwd === undefined || other.watch.cwd !== subject.cwd) continue;
        other.watch.isShared = true;
        watch.isShared = true;
      }
      followed.set(fence, { subject, watch, nextGlobsMs: 0, looking: undefined });
    },
    async end(fence) {
      const follow = followed.get(fence);
      if (!follow) return;
      await follow.looking;
      try {
        register(fence, follow, follow.watch.named(true, wallMs()));
      } catch (error) {
        logger.warn({ fence, error: errorMessage(error) }, "client stream not read for artifacts");
      }
      await lookAtFiles(fence, follow, true);
      followed.delete(fence);
      checkTaken(fence);
    },
    taken(fence) {
      released.add(fence);
      return new Promise((resolve) => {
        takenWaiters.set(fence, [...(takenWaiters.get(fence) ?? []), resolve]);
        checkTaken(fence);
      });
    },
    fences: () => table.fences(),
    lastCheckpoint(runId, fence) {
      const own = [...table.all()].filter(
        (row) => row.runId === runId && row.fence < fence && row.kind === CHECKPOINT_KIND && row.phase === "staged",
      );
      const last = own.at(-1);
      return last && { ...last, path: join(folderOf(last), last.hash) };
    },
    local(hash) {
      for (const row of table.all()) {
        const path = row.phase === "staged" || row.phase === "sent" ? join(folderOf(row), hash) : undefined;
        if (path !== undefined && existsSync(path)) return path;
      }
      return undefined;
    },
    wake: () => loop.wake(),
    stats() {
      const waiting = [...table.all()].filter(({ phase }) => phase === "found" || phase === "staged");
      return { waiting: waiting.length, bytes: waiting.reduce((sum, row) => sum + row.sizeBytes, 0), problem };
    },
    async close() {
      clearInterval(timer);
      stopping.abort();
      await Promise.race([loop.close(), sleep(GOODBYE_MS)]);
    },
  };
}
