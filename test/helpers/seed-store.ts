/** Fills a store with sweeps, runs, attempts and nodes for tests of the read side, as a coordinator would have left them. */

import { type Database, transaction } from "../../coordinator/store/database.ts";
import { type Fence, fence, nodeName, type RunId, runId, type SweepId, sweepId } from "../../shared/kernel/ids.ts";
import type { Device } from "../../shared/run/devices.ts";
import { isTerminal, type Outcome, type RunState } from "../../shared/run/states.ts";
import type { StreamName } from "../../shared/subjects.ts";

export interface SeedRun {
  readonly state: RunState;
  readonly reason?: string;
  readonly params?: string;
  /** By key; texts are for what is no finite number. */
  readonly metrics?: { readonly [key: string]: number | string };
  readonly outcome?: Outcome;
  readonly node?: string;
  readonly devices?: readonly string[];
  readonly sealed?: boolean;
  readonly reusedFrom?: RunId;
  /** Sizes of its stored streams. */
  readonly stored?: { readonly [stream in StreamName]?: number };
}

export interface SeedSweep {
  readonly name: string;
  readonly runs: readonly SeedRun[];
  readonly objective?: { readonly metric: string; readonly goal: "maximize" | "minimize" };
  readonly createdAt?: number;
}

export interface SeededSweep {
  readonly id: SweepId;
  readonly ref: string;
  readonly runIds: readonly RunId[];
  /** Fence of the attempt of each run; undefined where it had none. */
  readonly fences: readonly (Fence | undefined)[];
}

/** Wall time of everything that is seeded. */
export const SEED_TIME = 1_700_000_000_000;

/** Writes whole sweeps. Runs that were ever placed have one attempt. */
export function createSeeder(db: Database) {
  const insert = createInserter(db);
  const numbers = new Map<string, number>();
  let sequence = 0;
  let lastFence = 0;

  /** Adds an attempt of a run and makes it the current one. */
  function attempt(run: RunId, number: number, seed: SeedRun): Fence {
    lastFence += 1;
    const ended = isTerminal(seed.state) || seed.outcome !== undefined;
    const outcome = ended ? (seed.outcome ?? outcomeOf(seed.state)) : undefined;
    insert("attempts", {
      fence: lastFence,
      run_id: run,
      number,
      node: seed.node ?? "gpu-01",
      devices_json: JSON.stringify(seed.devices ?? ["GPU-0"]),
      phase: ended ? "ended" : seed.state === "assigned" ? "assigned" : "running",
      assigned_at: SEED_TIME + 1_000,
      started_at: SEED_TIME + 2_000,
      finished_at: ended ? SEED_TIME + 5_000 : null,
      outcome_json: outcome ? JSON.stringify(outcome) : null,
      final_sizes_json: ended ? JSON.stringify({ output: 0, client: 0, status: 0, ...seed.stored }) : null,
      sealed: ended && seed.sealed !== false ? 1 : 0,
    });
    for (const [key, value] of Object.entries(seed.metrics ?? {})) {
      const kept = typeof value === "number" ? { value } : { text: value };
      insert("metric_lasts", { fence: lastFence, key, ...kept, step: 1, at: 1, count: 1 });
    }
    for (const [stream, size] of Object.entries(seed.stored ?? {})) {
      insert("outputs", { fence: lastFence, stream, committed: size, parsed: size });
    }
    db.prepare("UPDATE run_states SET fence = ?, attempt = ? WHERE run_id = ?").run(lastFence, number, run);
    return fence(lastFence);
  }

  function sweep(seed: SeedSweep): SeededSweep {
    sequence += 1;
    const number = (numbers.get(seed.name) ?? 0) + 1;
    numbers.set(seed.name, number);
    const id = sweepId(`swp_${ulid(sequence, 0)}`);
    const createdAt = seed.createdAt ?? SEED_TIME;
    const reused = seed.runs.filter((run) => run.reusedFrom !== undefined).length;
    const { metric = null, goal = null } = seed.objective ?? {};
    insert("sweeps", {
      sweep_id: id,
      seq: sequence,
      name: seed.name,
      number,
      submit_id: `submit-${sequence}`,
      created_at: createdAt,
      total: seed.runs.length,
      reused,
      objective_metric: metric,
      objective_goal: goal,
      objective_reduce: "best",
      tags_json: "[]",
      after_json: "[]",
    });
    insert("sweep_shapes", {
      sweep_id: id,
      template_json: '{"command":["python","train.py"],"args":"flags","cwd":"/w","env":{}}',
      resources_json: "{}",
      limits_json: '{"timeMs":0,"idleMs":0,"stopGraceMs":30000}',
      retry_json: '{"max":0}',
      tags_json: "[]",
    });
    const runIds: RunId[] = [];
    const fences: (Fence | undefined)[] = [];
    for (const [i, run] of seed.runs.entries()) {
      const one = runId(`run_${ulid(sequence, i + 1)}`);
      const finishedAt = isTerminal(run.state) ? SEED_TIME + 5_000 : null;
      insert("runs", {
        run_id: one,
        sweep_id: id,
        idx: i + 1,
        fingerprint: `v1:${one}`,
        params_json: run.params ?? `{"lr":0.1,"seed":${i}}`,
        created_at: createdAt,
        reused_from: run.reusedFrom ?? null,
      });
      const { state, reason = "" } = run;
      insert("run_states", { run_id: one, sweep_id: id, state, reason, finished_at: finishedAt });
      const placed = !["queued", "held"].includes(run.state) && run.reusedFrom === undefined;
      runIds.push(one);
      fences.push(placed ? attempt(one, 1, run) : undefined);
    }
    return { id, ref: `${seed.name}.${number}`, runIds, fences };
  }

  function node(name: string, devices: readonly Device[], labels: { readonly [key: string]: string } = {}): void {
    const host = { hostname: name, os: "Linux", kernel: "6", arch: "x64", cpuModel: "x", cpuCount: 16 };
    const facts = JSON.stringify({ ...host, memoryBytes: 64e9, driverVersion: "" });
    insert("nodes", {
      name: nodeName(name),
      agent_id: `agent-${name}`,
      incarnation: 1,
      session: 1,
      version: "0.1.0",
      labels_json: JSON.stringify(labels),
      host_json: facts,
      devices_json: JSON.stringify(devices),
      seen_at: SEED_TIME,
    });
  }

  return {
    sweep: (seed: SeedSweep) => transaction(db, () => sweep(seed)),
    attempt,
    node,
    setState(run: RunId, state: RunState) {
      const finishedAt = isTerminal(state) ? SEED_TIME + 9_000 : null;
      db.prepare("UPDATE run_states SET state = ?, finished_at = ? WHERE run_id = ?").run(state, finishedAt, run);
    },
    endAttempt(attempt: Fence, outcome: Outcome, sizes: object, sealed: boolean) {
      db.prepare(
        "UPDATE attempts SET phase = 'ended', outcome_json = ?, final_sizes_json = ?, sealed = ? WHERE fence = ?",
      ).run(JSON.stringify(outcome), JSON.stringify(sizes), sealed ? 1 : 0, attempt);
    },
    commit(attempt: Fence, stream: StreamName, size: number) {
      db.prepare(
        "INSERT INTO outputs VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET committed = excluded.committed",
      ).run(attempt, stream, size, size);
    },
  };
}

type Row = { readonly [column: string]: string | number | null };

/** Inserts rows; columns that are not given and must not be null become 0 or "". */
function createInserter(db: Database): (table: string, row: Row) => void {
  const statements = new Map<string, { readonly columns: Row; readonly statement: ReturnType<Database["prepare"]> }>();
  return (table, row) => {
    let entry = statements.get(table);
    if (!entry) {
      const info = db.prepare(`PRAGMA table_info(${table})`).all() as { name: string; type: string; notnull: number }[];
      const columns = Object.fromEntries(
        info.map(({ name, type, notnull }) => [name, notnull === 0 ? null : type === "TEXT" ? "" : 0]),
      );
      const marks = info.map(() => "?").join(", ");
      entry = { columns, statement: db.prepare(`INSERT INTO ${table} VALUES (${marks})`) };
      statements.set(table, entry);
    }
    entry.statement.run(...Object.values({ ...entry.columns, ...row }));
  };
}

/** 26 characters that sort by sweep, then by run, as real ids do. */
function ulid(sweep: number, run: number): string {
  return `01${String(sweep).padStart(10, "0")}${String(run).padStart(14, "0")}`;
}

function outcomeOf(state: RunState): Outcome {
  switch (state) {
    case "failed":
      return { kind: "failed", exitCode: 3 };
    case "cancelled":
      return { kind: "cancelled" };
    case "skipped":
      return { kind: "skipped" };
    default:
      return { kind: "succeeded" };
  }
}
