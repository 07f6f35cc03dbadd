/**
 * References to what they name. A text that several sweeps fit is refused, as is one that names a run that is not there:
 * a command must never act on a guess.
 */
import { AppError } from "../../../shared/kernel/errors.ts";
import { type RunId, runId, type SweepId, sweepId } from "../../../shared/kernel/ids.ts";
import { nearest } from "../../../shared/kernel/nearest.ts";
import { runRef, sweepRef } from "../../../shared/run/names.ts";
import { type IndexRange, mergePicks, parseRef, type Ref, type SweepRef } from "../../../shared/run/refs.ts";
import type { Database } from "../database.ts";

/** Runs of one sweep. */
export interface Selection {
  readonly sweepId: SweepId;
  /** Order of submission. */
  readonly seq: number;
  /** "digits.1" */
  readonly ref: string;
  /** Runs of the whole sweep; their positions are 1 to this. */
  readonly total: number;
  readonly picks: "all" | readonly IndexRange[];
}

/** One run, located. */
export interface RunPlace {
  readonly runId: RunId;
  readonly sweepId: SweepId;
  readonly seq: number;
  readonly index: number;
}

export interface RefQueries {
  /** What the references name together, one selection for each sweep, by submission. Throws AppError for any that fails. */
  resolve(texts: readonly string[]): Selection[];
  /** As `resolve`; without references every sweep, the newest first. */
  newestFirst(texts: readonly string[], beforeSeq?: number): Iterable<Selection>;
  /** A whole sweep by its id. Throws where there is none. */
  sweep(id: SweepId): Selection;
  /** The one run that is named; a sweep of one run names it too. Throws AppError. */
  resolveRun(text: string): RunPlace;
}

const SWEEPS_PER_QUERY = 256;
/** Newest sweeps among which a misspelt name is sought. */
const SUGGEST_AMONG = 2_000;

interface SweepRow {
  readonly sweep_id: string;
  readonly seq: number;
  readonly name: string;
  readonly number: number;
  readonly total: number;
}

export function createRefQueries(db: Database): RefQueries {
  const columns = "SELECT sweep_id, seq, name, number, total FROM sweeps";
  const byNumber = db.prepare(`${columns} WHERE name = ? AND number = ?`);
  const byName = db.prepare(`${columns} WHERE name = ? ORDER BY number DESC LIMIT 1`);
  const byAge = db.prepare(`${columns} ORDER BY seq DESC LIMIT 1 OFFSET ?`);
  const bySeq = db.prepare(`${columns} WHERE seq < ? ORDER BY seq DESC LIMIT ?`);
  const byId = db.prepare(`${columns} WHERE sweep_id = ?`);
  const idRange = db.prepare(`SELECT r.run_id, r.sweep_id, r.idx FROM runs r JOIN sweeps w ON w.sweep_id = r.sweep_id
    WHERE r.run_id >= ? AND r.run_id < ? LIMIT 2`);
  const byIndex = db.prepare("SELECT run_id FROM runs WHERE sweep_id = ? AND idx = ?");

  function findSweep(ref: SweepRef): SweepRow | undefined {
    const row =
      ref.kind === "last"
        ? byAge.get(ref.back)
        : ref.kind === "name"
          ? byName.get(ref.name)
          : byNumber.get(ref.name, ref.number);
    return row as SweepRow | undefined;
  }

  /** The selection, undefined where there is no such sweep, or why the sweep does not have these runs. */
  function read(ref: Ref): Selection | string | undefined {
    if (ref.kind === "id") return readId(ref.prefix);
    const sweep = findSweep(ref.sweep);
    if (!sweep) return undefined;
    const beyond = ref.picks === "all" ? undefined : ref.picks.find(({ to }) => to > sweep.total);
    if (beyond) {
      const missing = Math.max(beyond.from, sweep.total + 1);
      return `${nameOf(sweep)} has ${plural(sweep.total)}; there is no run ${missing}`;
    }
    return selectionOf(sweep, ref.picks);
  }

  function readId(prefix: string): Selection | string | undefined {
    const rows = idRange.all(prefix, `${prefix}~`) as unknown as { run_id: string; sweep_id: string; idx: number }[];
    const [row, other] = rows;
    if (!row) return undefined;
    if (other && row.run_id !== prefix) return `"${prefix}" is the start of several run ids; write more of it`;
    return selectionOf(byId.get(row.sweep_id) as unknown as SweepRow, [{ from: row.idx, to: row.idx }]);
  }

  function resolveOne(text: string): Selection {
    const parsed = parseRef(text);
    if (!parsed.ok) throw new AppError("invalid", `"${text}" ${parsed.problem}`, { id: "ref.syntax" });
    const found = parsed.readings.map(read).filter((result) => result !== undefined);
    const selections = found.filter((result) => typeof result !== "string");
    const [selection, other] = selections;
    if (selection && other) {
      throw new AppError("invalid", `"${text}" can mean ${describe(selection)} or ${describe(other)}`, {
        id: "ref.ambiguous",
        hint: 'write ".*" behind a sweep, or the id of a run',
      });
    }
    if (selection) return selection;
    const problem = found.find((result) => typeof result === "string");
    throw problem === undefined ? unknownRef(text) : new AppError("not_found", problem, { id: "ref.no-run" });
  }

  function unknownRef(text: string): AppError {
    const rows = bySeq.all(Number.MAX_SAFE_INTEGER, SUGGEST_AMONG) as unknown as SweepRow[];
    if (rows.length === 0) {
      return new AppError("not_found", `no sweep or run is called "${text}"; nothing was submitted yet`, {
        id: "ref.unknown",
        hint: "exp submit FILE",
      });
    }
    const names = new Set([...rows.map((row) => row.name), ...rows.map(nameOf)]);
    // In "digist.1.4" the sweep is what may be misspelt.
    const words = [text.replace(/(?<=\.\d+)\.[\d,*-]+$/, ""), text];
    const near = [...new Set(words.flatMap((word) => nearest(word, names, 3)))].slice(0, 3);
    return new AppError("not_found", `no sweep or run is called "${text}"`, {
      id: "ref.unknown",
      hint: near.length > 0 ? `did you mean ${near.join(", ")}?` : "exp sweeps lists them",
    });
  }

  function* every(beforeSeq: number): Iterable<Selection> {
    let before = beforeSeq;
    while (true) {
      const rows = bySeq.all(before, SWEEPS_PER_QUERY) as unknown as SweepRow[];
      for (const row of rows) yield selectionOf(row, "all");
      const last = rows.at(-1);
      if (!last || rows.length < SWEEPS_PER_QUERY) return;
      before = last.seq;
    }
  }

  const resolve = (texts: readonly string[]) => merge(texts.map(resolveOne));

  return {
    resolve,
    newestFirst(texts, beforeSeq = Number.MAX_SAFE_INTEGER) {
      if (texts.length === 0) return every(beforeSeq);
      return resolve(texts)
        .reverse()
        .filter((selection) => selection.seq < beforeSeq);
    },
    sweep(id) {
      const row = byId.get(id) as unknown as SweepRow | undefined;
      if (!row) throw new Error(`there is no sweep ${id}`);
      return selectionOf(row, "all");
    },
    resolveRun(text) {
      const selection = resolveOne(text);
      const picks = selection.picks === "all" ? [{ from: 1, to: selection.total }] : selection.picks;
      const [range] = picks;
      if (!range || picks.length > 1 || range.from !== range.to) {
        throw new AppError("invalid", `"${text}" names several runs; one is wanted`, {
          id: "ref.several",
          hint: `such as ${runRef(selection.ref, range?.from ?? 1)}`,
        });
      }
      const row = byIndex.get(selection.sweepId, range.from) as { run_id: string } | undefined;
      if (!row) throw unknownRef(text);
      return { runId: runId(row.run_id), sweepId: selection.sweepId, seq: selection.seq, index: range.from };
    },
  };
}

function merge(selections: readonly Selection[]): Selection[] {
  const bySweep = new Map<SweepId, Selection>();
  for (const selection of selections) {
    const other = bySweep.get(selection.sweepId);
    const picks =
      selection.picks === "all" || other?.picks === "all"
        ? "all"
        : mergePicks([...(other?.picks ?? []), ...selection.picks]);
    bySweep.set(selection.sweepId, { ...selection, picks });
  }
  return [...bySweep.values()].sort((a, b) => a.seq - b.seq);
}

function selectionOf(row: SweepRow, picks: Selection["picks"]): Selection {
  return { sweepId: sweepId(row.sweep_id), seq: row.seq, ref: nameOf(row), total: row.total, picks };
}

function nameOf(row: SweepRow): string {
  return sweepRef(row.name, row.number);
}

function describe(selection: Selection): string {
  const [range] = selection.picks === "all" ? [] : selection.picks;
  return range === undefined ? `the sweep ${selection.ref}` : `run ${range.from} of the sweep ${selection.ref}`;
}

function plural(runs: number): string {
  return runs === 1 ? "1 run" : `${runs} runs`;
}
