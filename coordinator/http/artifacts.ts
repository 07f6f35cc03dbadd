/**
 * Artifacts of a run: listed, and sent to be saved. Their names were made by programs: they are inert here, and no browser
 * shows one as a page.
 */
import type { Hono } from "hono";
import { AppError } from "../../shared/kernel/errors.ts";
import { type ArtifactView, artifactBaseName } from "../../shared/run/artifacts.ts";
import { parseSnapshot } from "../../shared/run/snapshot.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { ReadDeps } from "../rpc/control/deps.ts";
import type { StoredArtifact } from "../store/artifacts.ts";
import { encodeName } from "./files.ts";
import type { HttpEnv } from "./guard.ts";
import { readInteger } from "./query.ts";
import { answer, named } from "./route.ts";
import { type StreamSlots, streamBody } from "./stream-body.ts";

interface Sent {
  readonly hash: string;
  readonly size: number;
  readonly name: string;
}

export function addArtifacts(api: Hono<HttpEnv>, deps: ReadDeps, blobs: BlobStore, slots: StreamSlots): void {
  /** A reused run has the artifacts of the one that it stands for. */
  const idOf = (ref: string) => deps.queries.runs.outputRun(deps.queries.refs.resolveRun(ref).runId);

  answer(api, "runArtifacts", (c) => c.json(deps.queries.artifacts.ofRun(idOf(named(c, "ref"))).map(viewOf)));

  answer(api, "runArtifact", async (c, query) => {
    const run = idOf(named(c, "ref"));
    const id = readInteger("id", named(c, "id"), 1, Number.MAX_SAFE_INTEGER);
    const artifact = deps.queries.artifacts.get(id);
    if (artifact?.runId !== run) throw unknown(id);
    const { hash, size, name } = await chosen(artifact, query.path);
    const range = rangeOf(c.req.header("range"), size);
    c.header("Content-Disposition", `attachment; filename*=UTF-8''${encodeName(name)}`);
    c.header("Content-Security-Policy", "sandbox; default-src 'none'");
    c.header("Accept-Ranges", "bytes");
    c.header("ETag", `"${hash}"`);
    c.header("Content-Length", String(range.end - range.start));
    if (range.isPart) {
      c.status(206);
      c.header("Content-Range", `bytes ${range.start}-${range.end - 1}/${size}`);
    }
    return streamBody(c, slots, "application/octet-stream", false, () => bytesOf(hash, range.start, range.end));
  });

  /** The file, or one of a folder. */
  async function chosen(artifact: StoredArtifact, path: string | undefined): Promise<Sent> {
    const { id, state, hash, folder, name, sizeBytes } = artifact;
    if (state !== "stored") throw notThere(artifact);
    if (!folder) return { hash, size: sizeBytes, name: artifactBaseName(name) };
    const entries = parseSnapshot((await blobs.read(hash)).toString());
    const entry = "problem" in entries ? undefined : entries.find((one) => one.path === path);
    if (entry?.kind !== "file") {
      throw new AppError("not_found", `artifact ${id} is a folder, and has no file ${JSON.stringify(path ?? "")}`, {
        id: "artifact.path",
        hint: `exp pull ${artifact.run} fetches it whole`,
      });
    }
    return { hash: entry.sha256, size: entry.bytes, name: artifactBaseName(entry.path) };
  }

  async function* bytesOf(hash: string, start: number, end: number): AsyncGenerator<Uint8Array> {
    let left = end - start;
    for await (const { data } of blobs.frames(hash, start)) {
      if (left <= 0) return;
      yield data.subarray(0, left);
      left -= data.length;
    }
  }
}

/** Without what only the store knows by. */
export function viewOf(artifact: StoredArtifact): ArtifactView {
  const { runId: _, fence: __, seq: ___, score: ____, ...view } = artifact;
  return view;
}

function notThere({ name, state, node, reason }: StoredArtifact): AppError {
  const shown = JSON.stringify(name.slice(0, 200));
  if (state === "pending") {
    return new AppError("unavailable", `${shown} is still on its way from ${node}`, { id: "artifact.pending" });
  }
  return new AppError("not_found", `${shown} is not there: ${reason || state}`, { id: "artifact.gone" });
}

function unknown(id: number): AppError {
  return new AppError("not_found", `the run has no artifact ${id}`, { id: "artifact.unknown" });
}

/** One range, or the whole where another form is asked for, as the protocol allows. */
function rangeOf(header: string | undefined, size: number) {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? "");
  const start = Number(match?.[1] ?? 0);
  if (!match || start >= size) return { start: 0, end: size, isPart: false };
  const end = match[2] ? Math.min(size, Number(match[2]) + 1) : size;
  return end <= start ? { start: 0, end: size, isPart: false } : { start, end, isPart: true };
}
