/** What the coordinator asks its reading thread, and what that answers. */
import type { Refusal } from "../../shared/kernel/errors.ts";
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import type { ColumnsAnswer, HistoryView, RunTable, SeriesAnswer, SweepDetail } from "../../shared/run/dashboard.ts";
import type { EventFilter, PlacedAttempt, Usage } from "../store/queries/history.ts";

export interface SortKey {
  readonly column: string;
  readonly descending: boolean;
}

export interface TableQuestion {
  /** A reference; undefined: every run. */
  readonly sweep: string | undefined;
  /** An expression; empty: any. */
  readonly where: string;
  readonly sort: readonly SortKey[];
  readonly columns: readonly string[];
  /** Empty: one row for each run. */
  readonly group: readonly string[];
  readonly offset: number;
  readonly limit: number;
  /** Unix ms. */
  readonly nowMs: number;
  /** Why live runs wait, by id, which only memory knows; undefined where nothing asks for it. */
  readonly reasons: ReadonlyMap<string, string> | undefined;
}

/** A table, with the id of the run of each row. */
export interface TableReply {
  readonly table: RunTable;
  readonly ids: readonly string[];
}

export interface SeriesQuestion {
  readonly fence: Fence;
  /** File of its client stream, and how many bytes of it are vouched for. */
  readonly path: string;
  readonly end: number;
  /** Unix ms: 0 of x = "time". */
  readonly startedAt: number;
  /** Empty: every one, up to a limit. */
  readonly keys: readonly string[];
  readonly x: string;
  readonly width: number;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

export interface MomentQuestion extends Pick<SeriesQuestion, "fence" | "path" | "end" | "startedAt" | "x"> {
  readonly key: string;
  /** Place on the axis. */
  readonly value: number;
}

/** A client stream to be read ahead of those who will ask for its points. */
export type PrepareQuestion = Pick<SeriesQuestion, "fence" | "path" | "end">;

export interface Questions {
  readonly columns: {
    readonly ask: { readonly sweep: string | undefined; readonly nowMs: number };
    readonly answer: ColumnsAnswer;
  };
  readonly table: { readonly ask: TableQuestion; readonly answer: TableReply };
  /** Names of the parameters with more than one value. */
  readonly axes: { readonly ask: { readonly sweepId: SweepId }; readonly answer: readonly string[] };
  readonly sweep: { readonly ask: { readonly sweepId: SweepId; readonly nowMs: number }; readonly answer: SweepDetail };
  readonly series: { readonly ask: SeriesQuestion; readonly answer: SeriesAnswer };
  /** Unix ms of the point of a metric that is nearest on an axis; null where there is none, or it says no time. */
  readonly moment: { readonly ask: MomentQuestion; readonly answer: number | null };
  readonly prepare: { readonly ask: PrepareQuestion; readonly answer: undefined };
  readonly events: { readonly ask: EventFilter; readonly answer: readonly HistoryView[] };
  readonly ended: {
    readonly ask: { readonly node: string; readonly limit: number };
    readonly answer: readonly PlacedAttempt[];
  };
  readonly usage: {
    readonly ask: { readonly sinceMs: number; readonly nowMs: number };
    readonly answer: readonly Usage[];
  };
}

export type QuestionKind = keyof Questions;

/** What changed since the last question: the thread keeps what it has read. */
export interface Changed {
  /** Too much to name: nothing that is kept counts any more. */
  readonly all: boolean;
  readonly runs: readonly RunId[];
  /** What a file says of them may be new too. */
  readonly sweeps: readonly SweepId[];
  /** Attempts with new output, and so perhaps new metrics. */
  readonly outputs: readonly Fence[];
}

export interface ReadRequest<Kind extends QuestionKind = QuestionKind> {
  readonly id: number;
  readonly kind: Kind;
  readonly ask: Questions[Kind]["ask"];
  readonly changed: Changed;
}

export type ReadReply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly refusal: Refusal }
  /** A fault of ours. */
  | { readonly id: number; readonly broken: string };
