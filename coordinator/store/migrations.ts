/**
 * The schema, as numbered steps. A step is never edited once released: add the next one. Each runs in one transaction
 * with the number it brings the store to, so a kill leaves the old schema or the new one.
 *
 * Immutable facts (sweeps, runs) and narrow changing state (run_states, attempts) live in tables apart: group updates of
 * the narrow table are two to four times faster.
 */
import type { DatabaseSync } from "node:sqlite";
import { AppError } from "../../shared/kernel/errors.ts";
import { FIRST_SCHEMA } from "./first-schema.ts";

const STEPS: readonly string[] = [
  FIRST_SCHEMA,
  `
  -- What runs of a sweep may differ in besides parameters. number counts from 0; runs.shape names it.
  CREATE TABLE sweep_shapes (
    sweep_id TEXT NOT NULL REFERENCES sweeps (sweep_id),
    number INTEGER NOT NULL,
    template_json TEXT NOT NULL,
    resources_json TEXT NOT NULL,
    limits_json TEXT NOT NULL,
    retry_json TEXT NOT NULL,
    tags_json TEXT NOT NULL,
    PRIMARY KEY (sweep_id, number)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO sweep_shapes
    SELECT sweep_id, 0, template_json, json_patch('{}', json_object('gpus', gpus, 'cpus', cpus)),
      json_object('timeMs', time_limit_ms, 'idleMs', 0, 'stopGraceMs', stop_grace_ms),
      json_object('max', retry_max), '[]'
    FROM sweeps;
  ALTER TABLE sweeps DROP COLUMN template_json;
  ALTER TABLE sweeps DROP COLUMN gpus;
  ALTER TABLE sweeps DROP COLUMN cpus;
  ALTER TABLE sweeps DROP COLUMN retry_max;
  ALTER TABLE sweeps DROP COLUMN time_limit_ms;
  ALTER TABLE sweeps DROP COLUMN stop_grace_ms;
  ALTER TABLE sweeps ADD COLUMN project TEXT NOT NULL DEFAULT '';
  ALTER TABLE sweeps ADD COLUMN description TEXT NOT NULL DEFAULT '';
  ALTER TABLE sweeps ADD COLUMN note TEXT NOT NULL DEFAULT '';
  ALTER TABLE sweeps ADD COLUMN tags_json TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE runs ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;
  -- Replicates of one point share it.
  ALTER TABLE runs ADD COLUMN point_group INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Run that does the same work right now: this one is not placed, and succeeds with it.
  ALTER TABLE run_states ADD COLUMN waits_for TEXT;
  -- 0: runs everything again, whatever was done before or is being done by others.
  ALTER TABLE sweeps ADD COLUMN shares INTEGER NOT NULL DEFAULT 1;

  -- Which run last failed at a configuration that nothing has completed.
  CREATE TABLE failed (
    fingerprint TEXT PRIMARY KEY,
    run_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO failed
    SELECT r.fingerprint, max(r.run_id) FROM runs r JOIN run_states s ON s.run_id = r.run_id
    WHERE s.state = 'failed' AND r.fingerprint NOT IN (SELECT fingerprint FROM completed) GROUP BY r.fingerprint;

  -- Sweeps whose runs are being written, and which are not there themselves yet.
  CREATE TABLE staged_sweeps (
    sweep_id TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Runs that EXP or ztxexp completed, taken over. key is what they are looked up by; null: they count for nothing.
  CREATE TABLE imported_runs (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id),
    key TEXT,
    -- The configuration, where configurations are compared; else empty.
    compared_text TEXT NOT NULL,
    -- Equal for the same run imported again.
    origin TEXT NOT NULL UNIQUE,
    -- Where it lies, on the host from which it was imported.
    directory TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX imported_runs_by_key ON imported_runs (key) WHERE key IS NOT NULL;
  `,
  `
  -- Ids of the sweeps that must have ended before.
  ALTER TABLE sweeps ADD COLUMN after_json TEXT NOT NULL DEFAULT '[]';
  -- Failed runs that stop it (0: none), how many there were, and why it was stopped.
  ALTER TABLE sweeps ADD COLUMN failures_max INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sweeps ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sweeps ADD COLUMN stopped TEXT NOT NULL DEFAULT '';
  -- 1 when a user holds it, or has asked for it while it had an attempt.
  ALTER TABLE run_states ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
  -- Node that it shall not go to.
  ALTER TABLE run_states ADD COLUMN avoid TEXT;
  -- What it holds of its node besides devices; null: nothing.
  ALTER TABLE attempts ADD COLUMN reserved_json TEXT;
  `,
  `
  -- What people wrote on runs.
  CREATE TABLE annotations (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id),
    tags_json TEXT NOT NULL,
    note TEXT NOT NULL,
    favourite INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What counted as the same work when a sweep was submitted, with digests of its code, environment and data.
  CREATE TABLE sweep_identities (
    sweep_id TEXT PRIMARY KEY REFERENCES sweeps (sweep_id),
    identity_json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- The files of each code tree, compressed: so that a plan can name those that changed.
  CREATE TABLE code_trees (
    hash TEXT PRIMARY KEY,
    manifest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Lowest and highest finite value of a metric, and where; null: it is not known.
  ALTER TABLE metric_lasts ADD COLUMN min REAL;
  ALTER TABLE metric_lasts ADD COLUMN min_step REAL;
  ALTER TABLE metric_lasts ADD COLUMN max REAL;
  ALTER TABLE metric_lasts ADD COLUMN max_step REAL;
  -- Which of a run's values counts: 'best', 'last', 'min' or 'max'.
  ALTER TABLE sweeps ADD COLUMN objective_reduce TEXT NOT NULL DEFAULT 'best';

  -- Runs whose results directory was removed. fence: their last attempt then; 0: they had none.
  CREATE TABLE pruned_runs (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id),
    fence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    -- What it took, by its files' sizes.
    bytes INTEGER NOT NULL,
    -- 0 while files may be left, which the next start removes.
    done INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_by_origin ON runs (reused_from) WHERE reused_from IS NOT NULL;
  -- 0 while the points of an imported run are on their way; 1 also where none come.
  ALTER TABLE imported_runs ADD COLUMN points_complete INTEGER NOT NULL DEFAULT 1;
  `,
  `
  -- Where the code of a sweep lay and what git said of it (JSON, compressed); the snapshot that its runs start from, with
  -- the directory that it was taken of; the run that it repeats.
  CREATE TABLE sweep_origins (
    sweep_id TEXT PRIMARY KEY REFERENCES sweeps (sweep_id),
    origin BLOB NOT NULL,
    snapshot TEXT,
    root TEXT,
    repeats TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sweep_origins_by_repeated ON sweep_origins (repeats) WHERE repeats IS NOT NULL;
  -- What attempts ran on (JSON, compressed), by its hash: many share one.
  CREATE TABLE environments (
    hash TEXT PRIMARY KEY,
    document BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE attempt_environments (
    fence INTEGER PRIMARY KEY,
    hash TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Sweeps that want to be told about, and what was told of them.
  CREATE TABLE sweep_notices (
    sweep_id TEXT PRIMARY KEY REFERENCES sweeps (sweep_id),
    on_json TEXT NOT NULL,
    to_json TEXT NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    best REAL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sweep_notices_open ON sweep_notices (sweep_id) WHERE finished = 0;
  -- What happened to runs and was not looked at yet by those who tell of it. A sweep as a whole has no run.
  CREATE TABLE run_news (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    sweep_id TEXT NOT NULL,
    run_id TEXT,
    what TEXT
  ) STRICT;
  -- Messages on their way out. tries: begun so far; due_at: not before.
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    tries INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX outbox_open ON outbox (channel, subject) WHERE tries = 0;
  CREATE INDEX outbox_due ON outbox (channel, due_at);
  -- What a channel knows of a subject: when it was last told, and what it calls it there.
  CREATE TABLE outbox_told (
    channel TEXT NOT NULL,
    subject TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    remote TEXT,
    PRIMARY KEY (channel, subject)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Files and folders that attempts keep. hash: of the content; of a folder, of the list of its files. seq grows within an
  -- attempt. score: the value of the objective at its step.
  CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    fence INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    step REAL,
    folder INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    files INTEGER NOT NULL,
    hash TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    score REAL
  ) STRICT;
  CREATE UNIQUE INDEX artifacts_by_attempt ON artifacts (fence, seq);
  CREATE INDEX artifacts_by_run ON artifacts (run_id);
  -- 1 where a repeated run goes on from the last checkpoint of the one that it repeats.
  ALTER TABLE sweep_origins ADD COLUMN resumes INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- GPU time of its attempts that stops a sweep (0: none), how much there was, the time at which it stops (0: none), and the
  -- value of its objective that is good enough.
  ALTER TABLE sweeps ADD COLUMN gpu_ms_max INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sweeps ADD COLUMN gpu_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sweeps ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sweeps ADD COLUMN objective_target REAL;
  `,
  `
  -- How many bytes of an attempt's output there were at some times (Unix ms), ever fewer the longer it goes on.
  CREATE TABLE output_times (
    fence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (fence, at)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The entries of a channel about one subject, which may be many while its receiver is away.
  CREATE INDEX outbox_subject ON outbox (channel, subject);
  `,
  `
  -- Runs that were over when people wrote on them, until their results show it; edit counts what was written meanwhile.
  CREATE TABLE edited_runs (
    run_id TEXT PRIMARY KEY,
    edit INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO edited_runs SELECT run_id, 1 FROM annotations;
  `,
  `
  -- What ends runs of a sweep, or the sweep, before their time; and the objective of each run at the rungs that it came to, in
  -- the order of id. No value: it was no number there.
  CREATE TABLE sweep_stops (
    sweep_id TEXT PRIMARY KEY REFERENCES sweeps (sweep_id),
    rules_json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rung_values (
    id INTEGER PRIMARY KEY,
    sweep_id TEXT NOT NULL,
    rung INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    fence INTEGER NOT NULL,
    value REAL,
    UNIQUE (sweep_id, rung, run_id)
  ) STRICT;
  `,
  `
  -- Rows that programs saved for a table elsewhere, until they are in the outbox; app_token and table_id where they name it.
  CREATE TABLE saved_rows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    cells_json TEXT NOT NULL,
    app_token TEXT,
    table_id TEXT
  ) STRICT;
  `,
  `
  -- What the end of the output of a failed attempt showed, where it showed something.
  ALTER TABLE attempts ADD COLUMN causes_json TEXT;
  `,
  `
  -- Tokens that were handed out, besides the one in the data directory; of each secret the SHA-256.
  CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Of a run on several nodes: the fence of rank 0, which the others follow, and how many there are. Null: it is alone.
  ALTER TABLE attempts ADD COLUMN gang_first INTEGER;
  ALTER TABLE attempts ADD COLUMN gang_size INTEGER;
  CREATE INDEX attempts_by_gang ON attempts (gang_first) WHERE gang_first IS NOT NULL;
  `,
  `
  -- The agent that a token is bound to: it speaks for this node, from the work directory that has this id, and for nobody else.
  ALTER TABLE tokens ADD COLUMN node TEXT;
  ALTER TABLE tokens ADD COLUMN agent_id TEXT;
  -- Tokens that one agent may use, once, to get such a token. node: the only one that may, where it was said.
  CREATE TABLE join_tokens (
    name TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    node TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    used_by TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Each change of a run's state paid for it; live runs are found by their sweeps.
  DROP INDEX run_states_live;
  -- Was never read.
  ALTER TABLE runs DROP COLUMN point_group;
  `,
  `
  -- Of an attempt that was handed out ahead: the fence of the one whose place it takes over. Null: the place was free.
  ALTER TABLE attempts ADD COLUMN behind INTEGER;
  `,
  `
  -- Name of the token with which it was asked for. Null: the coordinator's own, or nobody asked.
  ALTER TABLE events ADD COLUMN token TEXT;
  `,
];

export const SCHEMA_VERSION = STEPS.length;

/** Brings the schema up to date, or to an earlier `version`. Throws AppError for a store that a newer version wrote. */
export function migrate(db: DatabaseSync, version = SCHEMA_VERSION): void {
  const row = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (row.user_version > SCHEMA_VERSION) {
    throw new AppError("conflict", `the store has schema ${row.user_version}; this version knows ${SCHEMA_VERSION}`, {
      id: "store.newer-schema",
      hint: "start the version that wrote it, or restore a backup made before the upgrade",
    });
  }
  for (const [i, step] of STEPS.slice(row.user_version, version).entries()) {
    db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${row.user_version + i + 1}; COMMIT;`);
  }
}
