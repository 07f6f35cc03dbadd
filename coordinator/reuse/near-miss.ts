/**
 * Why a point is new although something like it was done: what is different between it and the completed run that comes
 * nearest. Runs are compared by all that counts: parameters, and the command, code, environment and data of their sweep.
 *
 * Parameters that vary within the new sweep are matched, as a further value on an axis needs no explanation; what remains,
 * parameters that were added, left out or set to another constant, is what people overlook.
 */
import { compareManifests } from "../../shared/spec/code-manifest.ts";
import type { IdentityPart } from "../../shared/spec/types.ts";

/** What counts of a run besides its parameters. */
export interface Surroundings {
  /** Canonical text of the command template. */
  readonly command: string;
  /** Digests; empty where they were not taken. */
  readonly code: string;
  readonly env: string;
  readonly data: string;
  /** Which of them count. */
  readonly include: readonly IdentityPart[];
}

/** Canonical text of each value by name; ignored parameters left out. */
export type ParamTexts = ReadonlyMap<string, string>;

export interface KnownRun<Id> {
  readonly id: Id;
  readonly params: ParamTexts;
  readonly surroundings: Surroundings;
}

export interface NearMiss<Id> {
  /** "differ only in code: train.py changed" */
  readonly reason: string;
  readonly points: number;
  /** A completed run that the first of them comes near. */
  readonly example: Id;
}

/** More differences than this are no near miss. */
const DIFFERENCES_MAX = 3;
/** Names written out; further ones are counted. */
const NAMES_MAX = 3;

/**
 * Near misses by reason, the most frequent first. `past`: completed runs, the newest first. `axes`: parameters that the
 * sweep goes through, whichever of their values are new. `manifestOf`: manifest of a code tree, where it is kept.
 */
export function findNearMisses<Id>(
  fresh: readonly Omit<KnownRun<Id>, "id">[],
  past: readonly KnownRun<Id>[],
  axes: readonly string[],
  manifestOf: (hash: string) => string | undefined,
): NearMiss<Id>[] {
  const varying = new Set([...axes, ...varyingNames(fresh)]);
  const groups = groupByNames(past, varying);
  const codeTexts = new Map<string, string>();
  const codeText = (before: string, now: string): string => {
    const key = `${before} ${now}`;
    const known = codeTexts.get(key) ?? describeCode(manifestOf(before), manifestOf(now));
    codeTexts.set(key, known);
    return known;
  };
  const misses = new Map<string, { points: number; example: Id }>();
  for (const point of fresh) {
    const found = nearest(point, groups, codeText);
    if (!found) continue;
    const known = misses.get(found.reason);
    if (known) known.points += 1;
    else misses.set(found.reason, { points: 1, example: found.run.id });
  }
  return Array.from(misses, ([reason, miss]) => ({ reason, ...miss })).sort((a, b) => b.points - a.points);
}

/** Names whose values differ between the points, or that some of them do not have. */
function varyingNames(points: readonly { readonly params: ParamTexts }[]): Set<string> {
  const first = points[0]?.params ?? new Map<string, string>();
  const varying = new Set<string>();
  for (const { params } of points) {
    for (const [name, text] of params) if (first.get(name) !== text) varying.add(name);
    if (params.size !== first.size) for (const name of first.keys()) if (!params.has(name)) varying.add(name);
  }
  return varying;
}

/** Runs that have the same parameters by name, to be found by the values of those that vary now. */
interface NameGroup<Id> {
  readonly matched: readonly string[];
  /** The newest run of each surroundings and constants comes first. */
  readonly runs: Map<string, KnownRun<Id>[]>;
}

/** Runs kept for one set of values: as many different pasts are looked at. */
const RUNS_A_KEY = 4;

function groupByNames<Id>(past: readonly KnownRun<Id>[], varying: ReadonlySet<string>): NameGroup<Id>[] {
  const groups = new Map<string, NameGroup<Id>>();
  for (const run of past) {
    const matched = [...run.params.keys()].filter((name) => varying.has(name)).sort();
    const groupKey = matched.join("\n");
    let group = groups.get(groupKey);
    if (!group) {
      group = { matched, runs: new Map() };
      groups.set(groupKey, group);
    }
    const key = keyOf(run.params, matched);
    const known = group.runs.get(key);
    if (!known) group.runs.set(key, [run]);
    else if (known.length < RUNS_A_KEY) known.push(run);
  }
  return [...groups.values()];
}

function keyOf(params: ParamTexts, names: readonly string[]): string {
  return names.map((name) => params.get(name) ?? "").join("\n");
}

function nearest<Id>(
  point: Omit<KnownRun<Id>, "id">,
  groups: readonly NameGroup<Id>[],
  codeText: (before: string, now: string) => string,
): { reason: string; run: KnownRun<Id> } | undefined {
  let best: { differences: string[]; run: KnownRun<Id> } | undefined;
  for (const group of groups) {
    if (!group.matched.every((name) => point.params.has(name))) continue;
    for (const run of group.runs.get(keyOf(point.params, group.matched)) ?? []) {
      const params = paramDifferences(point.params, run.params);
      const parts = partDifferences(point.surroundings, run.surroundings, codeText);
      const differences = [...parts, ...(params.length > 0 ? [`params ${listed(params)}`] : [])];
      const count = parts.length + params.length;
      if (count === 0 || count > DIFFERENCES_MAX) continue;
      if (!best || count < best.differences.length) best = { differences, run };
    }
  }
  return best && { reason: `differ only in ${best.differences.join(" and in ")}`, run: best.run };
}

function paramDifferences(now: ParamTexts, before: ParamTexts): string[] {
  const differences: string[] = [];
  for (const [name, text] of now) {
    const was = before.get(name);
    if (was === undefined) differences.push(`${name} (absent before)`);
    else if (was !== text) differences.push(`${name} (${was} before)`);
  }
  for (const name of before.keys()) if (!now.has(name)) differences.push(`${name} (absent now)`);
  return differences;
}

function partDifferences(
  now: Surroundings,
  before: Surroundings,
  codeText: (before: string, now: string) => string,
): string[] {
  const differences: string[] = [];
  const counts = (part: IdentityPart, side: Surroundings) => side.include.includes(part);
  for (const part of ["command", "code", "env", "data"] as const) {
    const [isNow, was] = [counts(part, now), counts(part, before)];
    if (isNow !== was) differences.push(`${WORDS[part]}, which ${isNow ? "did not count then" : "counted then"}`);
    else if (isNow && now[part] !== before[part]) {
      differences.push(
        part === "code" ? `code: ${codeText(before.code, now.code)}` : `${WORDS[part]}${pathsOf(part, now, before)}`,
      );
    }
  }
  return differences;
}

const WORDS = { command: "the command", code: "code", env: "the environment", data: "data" } as const;

/** ": uv.lock" for digests by path, a line each. */
function pathsOf(part: IdentityPart, now: Surroundings, before: Surroundings): string {
  if (part === "command") return "";
  const lines = (text: string) => new Map(text.split("\n").map((line): [string, string] => splitLast(line)));
  const [new_, old] = [lines(now[part]), lines(before[part])];
  const names = [...new Set([...new_.keys(), ...old.keys()])].filter((name) => new_.get(name) !== old.get(name));
  return names.some((name) => name !== "") ? `: ${listed(names.filter((name) => name !== ""))}` : "";
}

function splitLast(line: string): [string, string] {
  const at = line.lastIndexOf("=");
  return [line.slice(0, Math.max(0, at)), line.slice(at + 1)];
}

function describeCode(before: string | undefined, now: string | undefined): string {
  if (before === undefined || now === undefined) return "its files are not known any more";
  const { changed, added, removed } = compareManifests(before, now);
  const all = [
    ...changed.map((path) => `${path} changed`),
    ...added.map((path) => `${path} is new`),
    ...removed.map((path) => `${path} is gone`),
  ];
  return listed(all);
}

function listed(items: readonly string[]): string {
  const more = items.length - NAMES_MAX;
  return `${items.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
