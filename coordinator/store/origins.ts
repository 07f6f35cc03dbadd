/**
 * Where sweeps came from and what their attempts ran on: for people, never for decisions. An environment is stored once,
 * however many attempts share it.
 */
import { hash as hashOf } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AppError } from "../../shared/kernel/errors.ts";
import { type Fence, fence as makeFence, type RunId, runId, type SweepId } from "../../shared/kernel/ids.ts";
import type { CodeOrigin, CodeSnapshot, RunEnvironment } from "../../shared/run/provenance.ts";
import type { OriginRecord } from "../core/changes.ts";
import { createEditMark } from "./annotations.ts";
import { type Database, transaction } from "./database.ts";

export interface StoredOrigin {
  readonly code: CodeOrigin | null;
  readonly snapshot: CodeSnapshot | null;
  readonly repeats: RunId | null;
}

export interface NotedEnvironment {
  readonly fence: Fence;
  /** SHA-256 of the text. */
  readonly hash: string;
  /** A RunEnvironment as JSON; empty where it was given before. */
  readonly environmentJson: string;
}

export interface Origins {
  /** Undefined where none was recorded. */
  ofSweep(id: SweepId): StoredOrigin | undefined;
  ofRun(id: RunId): StoredOrigin | undefined;
  /** Runs that repeat this one, in the order of submission. */
  repeatedBy(id: RunId): RunId[];
  /** By fence, for the attempts of a run. */
  environments(id: RunId): Map<Fence, RunEnvironment>;
  /**
   * Durable when it returns, with the runs that were over before. Throws AppError "not_found" for one that was never given
   * whole.
   */
  note(environments: readonly NotedEnvironment[]): ReadonlySet<RunId>;
}

/** Bytes of one environment as JSON. */
const ENVIRONMENT_BYTES_MAX = 1024 * 1024;
/** Decoded ones at hand: the runs of a fleet share a few. */
const DECODED_MAX = 64;
/** Sweeps whose origin is at hand. */
const RECENT_MAX = 32;

/** Within the transaction of the sweep. */
export function createOriginWriter(db: Database): (id: SweepId, origin: OriginRecord) => void {
  const insert = db.prepare(
    "INSERT INTO sweep_origins (sweep_id, origin, snapshot, root, repeats, resumes) VALUES (?, ?, ?, ?, ?, ?)",
  );
  return (id, { originJson, snapshot, repeats, resumes }) => {
    const { hash = null, root = null } = snapshot ?? {};
    insert.run(id, zstdCompressSync(originJson), hash, root, repeats ?? null, resumes ? 1 : 0);
  };
}

export function createOrigins(db: Database): Origins {
  const columns = "SELECT o.origin, o.snapshot, o.root, o.repeats FROM sweep_origins o";
  const bySweep = db.prepare(`${columns} WHERE o.sweep_id = ?`);
  const byRun = db.prepare(`${columns} JOIN runs r ON r.sweep_id = o.sweep_id WHERE r.run_id = ?`);
  const repeating = db.prepare(`SELECT r.run_id FROM sweep_origins o JOIN runs r ON r.sweep_id = o.sweep_id
    WHERE o.repeats = ? ORDER BY r.run_id`);
  const ofAttempts = db.prepare(`SELECT a.fence, e.hash FROM attempts a
    JOIN attempt_environments e ON e.fence = a.fence WHERE a.run_id = ? ORDER BY a.fence`);
  const document = db.prepare("SELECT document FROM environments WHERE hash = ?");
  const isKnown = db.prepare("SELECT 1 FROM environments WHERE hash = ?");
  const keep = db.prepare("INSERT INTO environments (hash, document) VALUES (?, ?) ON CONFLICT DO NOTHING");
  const noteOne = db.prepare(`INSERT INTO attempt_environments (fence, hash) SELECT ?1, ?2
    WHERE EXISTS (SELECT 1 FROM attempts WHERE fence = ?1) ON CONFLICT DO UPDATE SET hash = excluded.hash`);
  const ownerOf = db.prepare("SELECT run_id FROM attempts WHERE fence = ?");
  const markEdited = createEditMark(db);
  const recent = new Map<SweepId, StoredOrigin>();
  const decoded = new Map<string, RunEnvironment>();

  function environment(hash: string): RunEnvironment {
    const known = decoded.get(hash);
    if (known) return known;
    const row = document.get(hash) as { document: Uint8Array };
    const made = JSON.parse(textOf(row.document)) as RunEnvironment;
    if (decoded.size >= DECODED_MAX) decoded.clear();
    decoded.set(hash, made);
    return made;
  }

  return {
    ofSweep(id) {
      const known = recent.get(id);
      if (known) return known;
      const origin = originOf(bySweep.get(id) as unknown as Row | undefined);
      if (recent.size >= RECENT_MAX) recent.clear();
      // It never changes.
      if (origin) recent.set(id, origin);
      return origin;
    },
    ofRun: (id) => originOf(byRun.get(id) as unknown as Row | undefined),
    repeatedBy: (id) => (repeating.all(id) as { run_id: string }[]).map((row) => runId(row.run_id)),
    environments: (id) => {
      const rows = ofAttempts.all(id) as { fence: number; hash: string }[];
      return new Map(rows.map((row) => [makeFence(row.fence), environment(row.hash)]));
    },
    note(environments) {
      return transaction(db, () => {
        const late = new Set<RunId>();
        for (const { fence, hash, environmentJson } of environments) {
          if (environmentJson !== "") keep.run(hash, zstdCompressSync(checked(hash, environmentJson)));
          else if (!isKnown.get(hash)) {
            throw new AppError("not_found", `there is no environment ${hash}`, { id: "environment.unknown" });
          }
          noteOne.run(fence, hash);
          const owner = ownerOf.get(fence) as { run_id: string } | undefined;
          const id = owner && runId(owner.run_id);
          if (id && markEdited(id)) late.add(id);
        }
        return late;
      });
    },
  };
}

function checked(hash: string, text: string): string {
  if (Buffer.byteLength(text) > ENVIRONMENT_BYTES_MAX) {
    throw new AppError("exhausted", `an environment is at most ${ENVIRONMENT_BYTES_MAX} bytes`, {
      id: "environment.size",
    });
  }
  if (hashOf("sha256", text, "hex") !== hash) {
    throw new AppError("invalid", "an environment is not what its name says", { id: "environment.damaged" });
  }
  JSON.parse(text);
  return text;
}

interface Row {
  readonly origin: Uint8Array;
  readonly snapshot: string | null;
  readonly root: string | null;
  readonly repeats: string | null;
}

function originOf(row: Row | undefined): StoredOrigin | undefined {
  if (!row) return undefined;
  const { snapshot, root, repeats } = row;
  const text = textOf(row.origin);
  return {
    code: text === "" ? null : (JSON.parse(text) as CodeOrigin),
    snapshot: snapshot !== null && root !== null ? { hash: snapshot, root } : null,
    repeats: repeats === null ? null : runId(repeats),
  };
}

function textOf(compressed: Uint8Array): string {
  return zstdDecompressSync(compressed).toString();
}
