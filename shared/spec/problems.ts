/** What is wrong with a sweep file, as values, and the one error that carries it to the user. */
import { AppError, type SourcePlace } from "../kernel/errors.ts";

export interface SpecProblem {
  /** Stable name, such as "spec.unknown-key". */
  readonly id: string;
  /** One line. */
  readonly message: string;
  /** Absent for a spec that is in no file. */
  readonly place?: SourcePlace;
  /** What to do about it: one line. */
  readonly hint?: string;
}

/** The first problem as an error of code "invalid", with the number of the others. `problems` must not be empty. */
export function specError(problems: readonly SpecProblem[]): AppError {
  const [first] = problems;
  if (!first) throw new Error("assertion failed: no problem to report");
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new AppError("invalid", `${first.message}${more}`, {
    id: first.id,
    place: first.place,
    hint: first.hint,
  });
}

/** "sweep.toml:3:1: check_interval has no effect": a warning on one line, with what to do about it. */
export function warningLine({ message, place, hint }: SpecProblem): string {
  const where = place ? `${place.file}:${place.line}:${place.column}: ` : "";
  return `${where}${message}${hint === undefined ? "" : `; ${hint}`}`;
}

/** `did you mean "lr"?`, where `meant` is something. */
export function didYouMean(meant: string | undefined, rest: string): string {
  return meant === undefined ? rest : `did you mean ${meant}? ${rest}`;
}
