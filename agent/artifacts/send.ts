/**
 * Contents on their way to the coordinator over HTTP: a part at a time, from where it has them, at a bounded pace. A part that
 * was cut off is asked for again, so neither side need remember anything.
 */
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, errorMessage, systemCode } from "../../shared/kernel/errors.ts";
import type { Fence } from "../../shared/kernel/ids.ts";
import type { Token } from "../../shared/kernel/token.ts";
import type { ContentAnswer } from "../../shared/run/artifacts.ts";
import { CONTENT_PART_BYTES_MAX } from "../../shared/run/limits.ts";
import { parseSnapshot } from "../../shared/run/snapshot.ts";
import { type HttpAnswer, httpCall } from "./http-call.ts";

export interface SenderOptions {
  /** Such as "http://10.0.0.1:7717"; undefined while it is not known. */
  readonly url: () => string | undefined;
  readonly token: Token;
  /** Bytes a second, at most. */
  readonly bytesPerSecond: number;
}

export interface SentContent {
  readonly hash: string;
  /** Of the attempt that keeps it. */
  readonly fence: Fence;
}

export interface ContentSender {
  /**
   * Sends a file whose hash is known, for an attempt; it is whole at the coordinator when this resolves. Throws AppError:
   * "unavailable" to try again later, "conflict" where the file is not what its hash says.
   */
  send(path: string, content: SentContent, signal: AbortSignal): Promise<void>;
}

const REQUEST_MS = 120_000;
/** Besides the pace: of the time of each part, this much is left to everything else. */
const REST = 0.2;
/** Another sends the same, or the coordinator has its hands full. */
const BUSY_MS = 1_000;

export function createContentSender({ url, token, bytesPerSecond }: SenderOptions): ContentSender {
  async function ask(
    method: "GET" | "PUT",
    path: string,
    signal: AbortSignal,
    body?: Uint8Array,
  ): Promise<ContentAnswer> {
    const base = url();
    if (base === undefined) throw new AppError("unavailable", "the coordinator has not said where it takes contents");
    let answer: HttpAnswer;
    try {
      const url = `${base}/api/v1/contents/${path}`;
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
      answer = await httpCall({ method, url, token, signal: bounded, body });
    } catch (error) {
      throw new AppError("unavailable", `cannot send to ${base}: ${errorMessage(error)}`, { cause: error });
    }
    if (answer.status === 200 && answer.json !== undefined) return answer.json as ContentAnswer;
    throw refusalOf(answer, base);
  }

  async function sendPart(path: string, content: SentContent, size: number, offset: number, signal: AbortSignal) {
    const file = await open(path, "r");
    try {
      const length = Math.min(CONTENT_PART_BYTES_MAX, size - offset);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
      if (bytesRead < length) throw new AppError("conflict", `${path} became shorter`);
      const { hash, fence } = content;
      const part = `${hash}?size=${size}&offset=${offset}&fence=${fence}`;
      return await ask("PUT", part, signal, buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  }

  return {
    async send(path, content, signal) {
      const { size } = await stat(path);
      const standing = `${content.hash}?fence=${content.fence}`;
      let answer = await ask("GET", standing, signal);
      while (!answer.whole) {
        const startMs = performance.now();
        const offset = answer.received;
        try {
          answer = await sendPart(path, content, size, offset, signal);
        } catch (error) {
          if (
            !(error instanceof AppError) ||
            (error.id !== "blob.busy" && error.id !== "blob.offset" && error.id !== "http.parts")
          )
            throw error;
          await sleep(BUSY_MS, undefined, { signal });
          answer = await ask("GET", standing, signal);
          continue;
        }
        const tookMs = performance.now() - startMs;
        const dueMs = ((answer.received - offset) / bytesPerSecond) * 1_000;
        if (!answer.whole) await sleep(Math.max(dueMs - tookMs, tookMs * REST), undefined, { signal });
      }
    },
  };
}

/**
 * Sends what is staged in a folder, contents by their hash; the list of a folder last: who has it has all that is on it. Why it
 * cannot be sent at all; undefined where it is there. Throws AppError "unavailable" to try again.
 */
export async function sendArtifact(
  sender: ContentSender,
  folder: string,
  { hash, fence, folder: isFolder }: SentContent & { readonly folder: boolean },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (isFolder) {
      const entries = parseSnapshot(await readFile(join(folder, hash), "utf8"));
      if ("problem" in entries) return entries.problem;
      for (const entry of entries) {
        if (entry.kind !== "file") continue;
        await sender.send(join(folder, entry.sha256), { hash: entry.sha256, fence }, signal);
      }
    }
    await sender.send(join(folder, hash), { hash, fence }, signal);
    return undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || (error instanceof AppError && error.code === "conflict"))
      return errorMessage(error);
    throw error;
  }
}

/** Contents go to the host that the session goes to; undefined while its port is not known. */
export function contentsUrl(coordinator: string, httpPort: number, token: Token): string | undefined {
  const scheme = token.certificate === undefined ? "http" : "https";
  return httpPort === 0 ? undefined : `${scheme}://${coordinator.slice(0, coordinator.lastIndexOf(":"))}:${httpPort}`;
}

function refusalOf({ status, json }: HttpAnswer, base: string): AppError {
  const body = json as { readonly error?: { readonly message?: string; readonly id?: string } } | undefined;
  const { message = `${base} answers ${status}`, id } = body?.error ?? {};
  const code = id === "blob.damaged" ? "conflict" : "unavailable";
  return new AppError(code, message, { ...(id !== undefined && { id }) });
}
