/**
 * Files of a run's results directory: listed, and sent to be saved. Programs write there what they like, links, pipes and
 * pages with scripts included: no link is followed, nothing but plain files is opened, and no browser shows one as a page.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Hono } from "hono";
import { AppError, systemCode } from "../../shared/kernel/errors.ts";
import type { FilesAnswer } from "../../shared/run/dashboard.ts";
import { runDirectory } from "../results/run-directory.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import { readRange } from "../rpc/control/stored-file.ts";
import type { HttpEnv } from "./guard.ts";
import { answer, named } from "./route.ts";
import { type StreamSlots, streamBody } from "./stream-body.ts";

const FILES_MAX = 2_000;
const DEPTH_MAX = 16;
const PATH_CHARS_MAX = 2_000;
/** Our own, at the top of the directory. */
const OWN_FOLDER = ".exp";

export function addFiles(api: Hono<HttpEnv>, deps: ReadDeps, slots: StreamSlots): void {
  /** A reused run has the files of the one that it stands for. */
  function placeOf(ref: string): { readonly directory: string; readonly none: string | null } {
    const id = deps.queries.runs.outputRun(deps.queries.refs.resolveRun(ref).runId);
    const imported = deps.queries.imports.directory(id);
    const pruned = deps.queries.runs.get(id)?.prunedAt !== undefined;
    return {
      directory: runDirectory(deps.resultsRoot, deps.queries.record(id)),
      none: pruned
        ? "its results were removed by exp prune"
        : imported === undefined
          ? null
          : `imported: its results are in ${imported}`,
    };
  }

  answer(api, "runFiles", async (c) => {
    const { directory, none } = placeOf(named(c, "ref"));
    const body: FilesAnswer =
      none === null ? { ...(await listFiles(directory)), none } : { files: [], more: false, none };
    return c.json(body);
  });

  answer(api, "runFile", async (c, query) => {
    const path = query.path ?? "";
    const { directory } = placeOf(named(c, "ref"));
    const file = isPlainPath(path) ? await openWithin(directory, path) : undefined;
    if (!file) {
      const shown = JSON.stringify(path.slice(0, 200));
      throw new AppError("not_found", `the run has no file ${shown}`, { id: "files.unknown" });
    }
    const { size } = await file.stat();
    c.header("Content-Disposition", `attachment; filename*=UTF-8''${encodeName(basename(path))}`);
    c.header("Content-Security-Policy", "sandbox; default-src 'none'");
    // Of a file that grows meanwhile the bytes come that it had at first.
    return streamBody(c, slots, "application/octet-stream", false, async function* () {
      try {
        yield* readRange(file, 0, size);
      } finally {
        await file.close();
      }
    });
  });
}

async function listFiles(directory: string): Promise<Pick<FilesAnswer, "files" | "more">> {
  const root = await ifThere(() => realpath(directory));
  if (root === undefined) return { files: [], more: false };
  const paths: string[] = [];
  const folders: { readonly path: string; readonly depth: number }[] = [{ path: "", depth: 0 }];
  for (let folder = folders.shift(); folder && paths.length <= FILES_MAX; folder = folders.shift()) {
    for (const entry of await entriesOf(join(root, folder.path))) {
      const path = folder.path === "" ? entry.name : `${folder.path}/${entry.name}`;
      if (path === OWN_FOLDER || path.endsWith(".new")) continue;
      if (entry.isDirectory() && folder.depth < DEPTH_MAX) folders.push({ path, depth: folder.depth + 1 });
      else if (entry.isFile()) paths.push(path);
    }
  }
  const files = [];
  for (const path of paths.slice(0, FILES_MAX).sort()) {
    const found = await ifThere(() => lstat(join(root, path)));
    if (found?.isFile()) files.push({ path, sizeBytes: found.size, modifiedAt: Math.round(found.mtimeMs) });
  }
  return { files, more: paths.length > FILES_MAX };
}

/** Nothing for a folder that became a link meanwhile. */
async function entriesOf(folder: string) {
  const entries = (await ifThere(() => readdir(folder, { withFileTypes: true }))) ?? [];
  return (await ifThere(() => realpath(folder))) === folder ? entries : [];
}

/** No way up, no absolute path, nothing of ours. */
function isPlainPath(path: string): boolean {
  const parts = path.split("/");
  const plain = parts.every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
  return plain && path.length <= PATH_CHARS_MAX && !path.includes("\\") && parts[0] !== OWN_FOLDER;
}

/** A plain file that lies in the directory itself, not behind a link on the way; undefined for anything else. */
async function openWithin(directory: string, path: string): Promise<FileHandle | undefined> {
  const root = await ifThere(() => realpath(directory));
  if (root === undefined) return undefined;
  const wanted = join(root, path);
  // A pipe would wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await ifThere(() => open(wanted, flags));
  if (!file) return undefined;
  try {
    if ((await file.stat()).isFile() && (await liesAt(file, wanted))) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/**
 * Whether what was opened is what lies at `path`, without any link on the way. Linux says where an open file lies; elsewhere
 * the path is looked at again, which somebody who is quick enough can deceive.
 */
async function liesAt(file: FileHandle, path: string): Promise<boolean> {
  const said = await ifThere(() => readlink(`/proc/self/fd/${file.fd}`));
  if (said !== undefined) return said === path;
  const [opened, there, real] = [
    await file.stat(),
    await ifThere(() => stat(path)),
    await ifThere(() => realpath(path)),
  ];
  return real === path && opened.ino === there?.ino && opened.dev === there.dev;
}

/** Undefined where there is no such thing, or it is a link. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENAMETOOLONG"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** As RFC 8187 wants it. */
export function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}
