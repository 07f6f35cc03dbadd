/** Files: the results directory of a run, as EXP or ztxexp know it. Our own files and checkpoints stay behind. */
import { existsSync } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, posix, sep } from "node:path";
import type { FilesRequest, FilesResponse } from "../../../proto/gen/runner/v1/control.ts";
import { AppError, systemCode } from "../../../shared/kernel/errors.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { runDirectory } from "../../results/run-directory.ts";
import type { ReadDeps } from "./deps.ts";
import { readRange } from "./stored-file.ts";

/** What each of the two programs knows; a name with a slash is a folder and all that is in it. */
const LAYOUTS: { readonly [layout: string]: readonly string[] } = {
  exp: ["metadata.json", "terminal_logs/", "metrics/", "artifacts/"],
  ztxexp: [
    "config.json",
    "run.json",
    "meta.json",
    "metrics.json",
    "metrics.jsonl",
    "events.jsonl",
    "run.log",
    "error.log",
    "artifacts/",
  ],
};

const EMPTY: FilesResponse = {
  directory: "",
  none: "",
  path: "",
  size: 0,
  modifiedAt: 0,
  data: Buffer.alloc(0),
};

/**
 * A reused run is the one that it stands for. Of a file that grows meanwhile the bytes come that it had at first. Throws
 * AppError for a reference that fails and an unknown layout.
 */
export const files = (deps: ReadDeps) =>
  async function* (request: FilesRequest, signal: AbortSignal): AsyncGenerator<FilesResponse> {
    const parts = LAYOUTS[request.layout];
    if (!parts) {
      throw new AppError("invalid", `"${request.layout}" is no layout of results`, { id: "files.layout" });
    }
    const id = deps.queries.runs.outputRun(deps.queries.refs.resolveRun(request.ref).runId);
    const directory = runDirectory(deps.resultsRoot, deps.queries.record(id));
    const none = whyNone(deps, id, directory);
    if (none !== undefined) {
      yield { ...EMPTY, none };
      return;
    }
    yield { ...EMPTY, directory: basename(directory) };
    for (const path of await filesOf(directory, parts)) {
      for await (const part of readFile(directory, path)) {
        if (signal.aborted) return;
        yield part;
      }
    }
  };

function whyNone(deps: ReadDeps, id: RunId, directory: string): string | undefined {
  if (deps.queries.runs.get(id)?.prunedAt !== undefined) return "its results were removed by exp prune";
  if (existsSync(join(directory, "run.json"))) return undefined;
  const elsewhere = deps.queries.imports.directory(id);
  return elsewhere === undefined ? "it has no results yet" : `imported: its results are in ${elsewhere}`;
}

/** Paths from the directory, by name. */
async function filesOf(directory: string, parts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const part of parts) {
    if (!part.endsWith("/")) {
      if (existsSync(join(directory, part))) found.push(part);
      continue;
    }
    for (const entry of await entriesOf(join(directory, part))) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name).slice(directory.length + 1);
      found.push(path.split(sep).join(posix.sep));
    }
  }
  // What is being written for the moment has this ending.
  return found.filter((path) => !path.endsWith(".new")).sort();
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true, recursive: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Nothing for a file that went meanwhile, or for a link that leads out of the directory. */
async function* readFile(directory: string, path: string): AsyncGenerator<FilesResponse> {
  const file = await openWithin(directory, path);
  if (!file) return;
  try {
    const { size, mtimeMs } = await file.stat();
    yield { ...EMPTY, path, size, modifiedAt: Math.round(mtimeMs) };
    for await (const data of readRange(file, 0, size)) yield { ...EMPTY, data: Buffer.from(data) };
  } finally {
    await file.close();
  }
}

async function openWithin(directory: string, path: string) {
  try {
    const [root, target] = [await realpath(directory), await realpath(join(directory, path))];
    if (!target.startsWith(root + sep) || !(await stat(target)).isFile()) return undefined;
    return await open(target, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
