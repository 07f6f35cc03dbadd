/** [P] Paths of an EXP file: "~" is the user's home, and relative ones start where the command was typed, not at the file. */
import { posix } from "node:path";

/** Directories of the user who hands the file in; absolute. */
export interface UserPlaces {
  /** Of the file. */
  readonly configDirectory: string;
  /** Where the command was typed. */
  readonly workingDirectory: string;
  /** Empty where it is not known. */
  readonly home: string;
}

/** Absolute, without "." and ".."; undefined for a "~" that cannot be expanded. Symbolic links are left as they are. */
export function expandPath(path: string, places: UserPlaces): string | undefined {
  if (path === "~" || path.startsWith("~/")) {
    return places.home === "" ? undefined : posix.resolve(places.home, path.slice(2));
  }
  return path.startsWith("~") ? undefined : posix.resolve(places.workingDirectory, path);
}
