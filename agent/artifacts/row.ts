/** One artifact on its way, as the agent's journal keeps it. */
import type { Fence } from "../../shared/kernel/ids.ts";

/**
 * found: known, nothing of it copied. staged: a copy of ours holds its content, whatever the program does now. sent: whole at
 * the coordinator. failed: it will not come.
 */
export type ArtifactPhase = "found" | "staged" | "sent" | "failed";

export interface ArtifactRow {
  readonly fence: Fence;
  readonly seq: number;
  readonly runId: string;
  readonly attempt: number;
  /** What made it known: "c1234", a line of the client stream that ends there; "g", a file that was found. */
  readonly origin: string;
  readonly name: string;
  readonly kind: string;
  readonly step?: number;
  /** Unix ms. */
  readonly at: number;
  /** Absolute. */
  readonly source: string;
  /** It must lie below this, whatever links there are; absent: the program named it itself. */
  readonly within?: string;
  readonly phase: ArtifactPhase;
  /** The phase that the coordinator knows of. */
  readonly told?: ArtifactPhase;
  /** Known from "staged" on. */
  readonly hash: string;
  readonly folder: boolean;
  readonly sizeBytes: number;
  readonly files: number;
  readonly reason: string;
}

/** Nothing is left to do for it. */
export function isDone({ phase, told }: ArtifactRow): boolean {
  return (phase === "sent" || phase === "failed") && told === phase;
}

/** Those of one place replace each other. */
export function placeOf({ kind, name, step }: Pick<ArtifactRow, "kind" | "name" | "step">): string {
  return JSON.stringify([kind, name, step ?? null]);
}
