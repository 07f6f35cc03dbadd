/** The body of an action: JSON, bounded while it is read, checked before anything is done. */
import type { Context } from "hono";
import type { z } from "zod";
import { ACTION_BODIES, type ActionBody, type ActionName } from "../../shared/http/actions.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { CONTENT_PART_BYTES_MAX, SPEC_BYTES_MAX } from "../../shared/run/limits.ts";
import type { HttpEnv } from "./guard.ts";

const MIB = 1024 * 1024;
/** A sweep file grows a little on its way into JSON. */
const BYTES_MAX: { readonly [name in ActionName]?: number } = {
  plan: SPEC_BYTES_MAX + MIB,
  submit: SPEC_BYTES_MAX + MIB,
  apply: SPEC_BYTES_MAX + MIB,
};
const PROBLEMS_SHOWN_MAX = 3;
/** Parts of contents are sent below this. */
export const CONTENTS = "/api/v1/contents/";

/** Bytes of the body of a request to this path. */
export function bodyBytesMax(path: string): number {
  if (path.startsWith(CONTENTS)) return CONTENT_PART_BYTES_MAX;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return (Object.hasOwn(BYTES_MAX, name) && BYTES_MAX[name as ActionName]) || MIB;
}

/** The text of a body. Throws AppError as `readBytes`. */
export async function readText(c: Context<HttpEnv>, bytesMax: number): Promise<string> {
  return (await readBytes(c, bytesMax)).toString("utf8");
}

/** A body. Throws AppError for one that is longer than `bytesMax`, however long it said to be. */
export async function readBytes(c: Context<HttpEnv>, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of c.req.raw.body ?? []) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function tooLarge(bytesMax: number): AppError {
  return new AppError("exhausted", `a body may have at most ${bytesMax} bytes`, { id: "http.body-too-large" });
}

/** Throws AppError for what is no JSON, and for a body that does not fit the action, naming the field. */
export function parseBody<Name extends ActionName>(name: Name, text: string): ActionBody<Name> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("the body is not JSON");
  }
  const parsed = ACTION_BODIES[name].safeParse(value);
  if (parsed.success) return parsed.data as ActionBody<Name>;
  throw invalid(parsed.error.issues.slice(0, PROBLEMS_SHOWN_MAX).map(describe).join("; "));
}

function describe({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}

function invalid(message: string): AppError {
  return new AppError("invalid", message, { id: "http.body" });
}
