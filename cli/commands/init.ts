/** `exp init`: a commented sweep file to begin with, and the schema beside it that editors check it by. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { readArgparse } from "../../shared/convert/argparse.ts";
import { SCHEMA_FILE, type Script, starterText } from "../../shared/convert/starter.ts";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import { makeDirectory } from "../../shared/make-directory.ts";
import { NAME_CHARS_MAX } from "../../shared/run/limits.ts";
import { sweepSchemaText } from "../../shared/spec/json-schema.ts";
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { shellWord } from "../render/text.ts";
import type { Command, Session } from "../session.ts";

const SWEEP_FILE = "sweep.toml";
/** A larger script is no script. */
const SCRIPT_BYTES_MAX = 4 * 2 ** 20;

export const init: Command = {
  options: { from: { describe: "a Python script: its argparse options become parameters", values: "files" } },
  examples: [
    ["exp init", `writes ${SWEEP_FILE} here`],
    ["exp init --from train.py", "with the options of train.py and their defaults"],
  ],
  async run(session, args) {
    const { cwd } = session.config;
    const directory = resolve(cwd, args.text("directory") ?? ".");
    const from = args.text("from");
    const script = from === undefined ? undefined : await readScript(session, resolve(cwd, from), from, directory);
    const { text, notes } = starterText(sweepName(directory), script);
    const file = join(directory, SWEEP_FILE);
    const shown = relative(cwd, file) || file;
    await create(directory, file, shown, text);
    const isNewSchema = await createSchema(join(directory, SCHEMA_FILE));
    const files = [shown, ...(isNewSchema ? [relative(cwd, join(directory, SCHEMA_FILE))] : [])];
    await session.out.single({ json: { files, notes }, lines: [`wrote ${files.join(" and ")}`], name: shown });
    for (const note of notes) session.out.note(note);
    session.out.next(`exp plan ${shellWord(shown)}`);
    return EXIT.ok;
  },
};

/** The name of the directory, as far as a sweep can be called so. */
function sweepName(directory: string): string {
  const name = basename(directory)
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  return name.slice(0, NAME_CHARS_MAX) || "sweep";
}

async function readScript(session: Session, path: string, shown: string, directory: string): Promise<Script> {
  if (/\.(?:ya?ml|toml|csv)$/i.test(path)) {
    throw usage(`${shown} is no Python script`, `exp convert ${shellWord(shown)} makes a sweep file of it`);
  }
  let text: string;
  try {
    const facts = await stat(path);
    if (!facts.isFile() || facts.size > SCRIPT_BYTES_MAX) {
      throw new AppError("invalid", `${shown} is no Python script`, { id: "file.kind" });
    }
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = systemCode(error) === "ENOENT" ? "there is no such file" : errorMessage(error);
    throw new AppError("invalid", `${shown} cannot be read: ${why}`, { id: "file.read", cause: error });
  }
  const reading = readArgparse(text);
  if (reading.options.length === 0) {
    session.out.note(`${shown} has no add_argument calls with options that can be read; [base] is empty`);
  }
  return { ...reading, path: relative(directory, path) };
}

/** Throws AppError (conflict) where there is such a file. */
async function create(directory: string, file: string, shown: string, text: string): Promise<void> {
  try {
    makeDirectory(directory);
    await writeFile(file, text, { flag: "wx" });
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      const hint = "exp init writes over nothing: move it away, or name another directory";
      throw new AppError("conflict", `${shown} is there already`, { id: "file.exists", hint, cause: error });
    }
    const message = `${shown} cannot be written: ${errorMessage(error)}`;
    throw new AppError("invalid", message, { id: "file.write", cause: error });
  }
}

/** One that is there already stays: `exp schema` makes it anew. True where it was made. */
async function createSchema(file: string): Promise<boolean> {
  try {
    await writeFile(file, sweepSchemaText(), { flag: "wx" });
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    const message = `${file} cannot be written: ${errorMessage(error)}`;
    throw new AppError("invalid", message, { id: "file.write", cause: error });
  }
}
