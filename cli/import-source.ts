/** Reading the directories that EXP and ztxexp left on this machine. Nothing is changed or copied. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { readExpMetadata } from "../shared/compat/exp-run.ts";
import { damaged, type FoundRun } from "../shared/compat/imported-run.ts";
import { readZtxexpRun, ZTXEXP_FILES, type ZtxexpFiles } from "../shared/compat/ztxexp-run.ts";
import { AppError, systemCode } from "../shared/kernel/errors.ts";

export interface FoundDirectory {
  /** From the root. */
  readonly directory: string;
  readonly found: FoundRun;
}

/** Of one file that is read as a whole. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Names of EXP's experiments may hold slashes, which nest their directories. */
const EXP_DEPTH_MAX = 6;

/** Every directory under `root` that looks like a run, one after the other. Throws AppError where the root cannot be read. */
export async function* findRuns(tool: "exp" | "ztxexp", root: string): AsyncGenerator<FoundDirectory> {
  if (tool === "exp") {
    yield* expRuns(root, "", EXP_DEPTH_MAX);
    return;
  }
  for (const name of await directoriesIn(root, "")) {
    yield { directory: name, found: await guarded(() => ztxexpRun(root, name)) };
  }
}

async function* expRuns(root: string, directory: string, depth: number): AsyncGenerator<FoundDirectory> {
  for (const name of await directoriesIn(root, directory)) {
    const inner = posix.join(directory, name);
    const found = await guarded(() => expRun(root, inner));
    if (found.kind !== "other") yield { directory: inner, found };
    else if (depth > 1 && !name.startsWith(".")) yield* expRuns(root, inner, depth - 1);
  }
}

async function ztxexpRun(root: string, directory: string): Promise<FoundRun> {
  const read = (key: keyof ZtxexpFiles) => readText(join(root, directory, ZTXEXP_FILES[key]));
  const runJson = await read("runJson");
  // Most directories that do not count are told by this file alone.
  const first = readZtxexpRun(directory, { runJson, configJson: "{}", metaJson: undefined });
  if (first.kind !== "completed") return first;
  const [configJson, metaJson] = [await read("configJson"), await read("metaJson")];
  return readZtxexpRun(directory, { runJson, configJson, metaJson });
}

async function expRun(root: string, directory: string): Promise<FoundRun> {
  const path = join(root, directory, "metadata.json");
  const text = await readText(path);
  if (text === undefined) return { kind: "other" };
  return readExpMetadata(directory, text, (await stat(path)).mtimeMs);
}

/** What the system refuses makes one directory damaged, and the others go on. */
async function guarded(read: () => Promise<FoundRun>): Promise<FoundRun> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TooLarge) return damaged(error.message);
    const code = systemCode(error);
    if (code === undefined) throw error;
    return damaged(`cannot be read: ${code}`);
  }
}

/** By name, so that two imports of the same directory are alike. */
async function directoriesIn(root: string, directory: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, directory), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    const code = systemCode(error);
    const why = code === "ENOENT" ? "there is no such directory" : code === "ENOTDIR" ? "it is no directory" : code;
    throw new AppError("invalid", `${join(root, directory)} cannot be read: ${why}`, {
      id: "import.read",
      cause: error,
    });
  }
}

/** Undefined where there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > FILE_BYTES_MAX) throw new TooLarge(path);
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

class TooLarge extends Error {
  constructor(path: string) {
    super(`${basename(path)} has more than ${FILE_BYTES_MAX / 1024 ** 2} MiB`);
  }
}
