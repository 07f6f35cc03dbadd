/**
 * What a Python is, and which packages it would see: asked of the interpreter itself, in a child that reads the packages'
 * own records and runs none of them. Asked once, and again when a folder of packages has changed.
 */
import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { errorMessage } from "../../shared/kernel/errors.ts";
import { isProgram, onPath } from "../process/find-program.ts";

export interface PythonFacts {
  readonly executable: string;
  readonly version: string;
  readonly implementation: string;
  /** "name==version", sorted. */
  readonly packages: readonly string[];
}

const SCRIPT = readFileSync(fileURLToPath(new URL("./packages.py", import.meta.url)), "utf8");
const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** Variables that an interpreter is asked with: nothing that would make it run code of the user's. */
export const ASKED_WITH: readonly string[] = ["PATH", "HOME", "LANG", "LD_LIBRARY_PATH"];

interface Known {
  readonly facts: PythonFacts;
  /** Time of the last change, by folder. */
  readonly changedMs: ReadonlyMap<string, number>;
}

export type AskPython = (program: string, env: { readonly [name: string]: string }) => Promise<PythonFacts>;

/** The asked function rejects where the program is no Python, or does not answer. */
export function createPythonFacts(): AskPython {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<PythonFacts>>();
  return (program, env) => {
    const before = known.get(program);
    if (before && [...before.changedMs].every(([folder, ms]) => changedMs(folder) === ms)) {
      return Promise.resolve(before.facts);
    }
    const running = asking.get(program);
    if (running) return running;
    const asked = ask(program, env)
      .then(({ paths, ...facts }) => {
        known.set(program, { facts, changedMs: new Map(paths.map((folder) => [folder, changedMs(folder)])) });
        return facts;
      })
      .finally(() => asking.delete(program));
    asking.set(program, asked);
    return asked;
  };
}

/** The Python that a command begins with, or would find on its PATH; undefined where there is none. */
export function pythonOf(argv: readonly string[], env: { readonly [name: string]: string }): string | undefined {
  const places = pythonNames(argv).map((name) => (name.startsWith("/") ? name : onPath(name, env.PATH)));
  return places.find((place) => place !== undefined && isProgram(place));
}

/** What that Python may be called. */
export function pythonNames([first = ""]: readonly string[]): readonly string[] {
  return /^python[\d.]*$/.test(basename(first)) ? [first] : ["python", "python3"];
}

function ask(
  program: string,
  env: { readonly [name: string]: string },
): Promise<PythonFacts & { readonly paths: readonly string[] }> {
  const passed = Object.fromEntries(ASKED_WITH.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const options = { cwd: "/", env: passed, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  return new Promise((resolve, reject) => {
    execFile(program, ["-S", "-E", "-c", SCRIPT], options, (error, stdout) => {
      if (error) return reject(new Error(`${program} does not say what it has: ${firstLine(error)}`));
      try {
        resolve(JSON.parse(stdout) as PythonFacts & { readonly paths: readonly string[] });
      } catch (cause) {
        reject(new Error(`${program} answers in a form of its own`, { cause }));
      }
    });
  });
}

function firstLine(error: unknown): string {
  return errorMessage(error).trim().split("\n").at(-1)?.slice(0, 200) ?? "";
}

function changedMs(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
