/** Finds the Python that a run asks for: a program, a virtual environment, or a conda environment. */
import { statSync } from "node:fs";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { AppError } from "../../shared/kernel/errors.ts";
import type { Interpreter } from "../../shared/spec/types.ts";
import { readIfPresent } from "./attempt-dir.ts";
import { isProgram, onPath } from "./find-program.ts";

export interface FoundInterpreter {
  /** Folders that go before all others in PATH. */
  readonly path: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** Variables of the host that would lead elsewhere. */
  readonly unset: readonly string[];
  /** What must be there when the command starts: an absolute path, or a name on PATH. */
  readonly program: string;
  /** Of a conda environment, whose activation scripts are to be run. */
  readonly condaPrefix?: string;
  /** Programs to put into the directory of the attempt. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

export interface InterpreterPlace {
  /** Directory of the attempt. */
  readonly dir: string;
  /** Directory of the command, from which relative paths start. */
  readonly cwd: string;
  readonly env: { readonly [name: string]: string | undefined };
  /** It may be made by the setup: it is not looked for now. */
  readonly later: boolean;
}

/** The Python itself; undefined where none was asked for, or where only its PATH tells. */
export function pythonAsked(found: FoundInterpreter | undefined): string | undefined {
  if (found?.condaPrefix !== undefined) return join(found.condaPrefix, "bin", "python");
  return found?.program.startsWith("/") ? found.program : undefined;
}

/** Throws `invalid` where it is not on this host. */
export function findInterpreter({ kind, path }: Interpreter, place: InterpreterPlace): FoundInterpreter {
  switch (kind) {
    case "python":
      return pythonProgram(path, place);
    case "venv":
      return virtualEnvironment(resolve(place.cwd, path), place);
    case "conda":
      return condaEnvironment(path, place);
  }
}

/** Other environments' marks, which would make tools look there. */
const OTHER_ENVIRONMENTS = ["PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER"];

/** `python` and `python3` are the program, whatever its own name; a link would hide a virtual environment from it. */
function pythonProgram(name: string, { dir, cwd, env, later }: InterpreterPlace): FoundInterpreter {
  const isPath = name.includes("/");
  const program = isPath ? resolve(cwd, name) : (onPath(name, env.PATH) ?? name);
  if (!later && !isProgram(program)) throw missing("python", isPath ? program : `${name}, which is not on PATH`);
  const text = `#!/bin/sh\nexec '${program.replaceAll("'", "'\\''")}' "$@"\n`;
  const own = program.includes("/") ? dirname(program) : undefined;
  const known = (env.PATH ?? "").split(delimiter);
  return {
    // Programs installed beside it, such as torchrun, are found first, too.
    path: [join(dir, "bin"), ...(own !== undefined && !known.includes(own) ? [own] : [])],
    env: {},
    unset: ["PYTHONHOME"],
    program,
    files: ["bin/python", "bin/python3"].map((path) => ({ path, text })),
  };
}

function virtualEnvironment(prefix: string, { later }: InterpreterPlace): FoundInterpreter {
  const program = join(prefix, "bin", "python");
  if (!later && !isProgram(program)) throw missing("venv", `${prefix}, which has no bin/python`);
  return { path: [join(prefix, "bin")], env: { VIRTUAL_ENV: prefix }, unset: OTHER_ENVIRONMENTS, program, files: [] };
}

function condaEnvironment(name: string, { cwd, env, later }: InterpreterPlace): FoundInterpreter {
  const places = name.includes("/") ? [resolve(cwd, name)] : condaPrefixes(name, env);
  const found = places.find((place) => statSync(join(place, "conda-meta"), { throwIfNoEntry: false })?.isDirectory());
  const prefix = found ?? (later && name.includes("/") ? places[0] : undefined);
  if (prefix === undefined) {
    const looked = places.length === 0 ? "no conda was found either" : `looked at ${places.join(", ")}`;
    throw missing("conda", `${name} (${looked})`);
  }
  return {
    path: [join(prefix, "bin")],
    env: { CONDA_PREFIX: prefix, CONDA_DEFAULT_ENV: name, CONDA_SHLVL: "1" },
    unset: OTHER_ENVIRONMENTS,
    // An environment need not have Python in it.
    program: "-",
    condaPrefix: prefix,
    files: [],
  };
}

/** Where an environment of this name may be, as conda itself looks for it. */
function condaPrefixes(name: string, env: InterpreterPlace["env"]): string[] {
  const home = env.HOME;
  const bases = condaBases(env);
  if (name === "base") return bases;
  const folders = [
    ...(env.CONDA_ENVS_PATH ?? env.CONDA_ENVS_DIRS ?? "").split(delimiter).filter((part) => part !== ""),
    ...bases.map((base) => join(base, "envs")),
    ...(home === undefined ? [] : [join(home, ".conda", "envs")]),
  ];
  // Every environment that conda made is noted here by its path.
  const noted = home === undefined ? "" : (readIfPresent(join(home, ".conda", "environments.txt")) ?? "");
  const paths = noted.split("\n").filter((line) => basename(line.trim()) === name);
  return [...new Set([...folders.map((folder) => join(folder, name)), ...paths.map((line) => line.trim())])];
}

const INSTALLATIONS = ["miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba"];

function condaBases(env: InterpreterPlace["env"]): string[] {
  const program = env.CONDA_EXE ?? env.MAMBA_EXE ?? onPath("conda", env.PATH) ?? onPath("mamba", env.PATH);
  const home = env.HOME;
  const usual = [
    ...(home === undefined ? [] : INSTALLATIONS.map((name) => join(home, name))),
    ...["/opt/conda", "/opt/miniconda3", "/opt/miniforge3", "/opt/anaconda3"],
  ];
  const named = [program && dirname(dirname(program)), env.MAMBA_ROOT_PREFIX].filter((path) => path !== undefined);
  const there = usual.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  return [...new Set([...named, ...there])];
}

function missing(kind: Interpreter["kind"], what: string): AppError {
  return new AppError("invalid", `cannot start the command: this host has no [run] ${kind} ${what}`, {
    hint: "make it on every host that takes the run, or let [run] setup make it",
  });
}
