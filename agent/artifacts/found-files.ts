/** Files below a folder that match a glob, at a slow pace and with bounds. No link to a folder is followed. */
import { lstat, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { matchesPath, splitGlob } from "../capture/path-glob.ts";

export interface SeenFile {
  readonly path: string;
  /** From the root of the look, with "/". */
  readonly name: string;
  readonly bytes: number;
  readonly changedMs: number;
  readonly inode: number;
}

export interface Seen {
  readonly files: readonly SeenFile[];
  /** There is more than is looked at. */
  readonly cut: boolean;
}

const DEPTH_MAX = 16;
const ENTRIES_MAX = 50_000;
const FILES_MAX = 5_000;

/** `skip`: names at the root that are not looked into. Nothing where there is no such folder. */
export async function filesMatching(root: string, glob: string, skip: ReadonlySet<string>): Promise<Seen> {
  const { folder, rest } = splitGlob(glob);
  const found: SeenFile[] = [];
  const [top = ""] = folder.split("/");
  if (folder !== "" && skip.has(top)) return { files: found, cut: false };
  const isDeep = rest.includes("**");
  let entries = 0;
  let cut = false;
  const level: { readonly path: string; readonly parts: readonly string[] }[] = [
    { path: resolve(root, folder), parts: [] },
  ];
  for (let at = level.shift(); at && !cut; at = level.shift()) {
    for (const entry of await list(at.path)) {
      if (++entries > ENTRIES_MAX || found.length >= FILES_MAX) {
        cut = true;
        break;
      }
      const parts = [...at.parts, entry.name];
      if (folder === "" && parts.length === 1 && skip.has(entry.name)) continue;
      const full = join(at.path, entry.name);
      if (entry.isDirectory()) {
        const isWanted = isDeep ? parts.length < DEPTH_MAX : parts.length < rest.length;
        if (isWanted && !entry.name.startsWith(".")) level.push({ path: full, parts });
        continue;
      }
      if (!(entry.isFile() || entry.isSymbolicLink()) || !matchesPath(parts, rest)) continue;
      const status = await lstat(full).catch(() => undefined);
      if (!status) continue;
      const name = [...(folder === "" ? [] : [folder]), ...parts].join("/");
      found.push({ path: full, name, bytes: status.size, changedMs: status.mtimeMs, inode: status.ino });
    }
  }
  return { files: found, cut };
}

/** What a program makes and removes meanwhile, or keeps from us, is not there. */
async function list(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
