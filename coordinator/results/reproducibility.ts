/**
 * [P] What explains a run and lets it be repeated, as one document of its results: the code, the command, the request, and
 * what each attempt ran on. Parameters are in config.json beside it.
 */
import type { RunEnvironment } from "../../shared/run/provenance.ts";
import type { ResultAttempt, ResultRecord } from "../store/run-record.ts";
import { utcTime } from "./timestamps.ts";

/** A longer difference to the commit is kept with the sweep only: a sweep may have a million runs. */
const DIFF_CHARS_MAX = 16 * 1024;

/** The content of `.exp/reproducibility.json`. */
export function reproducibilityOf(record: ResultRecord): { readonly [key: string]: unknown } {
  const { provenance } = record;
  return {
    version: 1,
    run: record.runRef,
    id: record.runId,
    sweep: record.sweepRef,
    repeats: provenance?.repeats ?? null,
    submitted_at: utcTime(record.createdAt),
    command: record.command,
    image: record.image ?? null,
    cwd: record.cwd,
    template: provenance?.template ?? null,
    resources: provenance?.resources ?? null,
    seed: seedOf(record),
    code: codeOf(record),
    digests: provenance?.digests ?? null,
    attempts: record.attempts.map((attempt) => attemptOf(record, attempt)),
  };
}

/** Of the attempt whose output stands for the run. */
export function environmentOf(record: ResultRecord, shown: ResultAttempt | undefined): RunEnvironment | undefined {
  return shown && record.provenance?.environments.get(shown.fence);
}

function codeOf({ provenance }: ResultRecord): { readonly [key: string]: unknown } {
  const { code, snapshot } = provenance ?? { code: null, snapshot: null };
  const git = code?.git ?? null;
  return {
    root: code?.root ?? null,
    git: git && {
      commit: git.commit,
      branch: git.branch,
      remote: git.remote,
      diff_bytes: git.diffBytes,
      // Null for one that is too long to be kept with each run: `exp show SWEEP --json` has it.
      diff: git.diff.length <= DIFF_CHARS_MAX ? git.diff : null,
      untracked: git.untracked.slice(0, 100),
      untracked_count: git.untrackedCount,
    },
    snapshot: snapshot?.hash ?? null,
  };
}

function attemptOf(record: ResultRecord, attempt: ResultAttempt): { readonly [key: string]: unknown } {
  return {
    number: attempt.number,
    node: attempt.node,
    hostname: attempt.hostname,
    platform: attempt.platform,
    devices: attempt.devices.map(({ uuid }) => uuid),
    environment: environmentOf(record, attempt) ?? null,
    ...(attempt.peers && { peers: attempt.peers.map((peer) => attemptOf(record, peer)) }),
  };
}

function seedOf({ params }: ResultRecord): number | null {
  const seed = params.get("seed");
  return typeof seed === "number" ? seed : null;
}
