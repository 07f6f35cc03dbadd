/** Why points of a plan are new although something like them was done. Looks at a bounded part of the past, in slices. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { PlanReason } from "../../../proto/gen/runner/v1/control.ts";
import { required } from "../../../shared/kernel/assert.ts";
import { runRef } from "../../../shared/run/names.ts";
import { canonicalJson, commandIdentity, createLeftOut } from "../../../shared/spec/canonical.ts";
import type { ParamValue, RunShape } from "../../../shared/spec/types.ts";
import type { SweepIdentity } from "../../core/changes.ts";
import { findNearMisses, type KnownRun, type ParamTexts, type Surroundings } from "../../reuse/near-miss.ts";
import type { PastSweep, PastWork } from "../../store/queries/past-work.ts";
import type { DecidedPoint, ExpandedSource } from "./expand-source.ts";

/** New points that are explained; the first ones speak for the others. */
export const EXPLAINED_MAX = 5_000;
/** Sweeps of the past that are looked at. */
const SWEEPS_MAX = 50;
/** Completed runs of them all. */
const RUNS_MAX = 20_000;
const RUNS_PER_TURN = 1_000;
const REASONS_MAX = 8;

/** `fresh`: new points that never failed, at most `EXPLAINED_MAX`. */
export async function planReasons(
  past: PastWork,
  source: ExpandedSource,
  fresh: readonly DecidedPoint[],
): Promise<PlanReason[]> {
  if (fresh.length === 0 || !source.shares) return [];
  const { settings, shapes, report, identity } = source;
  const { ignore } = settings.identity;
  const numbered = source.params.numbered;
  const textsOf = createTexts(createLeftOut(ignore, numbered));
  const commands = [...new Set(shapes.map(({ template }) => JSON.stringify(template.command)))];
  const sweeps = past.sweepsLike(settings.name, commands, SWEEPS_MAX);
  const known = await knownRuns(past, sweeps, ({ identity: other }) =>
    createTexts(createLeftOut(ignore, other?.params?.numbered ?? numbered)),
  );
  if (known.length === 0) return [];
  const points = fresh.map((point) => ({
    params: textsOf(point.paramsJson),
    surroundings: surroundingsOf(commandOf(required(shapes[point.shape], "the shape of a point")), identity),
  }));
  const axes = report.axes.flatMap(({ key }) => key.split(/, */));
  const manifestOf = (hash: string) => (hash === identity.code ? source.codeManifest : past.manifest(hash));
  const misses = findNearMisses(points, known, axes, manifestOf);
  return misses.slice(0, REASONS_MAX).map(({ reason, points: count, example }) => ({
    text: reason,
    points: count,
    example,
  }));
}

async function knownRuns(
  past: PastWork,
  sweeps: readonly PastSweep[],
  textsFor: (sweep: PastSweep) => (json: string) => ParamTexts,
): Promise<KnownRun<string>[]> {
  const known: KnownRun<string>[] = [];
  for (const sweep of sweeps) {
    const left = RUNS_MAX - known.length;
    if (left <= 0) break;
    const textsOf = textsFor(sweep);
    for (const [i, run] of past.succeeded(sweep.id, left).entries()) {
      const surroundings = surroundingsOf(sweep.commands[run.shape] ?? "", sweep.identity);
      known.push({ id: runRef(sweep.ref, run.index), params: textsOf(run.paramsJson), surroundings });
      if (i % RUNS_PER_TURN === RUNS_PER_TURN - 1) await nextTurn();
    }
    await nextTurn();
  }
  return known;
}

function surroundingsOf(command: string, identity: SweepIdentity | undefined): Surroundings {
  const { code = "", env = "", data = "", include = ["command"] } = identity ?? {};
  return { command, code, env, data, include };
}

function commandOf({ template }: RunShape): string {
  return JSON.stringify(commandIdentity(template));
}

/** Parameters that count as canonical texts. */
function createTexts(isLeftOut: (name: string) => boolean): (paramsJson: string) => ParamTexts {
  return (paramsJson) => {
    const texts = new Map<string, string>();
    for (const [name, value] of Object.entries(JSON.parse(paramsJson) as { [name: string]: ParamValue | null })) {
      if (!isLeftOut(name)) texts.set(name, canonicalJson(value));
    }
    return texts;
  };
}
