/** Results directories of runs, brought here file by file, each in its place when it is whole. */
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { assert } from "../../shared/kernel/assert.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Client } from "../client.ts";

export type Layout = "exp" | "ztxexp";

export type Brought =
  | { readonly kind: "written"; readonly directory: string; readonly bytes: number }
  /** There already. */
  | { readonly kind: "there"; readonly directory: string }
  | { readonly kind: "none"; readonly reason: string };

/** Folders that the two programs expect, empty or not. */
const FOLDERS: { readonly [layout in Layout]: readonly string[] } = {
  exp: ["terminal_logs", "metrics"],
  ztxexp: ["artifacts", "checkpoints"],
};
/** Where a directory grows: not a direct child, so that no tool takes half of one for a run. */
const STAGE = ".part";

/** Brings the directory of one run to `root`. What is there already is left alone: somebody may have gone on in it. */
export async function bringDirectory(client: Client, ref: string, layout: Layout, root: string): Promise<Brought> {
  let place: { readonly name: string; readonly stage: string } | undefined;
  let bytes = 0;
  let file: OpenFile | undefined;
  try {
    for await (const part of client.files({ ref, layout })) {
      if (part.none !== "") return { kind: "none", reason: part.none };
      if (part.directory !== "") {
        const name = safePath(part.directory);
        if (await exists(join(root, name))) return { kind: "there", directory: name };
        place = { name, stage: join(root, STAGE, name) };
        await rm(place.stage, { recursive: true, force: true });
        for (const folder of FOLDERS[layout]) await mkdir(join(place.stage, folder), { recursive: true });
      }
      if (part.path !== "") {
        await file?.close();
        assert(place !== undefined, "the directory is said before its files");
        file = await openFile(join(place.stage, safePath(part.path)), part.size, part.modifiedAt);
      }
      if (part.data.length > 0) {
        await file?.write(part.data);
        bytes += part.data.length;
      }
    }
    await file?.close();
    file = undefined;
    if (!place) throw new AppError("internal", `the coordinator said nothing about ${ref}`);
    await rename(place.stage, join(root, place.name));
    return { kind: "written", directory: place.name, bytes };
  } finally {
    file?.destroy();
  }
}

/** Removes what an earlier, killed export may have left. */
export async function clearStage(root: string): Promise<void> {
  await rm(join(root, STAGE), { recursive: true, force: true });
}

interface OpenFile {
  write(data: Uint8Array): Promise<void>;
  /** Throws AppError where bytes are missing. */
  close(): Promise<void>;
  destroy(): void;
}

async function openFile(path: string, size: number, modifiedAt: number): Promise<OpenFile> {
  await mkdir(dirname(path), { recursive: true });
  const stream = createWriteStream(path);
  let written = 0;
  return {
    async write(data) {
      written += data.length;
      await new Promise<void>((resolve, reject) => {
        stream.write(data, (error) => (error ? reject(error) : resolve()));
      });
    },
    async close() {
      stream.end();
      await finished(stream);
      if (written !== size) {
        throw new AppError("unavailable", `${path}: ${size - written} of ${size} bytes are missing`, {
          id: "export.incomplete",
          hint: "the results changed meanwhile: once more",
        });
      }
      const time = new Date(modifiedAt);
      await utimes(path, time, time);
    },
    destroy: () => stream.destroy(),
  };
}

/** Throws AppError for a path that leads elsewhere. */
function safePath(path: string): string {
  if (path.startsWith("/") || path.split("/").some((part) => part === ".." || part === "." || part === "")) {
    throw new AppError("internal", `the coordinator sent a file for ${JSON.stringify(path)}`, { id: "export.path" });
  }
  return path;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
