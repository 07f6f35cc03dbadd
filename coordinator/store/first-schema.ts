/** The first step of the schema. It is never edited: what came after it is in migrations.ts. */

export const FIRST_SCHEMA = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One submission. seq orders sweeps; number counts the sweeps of one name.
  CREATE TABLE sweeps (
    sweep_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    submit_id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    total INTEGER NOT NULL,
    reused INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    parallel INTEGER NOT NULL,
    retry_max INTEGER NOT NULL,
    time_limit_ms INTEGER NOT NULL,
    stop_grace_ms INTEGER NOT NULL,
    gpus INTEGER,
    cpus INTEGER,
    objective_metric TEXT,
    objective_goal TEXT,
    template_json TEXT NOT NULL,
    source_path TEXT NOT NULL,
    source_text TEXT NOT NULL,
    UNIQUE (name, number)
  ) STRICT, WITHOUT ROWID;

  -- One configuration. idx counts from 1 within the sweep.
  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    sweep_id TEXT NOT NULL REFERENCES sweeps (sweep_id),
    idx INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    params_json TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Run that completed this configuration before; such a run is terminal from the start.
    reused_from TEXT,
    UNIQUE (sweep_id, idx)
  ) STRICT, WITHOUT ROWID;

  -- What changes about a run. fence is its current attempt, or the last one.
  CREATE TABLE run_states (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id),
    sweep_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    fence INTEGER,
    failures INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    given_up INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX run_states_by_sweep ON run_states (sweep_id, state);
  CREATE INDEX run_states_live ON run_states (state)
    WHERE state IN ('queued', 'held', 'assigned', 'running', 'unknown');

  CREATE TABLE attempts (
    fence INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    number INTEGER NOT NULL,
    node TEXT NOT NULL,
    devices_json TEXT NOT NULL,
    -- 'assigned', 'running', 'ended'
    phase TEXT NOT NULL,
    -- Why it was told to stop: '', 'cancel', 'superseded', 'revoked', 'stop'
    stopping TEXT NOT NULL,
    assigned_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    outcome_json TEXT,
    -- Sizes of its streams at the end, by name; null while it runs.
    final_sizes_json TEXT,
    -- 1 when all its output is stored and its directory is written for the last time.
    sealed INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX attempts_by_run ON attempts (run_id);
  CREATE INDEX attempts_open ON attempts (fence) WHERE phase <> 'ended' OR sealed = 0;

  -- How far each byte stream of an attempt is safely stored, and how far it was parsed.
  CREATE TABLE outputs (
    fence INTEGER NOT NULL,
    stream TEXT NOT NULL,
    committed INTEGER NOT NULL,
    parsed INTEGER NOT NULL,
    PRIMARY KEY (fence, stream)
  ) STRICT, WITHOUT ROWID;

  -- Last value of each metric of an attempt. text holds what is not a finite number.
  CREATE TABLE metric_lasts (
    fence INTEGER NOT NULL,
    key TEXT NOT NULL,
    value REAL,
    text TEXT,
    step REAL,
    at REAL,
    count INTEGER NOT NULL,
    PRIMARY KEY (fence, key)
  ) STRICT, WITHOUT ROWID;

  -- Exclude-completed: which run brought a configuration to its end.
  CREATE TABLE completed (
    fingerprint TEXT PRIMARY KEY,
    run_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE nodes (
    name TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL UNIQUE,
    machine_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    session INTEGER NOT NULL,
    version TEXT NOT NULL,
    labels_json TEXT NOT NULL,
    host_json TEXT NOT NULL,
    devices_json TEXT NOT NULL,
    cordoned INTEGER NOT NULL,
    draining INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What happened, for people. Never read back by the engine.
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    run_id TEXT,
    node TEXT,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_run ON events (run_id) WHERE run_id IS NOT NULL;
  `;
