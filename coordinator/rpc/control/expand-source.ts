/** From a spec's text to points with the decision whether each is new: what Plan shows and Submit does. */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type SourceDigests,
  SpecFormat,
  type SpecSource as SpecSourceMessage,
} from "../../../proto/gen/runner/v1/control.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import type { RunId } from "../../../shared/kernel/ids.ts";
import { suggest } from "../../../shared/kernel/suggest.ts";
import { manifestProblem } from "../../../shared/spec/code-manifest.ts";
import type { Digests } from "../../../shared/spec/point-maker.ts";
import type { RunNumbers } from "../../../shared/spec/types.ts";
import type { SweepIdentity } from "../../core/changes.ts";
import { decidePoint } from "../../core/same-work.ts";
import { type Expansion, leave } from "../expand/expander.ts";
import type { ExpansionHead, PointSlice, SourceFiles } from "../expand/messages.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type FindImported, importedWork } from "./imported-work.ts";
import { withMissingTables } from "./missing-tables.ts";

export interface DecidedPoint {
  /** From 1, without gaps. */
  readonly index: number;
  /** In the queue of the file, from 0, with those that are left out. */
  readonly place: number;
  readonly paramsJson: string;
  readonly fingerprint: string;
  readonly shape: number;
  readonly priority: number | undefined;
  /** Run that completed this configuration before. */
  readonly reusedFrom: RunId | undefined;
  /** Run that does the same work right now. */
  readonly waitsFor: RunId | undefined;
  /** Imported run that stands for it where nothing of ours does. */
  readonly imported: RunId | undefined;
}

export interface ExpandedSource extends ExpansionHead {
  /** False: it runs everything again. */
  readonly shares: boolean;
  readonly identity: SweepIdentity;
  /** Files of its code; empty where code does not count. */
  readonly codeManifest: string;
  /** Points that are not run as they never failed before, with `rerun = "failed"`; whole when all slices are read. */
  leftOut(): number;
  /** All points in order, once; decided when they are asked for. */
  readonly slices: AsyncIterable<readonly DecidedPoint[]>;
  /**
   * Parameters of the points at these places of the queue, in its order, as runs that are numbered from `first` on. Throws
   * AppError where one of them has no value then.
   */
  paramsFrom(places: readonly number[], first: number): Promise<string[]>;
}

/** Throws AppError "invalid" with the place of the first problem. `force`: nothing is reused. */
export async function expandSource(
  deps: WriteDeps,
  message: SpecSourceMessage | undefined,
  force: boolean,
): Promise<ExpandedSource> {
  const source = sourceOf(message);
  const names = !deps.submissions.imports.isEmpty();
  const { slices, ...head } = await deps.expander.expand(source, names);
  const { settings } = head;
  try {
    checkChannels(deps.channels, settings.notify?.to ?? []);
    checkDeadline(settings.deadline, deps.clock.wallMs());
    for (const ref of settings.after) checkAfter(deps, ref);
  } catch (error) {
    await leave(slices);
    throw error;
  }
  const shares = !force && settings.rerun !== "all";
  const findImported = shares && names ? importedWork(settings, head.params, deps.submissions.imports) : undefined;
  const only = shares && settings.rerun === "failed";
  const policy: Policy = { shares, hold: settings.hold, only, findImported, tally: { leftOut: 0 } };
  const { code = "", env = "", data = "" } = source.digests;
  const numbered = (numbers: RunNumbers) => deps.expander.expand(source, names, numbers);
  return {
    ...head,
    report: withMissingTables(head, deps.tables),
    shares,
    identity: { ...settings.identity, code, env, data, params: head.params },
    codeManifest: message?.digests?.codeManifest ?? "",
    leftOut: () => policy.tally.leftOut,
    slices:
      only && head.numbered ? keptOnes(deps, slices, head.total, policy, numbered) : decided(deps, slices, policy),
    async paramsFrom(places, first) {
      const numbers = new Uint32Array(head.total);
      for (const [i, place] of places.entries()) numbers[place] = first + i;
      const params: string[] = [];
      for await (const slice of (await numbered(numbers)).slices) params.push(...slice.paramsJson);
      return params;
    },
  };
}

function checkChannels(channels: ReadonlySet<string>, wanted: readonly string[]): void {
  const missing = wanted.find((name) => !channels.has(name));
  if (missing === undefined) return;
  const known = [...channels].sort();
  const meant = suggest(missing, known);
  throw new AppError("invalid", `[notify] names ${missing}, which the coordinator does not have`, {
    id: "notify.channel",
    hint: meant
      ? `did you mean ${meant}?`
      : known.length > 0
        ? `channels: ${known.join(", ")}`
        : "channels are set in the coordinator's channels.toml",
  });
}

function checkDeadline(deadline: number, now: number): void {
  if (deadline === 0 || deadline > now) return;
  throw new AppError("invalid", `the deadline of the sweep, ${new Date(deadline).toISOString()}, has passed`, {
    id: "submit.deadline",
    hint: "none of its runs would start; change the deadline, or take it out",
  });
}

function checkAfter(deps: WriteDeps, ref: string): void {
  try {
    deps.queries.refs.resolve([ref]);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, id, hint } = error;
    throw new AppError(code, `after = ${JSON.stringify(ref)}: ${message}`, { id, hint, cause: error });
  }
}

interface Policy {
  readonly shares: boolean;
  readonly hold: boolean;
  /** Only what failed before is run, beside what is reused. */
  readonly only: boolean;
  readonly findImported: FindImported | undefined;
  readonly tally: { leftOut: number };
}

async function* decided(
  deps: WriteDeps,
  slices: AsyncIterable<PointSlice>,
  { shares, hold, only, findImported, tally }: Policy,
): AsyncGenerator<DecidedPoint[]> {
  const { cluster } = deps.engine;
  let place = -1;
  let index = 0;
  for await (const slice of slices) {
    const points: DecidedPoint[] = [];
    for (const [i, fingerprint] of slice.fingerprint.entries()) {
      place += 1;
      const decision = decidePoint(cluster, fingerprint, { shares, hold });
      const name = decision.reusedFrom === undefined ? slice.imported?.[i] : undefined;
      const imported = name && findImported?.(name);
      const reusedFrom = decision.reusedFrom ?? imported;
      if (only && reusedFrom === undefined && cluster.failed.get(fingerprint) === undefined) {
        tally.leftOut += 1;
        continue;
      }
      index += 1;
      points.push({
        index,
        place,
        paramsJson: slice.paramsJson[i] ?? "",
        fingerprint,
        shape: slice.shape[i] ?? 0,
        priority: slice.priority[i],
        reusedFrom,
        waitsFor: reusedFrom === undefined ? decision.waitsFor : undefined,
        imported,
      });
    }
    yield points;
  }
}

/**
 * What is left of points whose parameters say which run they are: that is known when all have been decided, so they are made
 * twice. What was left out the first time stays out.
 */
async function* keptOnes(
  deps: WriteDeps,
  slices: AsyncIterable<PointSlice>,
  total: number,
  policy: Policy,
  numbered: (numbers: RunNumbers) => Promise<Expansion>,
): AsyncGenerator<DecidedPoint[]> {
  const numbers = new Uint32Array(total);
  const places: number[] = [];
  for await (const points of decided(deps, slices, policy)) {
    for (const { place, index } of points) {
      numbers[place] = index;
      places.push(place);
    }
    await nextTurn();
  }
  const kept = await numbered(numbers);
  for await (const points of decided(deps, kept.slices, { ...policy, only: false })) {
    yield points.map((point) => ({ ...point, place: places[point.place] ?? point.place }));
  }
}

function sourceOf(message: SpecSourceMessage | undefined): SourceFiles {
  if (!message) throw new AppError("invalid", "the request has no sweep file", { id: "submit.no-source" });
  const { path, text, directory, workingDirectory, home, files, digests, overrides } = message;
  if (!directory.startsWith("/")) {
    throw new AppError("invalid", "the directory of the sweep file is not absolute", { id: "submit.directory" });
  }
  const format = message.format === SpecFormat.SPEC_FORMAT_JSON ? "json" : "toml";
  const over = overrides && { ...overrides, limit: overrides.limit, name: overrides.name || undefined };
  return {
    source: { path, text, format, directory, workingDirectory, home, ...(over && { overrides: over }) },
    files: files.map((file) => [file.path, file.text]),
    digests: digests ? digestsOf(digests) : {},
  };
}

function digestsOf({ code, codeManifest, env, data }: SourceDigests): Digests {
  const problem = code === "" ? undefined : manifestProblem({ hash: code, manifest: codeManifest });
  if (problem !== undefined) throw new AppError("invalid", problem, { id: "submit.manifest" });
  return { ...(code && { code }), ...(env && { env }), ...(data && { data }) };
}
