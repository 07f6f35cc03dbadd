/**
 * References as users write them, the same everywhere: a sweep `digits.7`, a run `digits.7.30`, runs `digits.7.30-35,40`
 * or `digits.7.*`, the last sweep of a name `digits`, a unique id prefix `run_01JD…`, `last`, `last~2`, and a run of
 * those: `last.3`.
 *
 * Names may hold dots and digits, so one text may be read in several ways. All of them are returned, and whoever knows
 * which sweeps exist decides; where two fit, the reference is ambiguous and must be refused, never guessed.
 */
import { nameProblem } from "./names.ts";

/** Positions of runs within a sweep, both ends included, from 1. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

export type SweepRef =
  | { readonly kind: "sweep"; readonly name: string; readonly number: number }
  /** The last sweep of this name. */
  | { readonly kind: "name"; readonly name: string }
  /** The last sweep of all, or the one that many before it. */
  | { readonly kind: "last"; readonly back: number };

export type Ref =
  | { readonly kind: "runs"; readonly sweep: SweepRef; readonly picks: "all" | readonly IndexRange[] }
  /** Run ids that start so, in upper case after "run_". */
  | { readonly kind: "id"; readonly prefix: string };

export type ParsedRef =
  | { readonly ok: true; readonly readings: readonly Ref[] }
  | { readonly ok: false; readonly problem: string };

/** Longer texts are no references. */
export const REF_CHARS_MAX = 1_000;

const RUN_ID = /^run_[0-9a-hjkmnp-tv-z]{1,26}$/i;
const LAST = /^last(?:~(\d{1,9}))?$/;
const PICKS = /^\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*$/;
const NUMBER = /^[1-9]\d{0,8}$/;

/** Every way to read `text`. The problem is one line that fits after the quoted text: `"x" <problem>`. */
export function parseRef(text: string): ParsedRef {
  if (text.length === 0) return { ok: false, problem: "is empty" };
  if (text.length > REF_CHARS_MAX) return { ok: false, problem: `is longer than ${REF_CHARS_MAX} characters` };
  const readings: Ref[] = [];
  if (RUN_ID.test(text)) readings.push({ kind: "id", prefix: `run_${text.slice(4).toUpperCase()}` });
  const whole = parseSweepRefs(text);
  for (const sweep of whole) readings.push({ kind: "runs", sweep, picks: "all" });
  const dot = text.lastIndexOf(".");
  const head = text.slice(0, dot);
  const tail = text.slice(dot + 1);
  if (dot > 0 && (tail === "*" || PICKS.test(tail))) {
    const picks = tail === "*" ? "all" : parsePicks(tail);
    const sweeps = parseSweepRefs(head).filter((sweep) => sweep.kind !== "name");
    if (typeof picks === "string" && picks !== "all") {
      if (readings.length === 0 && sweeps.length > 0) return { ok: false, problem: picks };
    } else {
      for (const sweep of sweeps) readings.push({ kind: "runs", sweep, picks });
    }
  }
  return readings.length > 0 ? { ok: true, readings } : { ok: false, problem: `is no reference (${EXAMPLES})` };
}

/** For people: "1-3,7". */
export function formatPicks(picks: readonly IndexRange[]): string {
  return picks.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/** The same positions, sorted, without overlap. */
export function mergePicks(picks: readonly IndexRange[]): IndexRange[] {
  const merged: IndexRange[] = [];
  for (const range of [...picks].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else merged.push(range);
  }
  return merged;
}

const EXAMPLES = "write NAME, NAME.7, NAME.7.30, NAME.7.30-35,40, NAME.7.*, last, last~2 or run_01J…";

function parseSweepRefs(text: string): SweepRef[] {
  const last = LAST.exec(text);
  // A sweep that is called "last" is reached by its number: last.1 reads as run 1 of the last sweep or as that sweep.
  if (last) return [{ kind: "last", back: Number(last[1] ?? 0) }];
  if (nameProblem(text) !== undefined) return [];
  const refs: SweepRef[] = [];
  const dot = text.lastIndexOf(".");
  const number = text.slice(dot + 1);
  if (dot > 0 && NUMBER.test(number)) refs.push({ kind: "sweep", name: text.slice(0, dot), number: Number(number) });
  refs.push({ kind: "name", name: text });
  return refs;
}

/** The ranges, or the problem in words. */
function parsePicks(text: string): readonly IndexRange[] | string {
  const picks: IndexRange[] = [];
  for (const part of text.split(",")) {
    const [from = 0, to = from] = part.split("-").map(Number);
    if (from === 0) return "counts runs from 1, not 0";
    if (to < from) return `has the range ${part} backwards`;
    picks.push({ from, to });
  }
  return mergePicks(picks);
}
