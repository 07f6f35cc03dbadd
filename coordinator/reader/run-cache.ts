/**
 * Runs of whole sweeps as tables need them, kept as long as they fit. What a run was given never changes and is read once;
 * what changed since is read again by the run.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { AppError } from "../../shared/kernel/errors.ts";
import type { SweepId } from "../../shared/kernel/ids.ts";
import type { RunRecord } from "../../shared/run/records.ts";
import type { Params, ParamValue } from "../../shared/spec/types.ts";
import type { Annotation, Annotations } from "../store/annotations.ts";
import type { Queries } from "../store/queries/queries.ts";
import type { Selection } from "../store/queries/refs.ts";
import type { Objective } from "../store/queries/sweeps.ts";
import { createInterner, type Interner, readFlatParams } from "./flat-params.ts";
import type { Changed } from "./messages.ts";
import { valueKey } from "./param-cell.ts";

export interface CachedRun {
  /** Its parameters are left out. */
  readonly record: RunRecord;
  readonly params: Params;
  readonly sweep: CachedSweep;
}

/** What one parameter is in a sweep. */
export interface ParamColumn {
  runs: number;
  isNumber: boolean;
  /** By their text, in order of appearance; at most DISTINCT_MAX. */
  readonly values: Map<string, ParamValue>;
}

/** Different values that are told apart. */
export const DISTINCT_MAX = 1_000;
/** Runs that are kept; a kilobyte each. */
const RUNS_KEPT_MAX = 400_000;
/** Runs of one table. */
const RUNS_ASKED_MAX = 500_000;

/** What the file says of the sweep as a whole. */
interface SweepFacts {
  readonly objective: Objective | undefined;
  readonly tags: readonly string[];
  readonly replicates: ReadonlySet<string>;
}

export class CachedSweep {
  readonly selection: Selection;
  #facts: SweepFacts;
  /** By position. */
  readonly runs: CachedRun[];
  #columns: Map<string, ParamColumn> | undefined;

  constructor(queries: Queries, selection: Selection, interner: Interner) {
    this.selection = { ...selection, picks: "all" };
    this.#facts = readFacts(queries, selection.sweepId);
    this.runs = queries.runs.ofSweep(selection.sweepId).map((record) => ({
      record: { ...record, paramsJson: "" },
      params: readFlatParams(record.paramsJson, interner),
      sweep: this,
    }));
  }

  get objective(): Objective | undefined {
    return this.#facts.objective;
  }

  /** Of the sweep file, for every run. */
  get tags(): readonly string[] {
    return this.#facts.tags;
  }

  /** Names of the parameters by which replicates of a point differ. */
  get replicates(): ReadonlySet<string> {
    return this.#facts.replicates;
  }

  /** By name, in order of appearance. */
  get columns(): ReadonlyMap<string, ParamColumn> {
    if (!this.#columns) {
      this.#columns = new Map();
      for (const { params } of this.runs) for (const [key, value] of params) note(this.#columns, key, value);
    }
    return this.#columns;
  }

  /** Names of the parameters with more than one value; one that only some runs have counts too. */
  axes(): string[] {
    const total = this.runs.length;
    return [...this.columns]
      .filter(([, { values, runs }]) => values.size > 1 || (runs < total && total > 1))
      .map(([key]) => key);
  }

  /** An edited file may say other things of the sweep. */
  renewFacts(queries: Queries): void {
    this.#facts = readFacts(queries, this.selection.sweepId);
  }

  /** Takes what is new about one of its runs. */
  renew(record: RunRecord): void {
    const old = this.runs[record.index - 1];
    if (old) this.runs[record.index - 1] = { record: { ...record, paramsJson: "" }, params: old.params, sweep: this };
  }
}

export class RunCache {
  readonly queries: Queries;
  readonly #annotations: Annotations;
  readonly #sweeps = new Map<SweepId, CachedSweep>();
  readonly #byRef = new Map<string, CachedSweep>();
  readonly #interner = createInterner();
  #annotated: Map<string, Annotation> | undefined;
  #kept = 0;
  #version = 0;
  #warming = false;

  constructor(queries: Queries, annotations: Annotations) {
    this.queries = queries;
    this.#annotations = annotations;
  }

  /** Grows with every change of a run that is kept. */
  get version(): number {
    return this.#version;
  }

  note({ all, runs, sweeps, outputs }: Changed): void {
    if (!all && runs.length + sweeps.length + outputs.length === 0) return;
    this.#version += 1;
    this.#annotated = undefined;
    if (all) {
      this.#sweeps.clear();
      this.#byRef.clear();
      this.#kept = 0;
      return;
    }
    if (this.#kept === 0) return;
    for (const id of sweeps) this.#sweeps.get(id)?.renewFacts(this.queries);
    const ids = new Set([...runs, ...this.queries.attempts.runsOf(outputs)]);
    for (const record of this.queries.runs.getMany([...ids])) this.#byRef.get(record.sweep)?.renew(record);
  }

  /** Reads what is not kept yet, the newest first, as far as it fits, one sweep between two questions. */
  async warm(): Promise<void> {
    if (this.#warming) return;
    this.#warming = true;
    try {
      for (const selection of this.select(undefined)) {
        await nextTurn();
        if (this.#kept + selection.total > RUNS_KEPT_MAX) return;
        this.#sweep(selection);
      }
    } finally {
      this.#warming = false;
    }
  }

  /** What the reference names, each sweep's runs by position; without one every sweep, the newest first. Throws AppError. */
  select(ref: string | undefined): Selection[] {
    return [...this.queries.refs.newestFirst(ref === undefined ? [] : [ref])];
  }

  /** The runs of a selection, by position. */
  runsOf(selection: Selection): readonly CachedRun[] {
    const { runs } = this.#sweep(selection);
    if (selection.picks === "all") return runs;
    return selection.picks.flatMap(({ from, to }) => runs.slice(from - 1, to));
  }

  /** Throws AppError where they are more than a table may look at. */
  assertFit(selections: readonly Selection[]): void {
    const total = selections.reduce((sum, selection) => sum + countOf(selection), 0);
    if (total <= RUNS_ASKED_MAX) return;
    throw new AppError("exhausted", `${total} runs are too many to sort or to filter; ${RUNS_ASKED_MAX} are not`, {
      id: "table.too-many",
      hint: "choose a sweep",
    });
  }

  ofSweep(id: SweepId): CachedSweep {
    const known = this.#sweeps.get(id);
    const selection = known?.selection ?? this.queries.refs.sweep(id);
    return this.#sweep(selection);
  }

  annotation(id: string): Annotation | undefined {
    this.#annotated ??= new Map(this.#annotations.all());
    return this.#annotated.get(id);
  }

  #sweep(selection: Selection): CachedSweep {
    let sweep = this.#sweeps.get(selection.sweepId);
    // Imports add to a sweep that is there.
    if (sweep && sweep.runs.length === selection.total) {
      this.#sweeps.delete(selection.sweepId);
      this.#sweeps.set(selection.sweepId, sweep);
      return sweep;
    }
    if (sweep) this.#drop(sweep);
    sweep = new CachedSweep(this.queries, selection, this.#interner);
    this.#sweeps.set(selection.sweepId, sweep);
    this.#byRef.set(selection.ref, sweep);
    this.#kept += sweep.runs.length;
    for (const oldest of this.#sweeps.values()) {
      if (this.#kept <= RUNS_KEPT_MAX || oldest === sweep) break;
      this.#drop(oldest);
    }
    return sweep;
  }

  #drop(sweep: CachedSweep): void {
    this.#sweeps.delete(sweep.selection.sweepId);
    this.#byRef.delete(sweep.selection.ref);
    this.#kept -= sweep.runs.length;
  }
}

function readFacts(queries: Queries, id: SweepId): SweepFacts {
  const { sweeps } = queries;
  return { objective: sweeps.objective(id), tags: sweeps.tags(id), replicates: new Set(sweeps.replicates(id)) };
}

/** Runs that a selection names. */
export function countOf({ picks, total }: Selection): number {
  return picks === "all" ? total : picks.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

function note(columns: Map<string, ParamColumn>, key: string, value: ParamValue): void {
  let column = columns.get(key);
  if (!column) {
    column = { runs: 0, isNumber: true, values: new Map() };
    columns.set(key, column);
  }
  column.runs += 1;
  column.isNumber &&= typeof value !== "string" && typeof value !== "boolean" && typeof valueKey(value) === "number";
  if (column.values.size < DISTINCT_MAX) {
    const text = String(valueKey(value));
    if (!column.values.has(text)) column.values.set(text, value);
  }
}
