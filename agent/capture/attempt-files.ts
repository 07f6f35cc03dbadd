/** The files of metrics of one attempt: finds them, and reads on in each. */
import { basename, dirname, relative, resolve } from "node:path";
import { CAPTURE_DEFAULTS, type CaptureOptions } from "../../shared/capture/options.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { FileEntry } from "./checkpoint.ts";
import type { Claimant, Claims } from "./claims.ts";
import type { FileFinder, FoundFile } from "./find-files.ts";
import { type FilePoint, type MetricFile, openCsvFile, openEventFile } from "./metric-file.ts";
import { matchesPath, splitGlob } from "./path-glob.ts";

const EVENT_FILE = /^events\.out\.tfevents\./;
const CSV_FILE = /\.[ct]sv$|\.log$|\.txt$/i;
/** Where writers put their event files unless told otherwise. */
const TENSORBOARD_FOLDERS = ["runs", "lightning_logs", "logs", "tb_logs"];
const DEPTH = 5;
const FILES_MAX = 200;
/** Clocks of file systems are coarse. */
const SLACK_MS = 50;
/** Folders that writers of one run keep apart by name. */
const SPLITS = /^(?:train|training|val|valid|validation|test|eval|evaluation)$/;

interface Followed extends FileEntry {
  readonly file: MetricFile;
}

export interface AttemptFilesOptions {
  readonly capture: CaptureOptions;
  readonly dir: string;
  readonly cwd: string | undefined;
  readonly me: Claimant;
  readonly claims: Claims;
  readonly finder: FileFinder;
  readonly entries: readonly FileEntry[];
  /** CSV files that were there before the attempt, and their size then. */
  readonly earlier: { readonly [path: string]: number };
  readonly unclear: readonly string[];
}

/** Folders below which the files of an attempt may be. */
export function rootsOf(capture: CaptureOptions, dir: string, cwd: string | undefined): string[] {
  const roots: string[] = [];
  if (capture.tensorboard) {
    roots.push(dir);
    for (const folder of eventFolders(capture)) if (cwd) roots.push(resolve(cwd, folder));
  }
  for (const place of placesOf(dir, cwd)) for (const glob of capture.csv) roots.push(csvPlace(place, glob).root);
  return [...new Set(roots)];
}

interface CsvPlace {
  readonly root: string;
  readonly rest: readonly string[];
  readonly depth: number;
}

function csvPlace(place: string, glob: string): CsvPlace {
  const { folder, rest } = splitGlob(glob);
  return { root: resolve(place, folder), rest, depth: rest.includes("**") ? DEPTH : rest.length - 1 };
}

function placesOf(dir: string, cwd: string | undefined): readonly string[] {
  return cwd === undefined || cwd === dir ? [dir] : [dir, cwd];
}

function eventFolders(capture: CaptureOptions): readonly string[] {
  return [...TENSORBOARD_FOLDERS, ...capture.tensorboardDirs];
}

export class AttemptFiles {
  readonly #options: AttemptFilesOptions;
  readonly #followed: Followed[];
  readonly #known: Set<string>;
  /** Files that may be of several runs; from then on only a process tells. */
  readonly #unclear: Set<string>;
  readonly #problems: string[] = [];
  /** Where event files may be besides its directory. */
  readonly #eventRoots: readonly string[];
  readonly #csvPlaces: readonly CsvPlace[];
  readonly earlier: { [path: string]: number };

  constructor(options: AttemptFilesOptions) {
    this.#options = options;
    const { capture, dir, cwd } = options;
    this.#eventRoots = cwd === undefined ? [] : eventFolders(capture).map((folder) => resolve(cwd, folder));
    this.#csvPlaces = placesOf(dir, cwd).flatMap((place) => capture.csv.map((glob) => csvPlace(place, glob)));
    this.#followed = options.entries.map(follow);
    this.#known = new Set(options.entries.map(({ path }) => path));
    this.#unclear = new Set(options.unclear);
    this.earlier = { ...options.earlier };
  }

  /** As far as they were read, for the checkpoint. */
  entries(): FileEntry[] {
    return this.#followed.map(({ path, kind, prefix, file }) => ({ path, kind, prefix, place: file.place }));
  }

  get unclear(): string[] {
    return [...this.#unclear];
  }

  /** Notes the CSV files that are there before the program has begun; true when there are any. */
  noteEarlier(nowMs: number): boolean {
    // The usual ones get a folder of their own for each run.
    if (this.#options.capture.csv === CAPTURE_DEFAULTS.csv) return false;
    for (const found of this.#csvFiles(0, nowMs)) {
      if (found.changedMs < this.#options.me.startedMs) this.earlier[found.path] = found.bytes;
    }
    return Object.keys(this.earlier).length > 0;
  }

  /** True when a file was found that was not known. */
  look(ageMs: number, nowMs: number): boolean {
    const before = this.#followed.length;
    if (this.#options.capture.tensorboard) {
      for (const found of this.#eventFiles(ageMs, nowMs)) this.#consider(found, "tensorboard");
    }
    for (const found of this.#csvFiles(ageMs, nowMs)) this.#consider(found, "csv");
    return this.#followed.length > before;
  }

  /** Hands on what is new, by file. */
  read(visit: (index: number, kind: FileEntry["kind"], points: readonly FilePoint[]) => void): void {
    for (const [index, { kind, file, path }] of this.#followed.entries()) {
      try {
        const points = file.read();
        if (points.length > 0) visit(index, kind, points);
        const problem = file.takeProblem();
        if (problem !== undefined) this.#say(problem);
      } catch (error) {
        this.#say(`${path}: ${errorMessage(error)}`);
      }
    }
  }

  /** What people should know, each once. `last`: what is unclear now remains so. */
  takeProblems(last: boolean): string[] {
    const unclear = last ? [...this.#unclear] : [];
    const lines = unclear.map(
      (path) => `${path} may be of another run: write it below $EXP_RUN_DIR to have its metrics`,
    );
    return [...this.#problems.splice(0), ...lines];
  }

  #consider(found: FoundFile, kind: FileEntry["kind"]): void {
    if (this.#known.has(found.path)) return;
    const earlier = kind === "csv" ? this.earlier[found.path] : undefined;
    const { me, claims } = this.#options;
    // A file that was there before counts from where it ended, once somebody goes on with it.
    if (kind === "csv" && earlier === undefined && found.bornMs < me.startedMs - SLACK_MS) return;
    const isUntouched = earlier !== undefined && earlier === found.bytes;
    const claim = isUntouched ? "not-mine" : claims.of(found, me, !this.#unclear.has(found.path));
    if (claim === "unclear") this.#unclear.add(found.path);
    if (claim !== "mine") return;
    this.#unclear.delete(found.path);
    this.#known.add(found.path);
    if (this.#followed.length >= FILES_MAX) {
      this.#say(`more than ${FILES_MAX} files of metrics: ${found.path} and further ones are left out`);
      return;
    }
    const place =
      kind === "csv" && earlier !== undefined && found.bytes > earlier ? rowsWithin(found.path, earlier) : 0;
    this.#followed.push(
      follow({ path: found.path, kind, prefix: kind === "csv" ? "" : this.#prefixOf(found.path), place }),
    );
  }

  /** Of several writers each but the first is told by its folder, seen from that of the first. */
  #prefixOf(path: string): string {
    const folder = dirname(path);
    const first = this.#followed.find(({ kind }) => kind === "tensorboard");
    const own = SPLITS.test(basename(folder)) ? `${basename(folder)}/` : "";
    if (!first || dirname(first.path) === folder) return first?.prefix ?? own;
    const home = first.prefix === "" ? dirname(first.path) : dirname(dirname(first.path));
    const way = relative(home, folder)
      .split("/")
      .filter((part) => part !== "..")
      .join("/");
    return way === "" ? own : `${way}/`;
  }

  #eventFiles(ageMs: number, nowMs: number): FoundFile[] {
    const { dir, finder } = this.#options;
    return distinct([
      ...finder.find(dir, EVENT_FILE, DEPTH, 0, nowMs),
      ...this.#eventRoots.flatMap((root) => finder.find(root, EVENT_FILE, DEPTH, ageMs, nowMs)),
    ]);
  }

  #csvFiles(ageMs: number, nowMs: number): FoundFile[] {
    const { finder } = this.#options;
    return distinct(
      this.#csvPlaces.flatMap(({ root, rest, depth }) =>
        finder
          .find(root, CSV_FILE, depth, ageMs, nowMs)
          .filter(({ path }) => matchesPath(relative(root, path).split("/"), rest)),
      ),
    );
  }

  #say(problem: string): void {
    this.#problems.push(problem);
  }
}

function follow(entry: FileEntry): Followed {
  const { path, kind, prefix, place } = entry;
  return { ...entry, file: kind === "csv" ? openCsvFile(path, place) : openEventFile(path, prefix, place) };
}

function rowsWithin(path: string, bytes: number): number {
  const file = openCsvFile(path, 0, bytes);
  file.read();
  return file.place;
}

function distinct(files: readonly FoundFile[]): FoundFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}
