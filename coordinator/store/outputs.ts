/**
 * How far the output streams of attempts are stored, and the last value of each metric. Written only by the ingest, in one
 * transaction for each batch; prepared once.
 */
import { type Fence, type RunId, fence as toFence } from "../../shared/kernel/ids.ts";
import type { ClientWord } from "../../shared/run/client-words.ts";
import type { StreamOffset } from "../../shared/run/session.ts";
import { STREAM_NAMES, type StreamName } from "../../shared/subjects.ts";
import { createAnnotations } from "./annotations.ts";
import { type Database, transaction } from "./database.ts";
import { createRunWords } from "./run-words.ts";
import { createSavedRows } from "./saved-rows.ts";

export interface StreamProgress {
  readonly stream: StreamName;
  /** Everything below is in the file and fdatasynced. */
  readonly committed: number;
  /** Start of the first line that is not summarised yet. */
  readonly parsed: number;
}

/** Last value of a metric, exactly one of `value` and `text`, and the bounds of the finite ones since the last write. */
export interface MetricLast {
  readonly key: string;
  readonly value: number | null;
  /** What is not a finite number: "NaN", "Infinity", "-Infinity" or a text. */
  readonly text: string | null;
  readonly step: number | null;
  /** Unix seconds, as the program said. */
  readonly at: number | null;
  /** How many points came since the last write. */
  readonly count: number;
  /** Null where none was finite. */
  readonly min: MetricBound | null;
  readonly max: MetricBound | null;
}

export interface MetricBound {
  readonly value: number;
  readonly step: number | null;
}

export interface OutputStore {
  /** Runs `work` in one transaction. */
  transaction<T>(work: () => T): T;
  progress(fence: Fence): StreamProgress[];
  /** Stored sizes of the streams of an attempt; a stream without any bytes is absent. */
  committedOffsets(fence: Fence): Map<StreamName, number>;
  /** Stored sizes of all streams of the attempts that are not sealed, empty ones included. */
  readOffsets(): StreamOffset[];
  writeProgress(fence: Fence, progress: StreamProgress): void;
  /** So many bytes of its output there are now. `nowMs`: Unix ms. */
  writeTime(fence: Fence, nowMs: number, bytes: number): void;
  metricKeys(fence: Fence): string[];
  writeMetric(fence: Fence, last: MetricLast): void;
  /** What the program said; the run that it said it of, where there is one. `nowMs`: Unix ms. */
  writeWords(fence: Fence, words: readonly ClientWord[], nowMs: number): RunId | undefined;
}

/** `keepsRows`: rows for tables elsewhere are kept, for somebody sends them. */
export function createOutputStore(db: Database, { keepsRows = false } = {}): OutputStore {
  const progress = db.prepare("SELECT stream, committed, parsed FROM outputs WHERE fence = ?");
  const open = db.prepare("SELECT fence FROM attempts WHERE phase <> 'ended' OR sealed = 0 ORDER BY fence");
  const upsertProgress = db.prepare(
    `INSERT INTO outputs (fence, stream, committed, parsed) VALUES (?, ?, ?, ?)
     ON CONFLICT (fence, stream) DO UPDATE SET committed = excluded.committed, parsed = excluded.parsed`,
  );
  const insertTime = db.prepare(
    "INSERT INTO output_times (fence, at, bytes) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
  );
  const keys = db.prepare("SELECT key FROM metric_lasts WHERE fence = ?");
  const upsertMetric = db.prepare(
    `INSERT INTO metric_lasts (fence, key, value, text, step, at, count, min, min_step, max, max_step)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (fence, key) DO UPDATE SET value = excluded.value, text = excluded.text,
       step = coalesce(excluded.step, step), at = coalesce(excluded.at, at), count = count + excluded.count,
       min_step = iif(min IS NULL OR excluded.min < min, excluded.min_step, min_step),
       min = iif(min IS NULL OR excluded.min < min, excluded.min, min),
       max_step = iif(max IS NULL OR excluded.max > max, excluded.max_step, max_step),
       max = iif(max IS NULL OR excluded.max > max, excluded.max, max)`,
  );
  const words = createRunWords(
    db,
    createAnnotations(db, { byPrograms: true }),
    keepsRows ? createSavedRows(db) : undefined,
  );
  const committedOffsets = (of: Fence): Map<StreamName, number> => {
    const rows = progress.all(of) as unknown as StreamProgress[];
    return new Map(rows.map((row) => [row.stream, row.committed]));
  };
  return {
    transaction: (work) => transaction(db, work),
    progress: (of) => progress.all(of) as unknown as StreamProgress[],
    committedOffsets,
    readOffsets: () =>
      (open.all() as unknown as { fence: number }[]).flatMap((row) => {
        const of = toFence(row.fence);
        const offsets = committedOffsets(of);
        return STREAM_NAMES.map((stream) => ({ fence: of, stream, offset: offsets.get(stream) ?? 0 }));
      }),
    writeProgress: (of, { stream, committed, parsed }) => {
      upsertProgress.run(of, stream, committed, parsed);
    },
    writeTime: (of, nowMs, bytes) => {
      insertTime.run(of, nowMs, bytes);
    },
    metricKeys: (of) => (keys.all(of) as unknown as { key: string }[]).map((row) => row.key),
    writeMetric: (of, { key, value, text, step, at, count, min, max }) => {
      const bounds = [min?.value ?? null, min?.step ?? null, max?.value ?? null, max?.step ?? null];
      upsertMetric.run(of, key, value, text, step, at, count, ...bounds);
    },
    writeWords: words.write,
  };
}
