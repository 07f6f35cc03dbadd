/**
 * All that a coordinator needs of a sweep file, from the machine where it lies: its text, the files that it names, what the
 * command line says over it, and digests of what counts as the same work.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type SpecSource as SourceMessage, SpecFormat } from "../proto/gen/runner/v1/control.ts";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import { SPEC_BYTES_MAX } from "../shared/run/limits.ts";
import { NO_OVERRIDES, type SpecOverrides } from "../shared/spec/overrides.ts";
import { parseSpec, type SpecSource, type SweepSpec } from "../shared/spec/parse.ts";
import { referencedFiles } from "../shared/spec/referenced-files.ts";
import type { CodeMode } from "../shared/spec/types.ts";
import type { Args } from "./args.ts";
import { NO_DIGESTS, sourceDigests } from "./identity/digests.ts";
import type { Option } from "./session.ts";

export interface SweepSource {
  /** With all files at hand, for whoever expands it here. */
  readonly source: SpecSource;
  readonly message: SourceMessage;
  /** Absent where its runs use the code where it lies. */
  readonly code?: WantedCode;
}

/** A copy of the code that runs start from. */
export interface WantedCode {
  readonly mode: CodeMode;
  /** Where the commands start, as the file says it. */
  readonly directories: readonly string[];
}

/** Files that a sweep file may name, all together. */
const FILES_MAX = 1_000;

/** Options of every command that takes a sweep file. */
export const OVERRIDE_OPTIONS: { readonly [name: string]: Option } = {
  set: { describe: "k=v or k=v1,v2 (a grid) over the file, repeatable", type: "texts" },
  where: { describe: "one more condition, repeatable", type: "texts" },
  limit: { describe: "runs at most" },
  name: { describe: "name of the sweep" },
  hold: { describe: "hold the runs until exp resume", type: "flag" },
};

export function overridesOf(args: Args): SpecOverrides {
  return {
    set: args.texts("set"),
    where: args.texts("where"),
    limit: args.integer("limit", 1),
    name: args.text("name"),
    hold: args.flag("hold"),
  };
}

/** Throws AppError (invalid) for what is named and cannot be read; what is wrong in the file is left to who expands it. */
export async function collectSource(given: SpecSource, overrides: SpecOverrides = NO_OVERRIDES): Promise<SweepSource> {
  const files = new Map<string, string>();
  const source: SpecSource = { ...given, overrides, readFile: (path) => files.get(path) };
  for (let missing = referencedFiles(source); missing.length > 0; missing = referencedFiles(source)) {
    for (const path of missing) files.set(path, await readNamed(path));
    if (files.size > FILES_MAX) throw new AppError("invalid", `the sweep names more than ${FILES_MAX} files`);
  }
  const parsed = parseSpec(source);
  const own = new Set([...files.keys(), resolve(given.directory, basename(given.path))]);
  const digests =
    "problems" in parsed ? NO_DIGESTS : await sourceDigests(given.directory, parsed.spec.settings.identity, own);
  const { set, where, limit, name, hold } = overrides;
  const message: SourceMessage = {
    path: given.path,
    text: given.text,
    format: given.format === "json" ? SpecFormat.SPEC_FORMAT_JSON : SpecFormat.SPEC_FORMAT_TOML,
    directory: given.directory,
    workingDirectory: given.workingDirectory ?? "",
    home: given.home ?? "",
    files: Array.from(files, ([path, text]) => ({ path, text })),
    digests,
    overrides: { set: [...set], where: [...where], limit, name: name ?? "", hold },
  };
  const code = "problems" in parsed ? undefined : wantedCode(parsed.spec);
  return { source, message, ...(code && { code }) };
}

/** Where variants differ, the stricter way counts for all. */
function wantedCode({ blocks }: SweepSpec): WantedCode | undefined {
  const templates = blocks.map(({ shape }) => shape.shape.template).filter(({ code }) => code !== undefined);
  if (templates.length === 0) return undefined;
  const mode = templates.some(({ code }) => code === "git") ? "git" : "snapshot";
  return { mode, directories: [...new Set(templates.map(({ cwd }) => cwd))] };
}

async function readNamed(path: string): Promise<string> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw new AppError("invalid", `${path} is not a file`, { id: "file.kind" });
    if (facts.size > SPEC_BYTES_MAX) {
      throw new AppError("invalid", `${path} is larger than ${SPEC_BYTES_MAX / 2 ** 20} MiB`, { id: "file.size" });
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = systemCode(error) === "ENOENT" ? "there is no such file" : String(systemCode(error) ?? error);
    throw new AppError("invalid", `${path}, which the sweep file names, cannot be read: ${why}`, {
      id: "file.read",
      cause: error,
    });
  }
}
