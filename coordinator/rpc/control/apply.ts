/** Apply: an edited file for a sweep that is there. Says what is different, and does it unless only that is asked. */

import { isDeepStrictEqual } from "node:util";
import type { ApplyRequest, ApplyResponse } from "../../../proto/gen/runner/v1/control.ts";
import { withoutLarkSecrets } from "../../../shared/compat/lark.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { AppError } from "../../../shared/kernel/errors.ts";
import { type RunId, runId } from "../../../shared/kernel/ids.ts";
import { requestToJson } from "../../../shared/run/devices.ts";
import { POINTS_DEFAULT_MAX } from "../../../shared/run/limits.ts";
import { warningLine } from "../../../shared/spec/problems.ts";
import { templateToJson } from "../../../shared/spec/template-json.ts";
import type { RunShape, SweepSettings } from "../../../shared/spec/types.ts";
import type { Change } from "../../core/changes.ts";
import { compareSweep, type SweepDifference } from "../../reuse/sweep-difference.ts";
import type { Selection } from "../../store/queries/refs.ts";
import type { StandingSweep } from "../../store/queries/standing.ts";
import type { Caller } from "../auth.ts";
import type { WriteDeps } from "./deps-write.ts";
import { type DecidedPoint, type ExpandedSource, expandSource } from "./expand-source.ts";

/** Points of which a response gives the parameters. */
const SHOWN_MAX = 5;

/** One at a time: what is different is looked up before it is changed. */
export const apply = (deps: WriteDeps) => {
  let last: Promise<unknown> = Promise.resolve();
  return (request: ApplyRequest, caller: Caller): Promise<ApplyResponse> => {
    const answer = last.then(() => applyOne(deps, request, caller));
    last = answer.catch(() => undefined);
    return answer;
  };
};

async function applyOne(deps: WriteDeps, request: ApplyRequest, caller: Caller): Promise<ApplyResponse> {
  const source = await expandSource(deps, request.source, false);
  const points: DecidedPoint[] = [];
  for await (const slice of source.slices) {
    points.push(...slice);
    if (points.length > POINTS_DEFAULT_MAX) {
      throw new AppError("invalid", `apply takes files of at most ${POINTS_DEFAULT_MAX} runs`, { id: "apply.size" });
    }
  }
  const selection = sweepOf(deps, request.ref === "" ? source.settings.name : request.ref);
  const copied = deps.queries.origins.ofSweep(selection.sweepId)?.snapshot;
  if (!copied && source.shapes.some(({ template }) => template.code !== undefined)) {
    throw new AppError("conflict", `${selection.ref} was submitted without a copy of its code, which run.code wants`, {
      id: "apply.code",
      hint: "submit the file as a new sweep",
    });
  }
  const { settings } = source;
  const compared = await compareWhole(deps, selection, source, points);
  // From here on nothing else comes in between until the engine has it.
  const { standing, shapes, first, ...difference } = compared;
  const before = response(deps, source, selection, standing, difference);
  if (request.dryRun) return before;
  const changes = await deps.engine.apply({
    kind: "apply",
    by: caller.name,
    sweep: required(deps.loadSweep(selection.sweepId), "the sweep that is changed"),
    settings: {
      project: settings.project,
      description: settings.description,
      note: settings.note,
      tags: settings.tags,
      priority: settings.priority,
      parallel: settings.parallel,
      failuresMax: settings.failures,
      gpuMsMax: settings.gpuMs,
      deadline: settings.deadline,
      objective: settings.objective,
      ...(settings.stop && { stop: settings.stop }),
      hold: settings.hold,
      sourcePath: request.source?.path ?? "",
      sourceText: withoutLarkSecrets(request.source?.text ?? ""),
      identity: source.identity,
      codeManifest: source.codeManifest,
      ...(settings.notify && { notify: settings.notify }),
      total: standing.total + difference.added.length,
      at: deps.clock.wallMs(),
      shapes: shapes.added,
    },
    runs: difference.added.map(({ own, shape, fingerprint, paramsJson, imported }, i) => ({
      id: runId(`run_${deps.newUlid()}`),
      index: first + i,
      shape,
      priority: own,
      fingerprint,
      paramsJson,
      imported,
    })),
    withdrawn: difference.withdrawn,
    reshaped: difference.reshaped,
    priorities: difference.priorities,
  });
  return { ...before, ...counted(changes) };
}

type AppliedPoint = DecidedPoint & { readonly own: number | undefined };
type Difference = SweepDifference<RunId, AppliedPoint>;

interface Compared extends Difference {
  readonly standing: StandingSweep;
  readonly shapes: ReturnType<typeof shapeNumbers>;
  /** Number of the first run that is added. */
  readonly first: number;
}

/** With the parameters that the added runs have under their numbers. */
async function compareWhole(
  deps: WriteDeps,
  selection: Selection,
  source: ExpandedSource,
  points: readonly DecidedPoint[],
): Promise<Compared> {
  let compared = compare(deps, selection, source, points);
  while (source.numbered && compared.added.length > 0) {
    const { added, first } = compared;
    const params = await source.paramsFrom(placesOf(added), first);
    compared = compare(deps, selection, source, points);
    // A run that was withdrawn may have been taken back meanwhile.
    if (!isDeepStrictEqual(placesOf(added), placesOf(compared.added))) continue;
    return { ...compared, added: compared.added.map((point, i) => ({ ...point, paramsJson: params[i] ?? "" })) };
  }
  return compared;
}

function compare(
  deps: WriteDeps,
  { sweepId }: Selection,
  { shapes, settings }: ExpandedSource,
  points: readonly DecidedPoint[],
): Compared {
  const standing = required(deps.queries.standing.get(sweepId), "the sweep of a reference");
  const numbers = shapeNumbers(standing.shapes, shapes);
  const edited = points.map((point) => ({
    ...point,
    shape: numbers.of[point.shape] ?? 0,
    priority: point.priority ?? settings.priority,
    own: point.priority,
  }));
  return { ...compareSweep(standing.runs, edited), standing, shapes: numbers, first: standing.total + 1 };
}

function placesOf(points: readonly DecidedPoint[]): number[] {
  return points.map(({ place }) => place);
}

function sweepOf(deps: WriteDeps, ref: string): Selection {
  const [selection, other] = deps.queries.refs.resolve([ref]);
  if (!selection || other || selection.picks !== "all") {
    throw new AppError("invalid", `"${ref}" does not name one sweep`, { id: "ref.several", hint: "such as digits.3" });
  }
  return selection;
}

/** The number of each shape of the file in the sweep; those that it does not have yet come behind its own. */
function shapeNumbers(known: readonly string[], shapes: readonly RunShape[]): { of: number[]; added: RunShape[] } {
  const texts = [...known];
  const added: RunShape[] = [];
  const of = shapes.map((shape) => {
    const { template, resources, limits, retry, tags } = shape;
    const rest = [limits, retry, tags].map((part) => JSON.stringify(part)).join("");
    const text = `${templateToJson(template)}${requestToJson(resources)}${rest}`;
    const at = texts.indexOf(text);
    if (at >= 0) return at;
    added.push(shape);
    return texts.push(text) - 1;
  });
  return { of, added };
}

/** What really happened: a run may have started meanwhile. */
function counted(changes: readonly Change[]): Pick<ApplyResponse, "reused" | "withdrawn" | "reshaped"> {
  const extended = changes.find((change) => change.kind === "sweep-extended");
  return {
    reused: extended?.runs.filter(({ reusedFrom }) => reusedFrom !== undefined).length ?? 0,
    withdrawn: changes.filter((change) => change.kind === "run-changed" && change.row.state === "cancelled").length,
    reshaped: extended?.reshaped.length ?? 0,
  };
}

function response(
  deps: WriteDeps,
  { settings, report }: ExpandedSource,
  selection: Selection,
  standing: StandingSweep,
  difference: Difference,
): ApplyResponse {
  const { added, withdrawn, unchanged, runningOn, reshaped } = difference;
  return {
    sweep: selection.ref,
    added: added.length,
    reused: added.filter(({ reusedFrom }) => reusedFrom !== undefined).length,
    withdrawn: withdrawn.length,
    unchanged,
    runningOn,
    reshaped: reshaped.length,
    settings: settingLines(standing, settings),
    addedParams: added.slice(0, SHOWN_MAX).map(({ paramsJson }) => paramsJson),
    withdrawnParams: withdrawn.slice(0, SHOWN_MAX).map((id) => deps.queries.standing.paramsJson(id)),
    warnings: [...report.warnings.map(warningLine), ...afterLines(deps, standing, settings)],
  };
}

const HOUR_MS = 3_600_000;

function dateText(at: number): string {
  return at === 0 ? "none" : new Date(at).toISOString();
}

function targetText(target: number | undefined): string {
  return target === undefined ? "none" : String(target);
}

/** What it waits for was decided when it was submitted. */
function afterLines(deps: WriteDeps, { after }: StandingSweep, settings: SweepSettings): string[] {
  const wanted = settings.after.flatMap((ref) => deps.queries.refs.resolve([ref]).map(({ sweepId }) => sweepId));
  if (isDeepStrictEqual(new Set(wanted), new Set(after))) return [];
  const refs = after.map((id) => deps.queries.refs.sweep(id).ref);
  return [`after is not changed: the sweep waits for ${refs.join(", ") || "no other"}, as it was submitted`];
}

function settingLines(standing: StandingSweep, settings: SweepSettings): string[] {
  const limit = (value: number) => (value === 0 ? "no limit" : String(value));
  const text = (value: string) => (value === "" ? "none" : JSON.stringify(value));
  const tags = (names: readonly string[]) => names.join(", ") || "none";
  const rows: [name: string, before: string, now: string][] = [
    ["project", text(standing.project), text(settings.project)],
    ["description", text(standing.description), text(settings.description)],
    ["note", text(standing.note), text(settings.note)],
    ["tags", tags(standing.tags), tags(settings.tags)],
    ["priority", String(standing.priority), String(settings.priority)],
    ["parallel", limit(standing.parallel), limit(settings.parallel)],
    ["failures", limit(standing.failuresMax), limit(settings.failures)],
    ["gpu_hours", limit(standing.gpuMsMax / HOUR_MS), limit(settings.gpuMs / HOUR_MS)],
    ["deadline", dateText(standing.deadline), dateText(settings.deadline)],
    ["target", targetText(standing.target), targetText(settings.objective?.target)],
  ];
  return rows.filter(([, before, now]) => before !== now).map(([name, before, now]) => `${name} ${before} to ${now}`);
}
