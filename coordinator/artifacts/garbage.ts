/**
 * Removes contents that nothing refers to any more: of artifacts that were let go, of uploads whose submission never came.
 * What a queued or running run needs is referred to by its sweep or its artifacts. Whoever is about to refer to a content
 * asks for it first, which marks its file; a marked content stays for a while, so nothing goes between asking and referring.
 */
import type { Logger } from "../../shared/logger.ts";
import { parseSnapshot } from "../../shared/run/snapshot.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Artifacts } from "../store/artifacts.ts";

export interface GarbageOptions {
  readonly artifacts: Pick<Artifacts, "referenced">;
  readonly blobs: BlobStore;
  readonly wallMs: () => number;
  readonly logger: Pick<Logger, "info">;
  /** How long a content stays that nothing refers to. */
  readonly graceMs?: number;
  /** The same for contents of artifacts that were let go. */
  readonly releasedGraceMs?: number;
}

export interface Garbage {
  /** These contents may be unneeded now. */
  release(hashes: readonly string[]): void;
  /** Looks at what was released. */
  collectReleased(): Promise<void>;
  /** Looks at everything. */
  collect(): Promise<void>;
}

const GRACE_MS = 24 * 3_600_000;
const RELEASED_GRACE_MS = 10 * 60_000;

export function createGarbage(options: GarbageOptions): Garbage {
  const { artifacts, blobs, wallMs, logger, graceMs = GRACE_MS, releasedGraceMs = RELEASED_GRACE_MS } = options;
  const released = new Set<string>();

  /** Hashes that must stay. Anything that comes to be needed meanwhile is marked by whoever needs it. */
  async function needed(): Promise<Set<string>> {
    const { files, lists } = artifacts.referenced();
    for (const list of lists) {
      files.add(list);
      if ((await blobs.size(list)) === undefined) continue;
      const entries = parseSnapshot((await blobs.read(list)).toString());
      if ("problem" in entries) continue;
      for (const entry of entries) if (entry.kind === "file") files.add(entry.sha256);
    }
    return files;
  }

  function remove(hashes: Iterable<string>, unixMs: number): string[] {
    let bytes = 0;
    const gone = [...hashes].filter((hash) => {
      const freed = blobs.remove(hash, unixMs);
      bytes += freed;
      return freed > 0;
    });
    if (gone.length > 0) logger.info({ contents: gone.length, bytes }, "contents that nothing refers to removed");
    return gone;
  }

  return {
    release(hashes) {
      for (const hash of hashes) released.add(hash);
    },
    async collectReleased() {
      if (released.size === 0) return;
      const unixMs = wallMs() - releasedGraceMs;
      // Of a folder that goes, the files are found by the list, which goes last.
      const candidates = new Set<string>();
      for (const hash of released) {
        if ((await blobs.size(hash)) === undefined) {
          released.delete(hash);
          continue;
        }
        candidates.add(hash);
      }
      const stays = await needed();
      for (const hash of candidates) {
        if (stays.has(hash)) released.delete(hash);
        else if (remove([hash], unixMs).length > 0) released.delete(hash);
      }
    },
    async collect() {
      await blobs.forgetOldUploads();
      const unixMs = wallMs() - graceMs;
      const found: string[] = [];
      for await (const hash of blobs.unused(unixMs)) found.push(hash);
      if (found.length === 0) return;
      const stays = await needed();
      remove(
        found.filter((hash) => !stays.has(hash)),
        unixMs,
      );
    },
  };
}
