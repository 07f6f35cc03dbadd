/** The token that every call needs: made at the first start, kept in a file that only its owner can read. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { AppError, errorMessage, systemCode } from "../shared/kernel/errors.ts";
import { formatToken } from "../shared/kernel/token.ts";
import { writeWholeFile } from "../shared/write-whole.ts";

const TOKEN = /^[A-Za-z0-9_-]{32,256}$/;

/**
 * The secret of the token in `path`, made with 256 random bits when there is none. The file is brought in line with
 * `certificate`, which clients are to trust; undefined: without TLS. Throws AppError for a file others can read.
 */
export function ensureToken(path: string, certificate?: string): string {
  try {
    const descriptor = openSync(path, "wx", 0o600);
    const token = randomBytes(32).toString("base64url");
    writeSync(descriptor, `${formatToken({ secret: token, certificate })}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    return token;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw notWritten(path, error);
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new AppError("unauthorized", `the token file ${path} can be read by others`, {
      id: "token.mode",
      hint: `chmod 600 ${path}`,
    });
  }
  const text = readFileSync(path, "utf8").trim();
  const token = text.split(".")[0] ?? "";
  if (!TOKEN.test(token)) {
    throw new AppError("invalid", `the token file ${path} holds no token`, {
      id: "token.content",
      hint: "remove it: a new one is made at the next start",
    });
  }
  const wanted = formatToken({ secret: token, certificate });
  if (text === wanted) return token;
  try {
    writeWholeFile(path, `${wanted}\n`, 0o600);
  } catch (error) {
    throw notWritten(path, error);
  }
  return token;
}

function notWritten(path: string, error: unknown): AppError {
  return new AppError("unavailable", `cannot write the token file ${path}: ${errorMessage(error)}`, {
    id: "token.write",
    cause: error,
  });
}
