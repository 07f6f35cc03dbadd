/** The token that every call needs: made at the first start, kept in a file that only its owner can read. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { AppError, errorMessage, systemCode } from "../shared/kernel/errors.ts";

const TOKEN = /^[A-Za-z0-9_-]{32,256}$/;

/** Reads the token in `path`, made with 256 random bits when there is none. Throws AppError for a file others can read. */
export function ensureToken(path: string): string {
  try {
    const descriptor = openSync(path, "wx", 0o600);
    const token = randomBytes(32).toString("base64url");
    writeSync(descriptor, `${token}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    return token;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") {
      throw new AppError("unavailable", `cannot write the token file ${path}: ${errorMessage(error)}`, {
        id: "token.write",
        cause: error,
      });
    }
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new AppError("unauthorized", `the token file ${path} can be read by others`, {
      id: "token.mode",
      hint: `chmod 600 ${path}`,
    });
  }
  const token = readFileSync(path, "utf8").trim();
  if (!TOKEN.test(token)) {
    throw new AppError("invalid", `the token file ${path} holds no token`, {
      id: "token.content",
      hint: "remove it: a new one is made at the next start",
    });
  }
  return token;
}
