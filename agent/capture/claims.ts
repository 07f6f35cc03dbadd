/**
 * Which run a file of metrics belongs to, where runs share a folder. A file in the directory of a run is that run's. Another
 * one is the run's whose process wrote it, as far as the name of the file says the process or it has the file open; else
 * it must be made while no other run of this host that looks at the same folder was there. What is left is nobody's.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { basename } from "node:path";
import { allPids, markerOf } from "../process/proc.ts";
import type { FoundFile } from "./find-files.ts";

export interface Claimant {
  /** Its directory, free of symbolic links. */
  readonly marker: string;
  readonly dir: string;
  readonly roots: readonly string[];
  /** Unix ms. */
  readonly startedMs: number;
}

export type Claim = "mine" | "not-mine" | "unclear";

/** Clocks of file systems are coarse. */
const SLACK_MS = 50;
const ENDED_MAX = 256;

export class Claims {
  readonly #live = new Set<Claimant>();
  readonly #ended: { claimant: Claimant; endedMs: number }[] = [];

  add(claimant: Claimant): void {
    this.#live.add(claimant);
  }

  end(claimant: Claimant, nowMs: number): void {
    if (!this.#live.delete(claimant)) return;
    this.#ended.push({ claimant, endedMs: nowMs });
    if (this.#ended.length > ENDED_MAX) this.#ended.shift();
  }

  /** `alone`: that no other run was there is reason enough. */
  of(file: FoundFile, me: Claimant, alone: boolean): Claim {
    const namedMs = namedSeconds(file.path) * 1000;
    // Copied here from elsewhere, such as with the code.
    if (namedMs > 0 && namedMs + 2_000 < me.startedMs) return "not-mine";
    if (isBelow(file.path, me.dir)) return "mine";
    // One that was there before is somebody's by its latest change.
    const bornMs = file.bornMs < me.startedMs - SLACK_MS ? file.changedMs : file.bornMs;
    const madeMs = Math.max(bornMs, namedMs);
    const wasThere = ({ startedMs }: Claimant, endedMs: number) =>
      startedMs <= file.changedMs + SLACK_MS && startedMs <= madeMs + 1000 && madeMs <= endedMs + SLACK_MS;
    if (file.changedMs + SLACK_MS < me.startedMs) return "not-mine";
    const writer = writerOf(file.path);
    if (writer !== undefined) {
      const marker = markerOf(writer);
      if (marker === me.marker) return "mine";
      if (marker !== undefined) return "not-mine";
    }
    const others = [
      ...[...this.#live].filter((other) => other !== me && wasThere(other, Number.POSITIVE_INFINITY)),
      ...this.#ended.flatMap(({ claimant, endedMs }) => (wasThere(claimant, endedMs) ? [claimant] : [])),
    ].filter((other) => other.roots.some((root) => isBelow(file.path, root)));
    if (alone && others.length === 0) return "mine";
    const holder = this.#holderOf(file.path);
    if (holder === undefined) return "unclear";
    return holder === me.marker ? "mine" : "not-mine";
  }

  /** The run of which a process has the file open just now. */
  #holderOf(path: string): string | undefined {
    const markers = new Set([...this.#live].map(({ marker }) => marker));
    for (const pid of allPids()) {
      const marker = markerOf(pid);
      if (marker !== undefined && markers.has(marker) && hasOpen(pid, path)) return marker;
    }
    return undefined;
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

function hasOpen(pid: number, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === path);
  } catch {
    // Gone meanwhile.
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Torch and TensorFlow put time, host and process into the name: `events.out.tfevents.<s>.<host>.<pid>.<n>`. */
function writerOf(path: string): number | undefined {
  const found = /^events\.out\.tfevents\.\d+\.(.+)\.(\d{1,9})\.\d+(?:\.v2)?$/.exec(basename(path));
  return found?.[1] === hostname() ? Number(found[2]) : undefined;
}

function namedSeconds(path: string): number {
  return Number(/^events\.out\.tfevents\.(\d{9,11})\./.exec(basename(path))?.[1] ?? 0);
}
