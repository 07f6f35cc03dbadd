/**
 * What a run wants before its command: a setup text, an umask, a file to read, its Python. A run that wants nothing of it
 * starts without any of this. What is wrong already now is told now; what the setup may still make is looked for after it.
 */
import { accessSync, constants, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../../shared/kernel/errors.ts";
import { FAILED_STAGES, type FailedStage } from "../../shared/run/states.ts";
import type { RenderedCommand } from "../../shared/spec/template.ts";
import { attemptPaths, readIfPresent } from "./attempt-dir.ts";
import { type FoundInterpreter, findInterpreter } from "./interpreter.ts";

const PRELUDE = fileURLToPath(new URL("./prelude.sh", import.meta.url));

export interface Prelude {
  readonly interpreter: FoundInterpreter | undefined;
  /** The command with what comes before it. */
  readonly argv: readonly string[];
  /** Makes the files that it needs in the directory of the attempt, which exists. Throws where they cannot be written. */
  writeFiles(): void;
}

/**
 * Throws `invalid`, with one clear line, for a Python or a file that is not on this host. `env` is the host's own
 * environment.
 */
export function preparePrelude(
  dir: string,
  rendered: RenderedCommand,
  env: { readonly [name: string]: string | undefined },
): Prelude {
  const { argv, cwd, setup, file, umask } = rendered;
  const later = setup !== undefined;
  const stdin = rendered.stdin === undefined ? undefined : resolve(cwd, rendered.stdin);
  // What a container has may come from the image, or lie elsewhere on the host.
  if (stdin !== undefined && !later && !rendered.container) checkStdin(stdin);
  const interpreter = rendered.interpreter && findInterpreter(rendered.interpreter, { dir, cwd, env, later });
  const wanted = later || stdin !== undefined || umask !== undefined || interpreter !== undefined;
  const before = [
    "/bin/sh",
    PRELUDE,
    attemptPaths(resolve(dir)).stage,
    umask === undefined ? "-" : umask.toString(8).padStart(3, "0"),
    interpreter?.condaPrefix ?? "-",
    interpreter?.program ?? "-",
    stdin ?? "-",
    setup ?? "",
  ];
  return {
    interpreter,
    argv: wanted ? [...before, ...argv] : argv,
    writeFiles: () => {
      if (file) writeRunFile(dir, file.path, file.text, 0o600);
      for (const { path, text } of interpreter?.files ?? []) writeRunFile(dir, path, text, 0o700);
    },
  };
}

/** Where an attempt was when it ended, if that was before its command; undefined for one that reached its command. */
export function readStage(dir: string): FailedStage | undefined {
  const word = readIfPresent(attemptPaths(dir).stage)?.trim();
  return FAILED_STAGES.find((stage) => stage === word);
}

function checkStdin(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory() && isReadable(path)) return;
  const what = found ? "cannot be read" : "does not exist";
  throw new AppError("invalid", `cannot start the command: its input file ${path} ${what} on this host`, {
    hint: "[run] stdin must be a file that is on every host that takes the run",
  });
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function writeRunFile(dir: string, path: string, text: string, mode: number): void {
  const full = join(dir, path);
  mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
  writeFileSync(full, text, { mode, flag: "wx" });
}
