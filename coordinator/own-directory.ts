/** A directory that the coordinator writes to, made for its user alone where it is not there. */
import { AppError, errorMessage } from "../shared/kernel/errors.ts";
import { makeDirectory } from "../shared/make-directory.ts";

/** `flag` names it in the error. Throws AppError. */
export function makeOwnDirectory(path: string, flag: string): void {
  try {
    makeDirectory(path, 0o700);
  } catch (error) {
    throw new AppError("unavailable", `cannot use ${flag} ${path}: ${errorMessage(error)}`, {
      id: "coordinator.directory",
      hint: "choose a directory you may write to",
      cause: error,
    });
  }
}
