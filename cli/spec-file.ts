/** Reading the sweep file that a command names. */
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AppError, systemCode } from "../shared/kernel/errors.ts";
import { SPEC_BYTES_MAX } from "../shared/run/limits.ts";
import type { SpecSource } from "../shared/spec/parse.ts";
import type { Session } from "./session.ts";

/** "-" is stdin. Throws AppError (invalid) for a file that is not there, is no file, or is too large. */
export async function readSpecFile(session: Session, path: string): Promise<SpecSource> {
  const { cwd, home } = session.config;
  const places = { workingDirectory: cwd, home };
  if (path === "-") {
    const text = await session.readStdin();
    return checked({ path: "stdin", text, format: "toml", directory: cwd, ...places });
  }
  const absolute = resolve(cwd, path);
  try {
    const facts = await stat(absolute);
    if (!facts.isFile()) throw new AppError("invalid", `${path} is not a file`, { id: "file.kind" });
    if (facts.size > SPEC_BYTES_MAX) throw tooLarge(path);
    const format = path.endsWith(".json") ? "json" : "toml";
    const text = await readFile(absolute, "utf8");
    return checked({ path, text, format, directory: dirname(absolute), ...places });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = systemCode(error);
    const why = code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "permission denied" : String(code);
    throw new AppError("invalid", `${path} cannot be read: ${why}`, { id: "file.read", cause: error });
  }
}

function checked(source: SpecSource): SpecSource {
  if (Buffer.byteLength(source.text) > SPEC_BYTES_MAX) throw tooLarge(source.path);
  return source;
}

function tooLarge(path: string): AppError {
  return new AppError("invalid", `${path} is larger than ${SPEC_BYTES_MAX / 2 ** 20} MiB`, { id: "file.size" });
}
