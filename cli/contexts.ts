/**
 * Coordinators the user has logged in to, by name: one small JSON document, readable by the user alone. Tokens stay in
 * their own files where there is one; a token that came from stdin is kept here.
 */

import { mkdirSync } from "node:fs";
import { open, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Adapter, Low } from "lowdb";
import { AppError, systemCode } from "../shared/kernel/errors.ts";

export interface SavedContext {
  readonly address: string;
  /** Absolute path; undefined where `token` is kept here. */
  readonly tokenFile?: string;
  readonly token?: string;
}

export interface Contexts {
  /** Name of the one in use; undefined where none is. */
  current?: string;
  contexts: { [name: string]: SavedContext };
}

/** The document as it is; empty where there is no file. Throws AppError when others may read it, or it is no document. */
export async function loadContexts(file: string): Promise<Low<Contexts>> {
  const low = new Low<Contexts>(new PrivateFile(file), { contexts: {} });
  await low.read();
  return low;
}

/** Writes a new file, makes it durable, and puts it in place of the old one, so that a reader never sees half of it. */
class PrivateFile implements Adapter<Contexts> {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async read(): Promise<Contexts | null> {
    try {
      const { mode } = await stat(this.#file);
      if (mode & 0o077) {
        throw new AppError("unauthorized", `${this.#file} holds tokens and others may read it`, {
          id: "context.mode",
          hint: `chmod 600 ${this.#file}`,
        });
      }
      return parseContexts(await readFile(this.#file, "utf8"), this.#file);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null;
      throw error;
    }
  }

  async write(contexts: Contexts): Promise<void> {
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    const temporary = `${this.#file}.${process.pid}.new`;
    const handle = await open(temporary, "w", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(contexts, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.#file);
  }
}

function parseContexts(text: string, file: string): Contexts {
  const broken = (why: string) =>
    new AppError("invalid", `${file} is not a list of contexts: ${why}`, {
      id: "context.file",
      hint: "remove it and log in again",
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken("not JSON");
  }
  if (typeof value !== "object" || value === null || !("contexts" in value)) throw broken("no contexts in it");
  const { contexts, current } = value as { contexts: unknown; current?: unknown };
  if (typeof contexts !== "object" || contexts === null) throw broken("no contexts in it");
  const known: Contexts = { contexts: {} };
  if (typeof current === "string") known.current = current;
  for (const [name, entry] of Object.entries(contexts as { [name: string]: Partial<SavedContext> | null })) {
    if (typeof entry?.address !== "string") throw broken(`"${name}" has no address`);
    known.contexts[name] = {
      address: entry.address,
      ...(typeof entry.tokenFile === "string" ? { tokenFile: entry.tokenFile } : {}),
      ...(typeof entry.token === "string" ? { token: entry.token } : {}),
    };
  }
  return known;
}
