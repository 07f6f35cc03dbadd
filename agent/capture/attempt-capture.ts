/**
 * Capture of one attempt: what its program prints and which files it writes, made into lines of the client stream. Nothing of
 * it waits for the program or is waited for by it. Points of the output are held back for a moment, so that a program
 * which also logs them itself is known by then, and they are not doubled.
 */
import type { CaptureOptions } from "../../shared/capture/options.ts";
import { compilePattern } from "../../shared/capture/pattern.ts";
import { attemptMarker, attemptPaths } from "../process/attempt-dir.ts";
import { AttemptFiles, rootsOf } from "./attempt-files.ts";
import { type Checkpoint, NO_CHECKPOINT, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { Claimant, Claims } from "./claims.ts";
import { ClientLog, type OwnLine, PROGRESS_NAME } from "./client-log.ts";
import type { FileFinder } from "./find-files.ts";
import { MetricNames } from "./names.ts";
import { type Found, OutputReader } from "./output-reader.ts";
import type { Point } from "./parse/captured.ts";
import { LineReader } from "./parse/line.ts";
import { ProgressKeeper } from "./progress.ts";

const HOLD_MS = 1_000;
/** Lines that wait, for a moment or for room on the disk; the rest stays in its files until then. */
const WAITING_MAX = 40_000;
const CHECKPOINT_EVERY_MS = 10_000;
const FILES_EVERY_MS = 2_000;
/** Looking at files takes at most one part in so many of the time. */
const FILES_REST_FACTOR = 50;
const COMPLAIN_EVERY_MS = 10_000;
const FINISH_BYTES_MAX = 128 * 1024 * 1024;

export interface AttemptCaptureOptions {
  readonly dir: string;
  readonly cwd: string | undefined;
  readonly capture: CaptureOptions;
  /** Unix ms. */
  readonly startedMs: number;
  readonly claims: Claims;
  readonly finder: FileFinder;
}

/** The time of a look: monotonic ms, and Unix seconds. */
export interface Now {
  readonly ms: number;
  readonly seconds: number;
}

interface Held extends Found {
  readonly since: Now;
}

export class AttemptCapture {
  readonly #options: AttemptCaptureOptions;
  readonly #client: ClientLog;
  readonly #names: MetricNames;
  readonly #output: OutputReader | undefined;
  readonly #files: AttemptFiles | undefined;
  readonly #me: Claimant;
  readonly #progress = new ProgressKeeper();
  #held: Held[] = [];
  #unwritten: OwnLine[] = [];
  /** The output is read up to here, and what it held is written. */
  #settled: { readonly offset: number; readonly passing: boolean };
  #nextFilesMs: number;
  #nextCheckpointMs: number;
  #nextComplaintMs = 0;
  #noted = "";
  #systemBytes = 0;

  /** Throws the system's error where the directory cannot be read. */
  constructor(options: AttemptCaptureOptions, now: Now) {
    const { dir, cwd, capture, startedMs, claims, finder } = options;
    this.#options = options;
    const known = readCheckpoint(dir);
    const from = known ?? NO_CHECKPOINT;
    this.#client = new ClientLog(attemptPaths(dir).client, from);
    const marks = this.#client.resume();
    this.#names = new MetricNames(this.#client.names);
    const mark = marks.get("out") ?? 0;
    // A mark is behind a line; whatever was read beyond it held nothing.
    this.#settled =
      mark >= from.output ? { offset: mark, passing: false } : { offset: from.output, passing: from.passing };
    if (capture.stdout.length > 0 || capture.patterns.length > 0) {
      const lines = new LineReader(capture.stdout, capture.patterns.flatMap(compiled));
      this.#output = new OutputReader(attemptPaths(dir).output, lines, this.#settled, now.ms);
    }
    this.#me = { marker: attemptMarker(dir), dir, roots: rootsOf(capture, dir, cwd), startedMs };
    if (capture.tensorboard || capture.csv.length > 0) {
      claims.add(this.#me);
      const entries = from.files.map((file, i) => ({ ...file, place: Math.max(file.place, marks.get(`f${i}`) ?? 0) }));
      this.#files = new AttemptFiles({
        capture,
        dir,
        cwd,
        me: this.#me,
        claims,
        finder,
        entries,
        earlier: from.earlier,
        unclear: from.unclear,
      });
      if (!known && this.#files.noteEarlier(now.ms)) this.#checkpoint(now);
    }
    this.#nextCheckpointMs = now.ms + CHECKPOINT_EVERY_MS;
    this.#nextFilesMs = now.ms + FILES_EVERY_MS;
  }

  /** Bytes of the client stream that say nothing of what the program does. */
  get systemBytes(): number {
    return this.#systemBytes;
  }

  /**
   * One look; reads at most about `bytesMax` of the output. True when lines were appended. Throws the system's error, after
   * which the next look goes on where this one was.
   */
  look(bytesMax: number, now: Now): boolean {
    this.#readOutput(bytesMax, false, now);
    if (now.ms >= this.#nextFilesMs) this.#readFiles(FILES_EVERY_MS / 2, now);
    this.#release(now.ms - HOLD_MS);
    this.#tell(false, now);
    const wrote = this.#write();
    if (now.ms >= this.#nextCheckpointMs) this.#checkpoint(now);
    return wrote;
  }

  /** The last look, when no process of the attempt is left. Throws the system's error. */
  finish(now: Now): void {
    this.#readOutput(FINISH_BYTES_MAX, true, now);
    this.#readFiles(0, now);
    this.#release(Number.POSITIVE_INFINITY);
    this.#tell(true, now);
    this.#write();
  }

  /** To be called once, whether it finished or not. `goesOn`: notes how far it is, for another agent. */
  close(now: Now, goesOn: boolean): void {
    this.#options.claims.end(this.#me, now.seconds * 1000);
    if (goesOn) this.#checkpoint(now);
  }

  /** Adds metrics of the host about this attempt. Throws the system's error. */
  addSystem(values: { readonly [name: string]: number }, now: Now): void {
    this.#systemBytes += this.#client.append([{ source: "sys", body: { e: "s", t: now.seconds, v: values } }]).bytes;
  }

  #readOutput(bytesMax: number, last: boolean, now: Now): void {
    if (this.#held.length + this.#unwritten.length > WAITING_MAX) return;
    this.#output?.read(bytesMax, last, now.ms, (found) => {
      if (found.point) this.#held.push({ ...found, since: now });
      if (found.progress) this.#progress.take(found.progress, now.ms);
    });
    if (this.#output) this.#settle();
  }

  #readFiles(ageMs: number, now: Now): void {
    const files = this.#files;
    // What could not be written comes first: places are noted only behind it.
    if (!files || this.#unwritten.length > 0) return;
    const startMs = performance.now();
    // Which file bears which number must be on disk before the first line that names it.
    if (files.look(ageMs, now.ms)) this.#checkpoint(now);
    this.#client.look();
    files.read((index, kind, points) => {
      for (const { place, ...point } of points) {
        const values = this.#names.take(point.values, kind);
        if (values.size > 0) this.#unwritten.push(pointLine(`f${index}`, place, { at: now.seconds, ...point, values }));
      }
    });
    this.#nextFilesMs = now.ms + Math.max(FILES_EVERY_MS, (performance.now() - startMs) * FILES_REST_FACTOR);
  }

  /** Lets go of the points that were held since before `beforeMs`. */
  #release(beforeMs: number): void {
    if (this.#held.length === 0 || (this.#held[0]?.since.ms ?? 0) > beforeMs) return;
    this.#client.look();
    const later = this.#held.findIndex(({ since }) => since.ms > beforeMs);
    const released = this.#held.splice(0, later < 0 ? this.#held.length : later);
    for (const { point, form, end, since } of released) {
      if (!point) continue;
      const values = this.#names.take(point.values, "output", form);
      if (values.size > 0) this.#unwritten.push(pointLine("out", end, { at: since.seconds, ...point, values }));
    }
  }

  /** Progress, what was passed over, and what cannot be read. */
  #tell(last: boolean, now: Now): void {
    if (!this.#client.names.has(PROGRESS_NAME)) {
      const bar = this.#progress.due(last, now.ms);
      if (bar) {
        const { done, total, rate, etaSeconds } = bar;
        this.#unwritten.push({
          source: "bar",
          body: { e: "p", t: now.seconds, i: done, n: total, rate, eta: etaSeconds },
        });
      }
    }
    if (!last && now.ms < this.#nextComplaintMs) return;
    this.#nextComplaintMs = now.ms + COMPLAIN_EVERY_MS;
    const warn = (body: { readonly [key: string]: unknown }) =>
      this.#unwritten.push({ source: "note", body: { e: "w", t: now.seconds, ...body } });
    const passed = this.#output?.takePassed();
    if (passed && passed.lines > 0)
      warn({ reason: "more lines with metrics in the output than are read", dropped: passed.lines });
    if (passed && passed.bytes > 0)
      warn({ reason: "the output came faster than it is read for metrics", droppedBytes: passed.bytes });
    for (const problem of this.#files?.takeProblems(last) ?? [])
      warn({ level: "warning", text: problem.slice(0, 2_000) });
  }

  #write(): boolean {
    if (this.#unwritten.length === 0) return false;
    const { lines } = this.#client.append(this.#unwritten);
    for (const { source, mark = 0 } of this.#unwritten.splice(0, lines)) {
      if (source === "out" && mark > this.#settled.offset) this.#settled = { offset: mark, passing: false };
    }
    this.#settle();
    return lines > 0;
  }

  #settle(): void {
    if (!this.#output || this.#held.length > 0 || this.#unwritten.length > 0) return;
    this.#settled = { offset: this.#output.offset, passing: this.#output.passing };
  }

  /** Not while something waits for room on the disk: places in files would be ahead of what is written. */
  #checkpoint(now: Now): void {
    this.#nextCheckpointMs = now.ms + CHECKPOINT_EVERY_MS;
    if (this.#unwritten.length > 0) return;
    const checkpoint: Checkpoint = {
      output: this.#settled.offset,
      passing: this.#settled.passing,
      scanned: this.#client.scanned,
      names: [...this.#client.names],
      files: this.#files?.entries() ?? [],
      earlier: this.#files?.earlier ?? {},
      unclear: this.#files?.unclear ?? [],
    };
    const text = JSON.stringify(checkpoint);
    if (text === this.#noted) return;
    writeCheckpoint(this.#options.dir, checkpoint);
    this.#noted = text;
  }
}

function compiled(text: string) {
  const result = compilePattern(text);
  // Checked where the sweep was submitted; an older file may hold what a newer agent refuses.
  return "pattern" in result ? [result.pattern] : [];
}

/** As the client writes a metric; NaN and infinities as the words that readers know. */
function pointLine(source: string, mark: number, { step, at, values }: Point): OwnLine {
  const v = Object.fromEntries(
    [...values].map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]),
  );
  return { source, mark, body: { e: "m", t: at, s: step, v } };
}
