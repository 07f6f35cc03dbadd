/** Records of runs as the store would give them, with only what a test is about spelled out. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { runDirectory, streamPath } from "../../coordinator/results/run-directory.ts";
import type { ResultAttempt, ResultRecord } from "../../coordinator/store/run-record.ts";
import { deviceUuid, fence, runId } from "../../shared/kernel/ids.ts";
import { FloatParam, type ParamValue } from "../../shared/spec/types.ts";
import type { StreamName } from "../../shared/subjects.ts";

/** Wall time of everything that is made up here. */
export const RECORD_TIME = Date.UTC(2025, 10, 21, 5, 5, 9, 120);

export function resultAttempt(parts: Partial<ResultAttempt> & { readonly number: number }): ResultAttempt {
  const at = RECORD_TIME + parts.number * 10_000;
  return {
    fence: fence(100 + parts.number),
    node: "gpu-01",
    hostname: "gpu-01.lab",
    platform: "linux 6.8 x64",
    devices: [{ uuid: deviceUuid("GPU-3"), index: 3, kind: "gpu" }],
    outcome: { kind: "succeeded" },
    assignedAt: at - 10_000,
    startedAt: at - 9_000,
    finishedAt: at - 1_000,
    ...parts,
  };
}

export function resultRecord(parts: Partial<ResultRecord> = {}): ResultRecord {
  const params = new Map<string, ParamValue>([
    ["optim.lr", new FloatParam(1)],
    ["optim.name", "adam"],
    ["layers", [1, 2]],
    ["seed", 7],
  ]);
  return {
    runId: runId("run_01"),
    runRef: "digits.1.4",
    sweepRef: "digits.1",
    sweepName: "digits",
    index: 4,
    state: "succeeded",
    reason: "",
    params,
    command: "python train.py --lr 1.0",
    cwd: "/home/alice/digits",
    tags: [],
    note: "",
    createdAt: RECORD_TIME - 5_000,
    firstAssignedAt: RECORD_TIME,
    finishedAt: RECORD_TIME + 9_000,
    reusedFrom: undefined,
    attempts: [resultAttempt({ number: 1 })],
    ...parts,
  };
}

export interface StoredStream {
  readonly attempt: number;
  readonly stream: StreamName;
  readonly bytes: string | Uint8Array;
}

/** Stores streams of a run as the ingest would have; returns its directory under `root`. */
export function storeStreams(root: string, record: ResultRecord, streams: readonly StoredStream[]): string {
  const directory = runDirectory(root, record);
  for (const { attempt, stream, bytes } of streams) {
    const path = streamPath(directory, attempt, stream);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  return directory;
}
