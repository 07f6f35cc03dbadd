/**
 * Which run a file of metrics belongs to, where runs share a folder. A file in the directory of a run is that run's. Another
 * one is the run's whose process wrote it, as far as the name of the file says the process; else it must be made while no
 * other run of this host that looks at the same folder was there. Where that leaves several, it is nobody's.
 */
import { hostname } from "node:os";
import { basename } from "node:path";
import { markerOf } from "../process/proc.ts";
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

  of(file: FoundFile, me: Claimant): Claim {
    if (isBelow(file.path, me.dir)) return "mine";
    // One that was there before is somebody's by its latest change.
    const bornMs = file.bornMs < me.startedMs - SLACK_MS ? file.changedMs : file.bornMs;
    const madeMs = Math.max(bornMs, namedSeconds(file.path) * 1000);
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
    return others.length > 0 ? "unclear" : "mine";
  }
}

export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** Torch and TensorFlow put time, host and process into the name: `events.out.tfevents.<s>.<host>.<pid>.<n>`. */
function writerOf(path: string): number | undefined {
  const found = /^events\.out\.tfevents\.\d+\.(.+)\.(\d{1,9})\.\d+(?:\.v2)?$/.exec(basename(path));
  return found?.[1] === hostname() ? Number(found[2]) : undefined;
}

function namedSeconds(path: string): number {
  return Number(/^events\.out\.tfevents\.(\d{9,11})\./.exec(basename(path))?.[1] ?? 0);
}
