/** Programs of this host, found as a shell finds them. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The first program of this name in the absolute folders of a PATH. */
export function onPath(name: string, path: string | undefined): string | undefined {
  const folders = (path ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** A file that may be executed. */
export function isProgram(path: string): boolean {
  try {
    // Most places of a PATH do not have it, and an error costs much more than an answer.
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
