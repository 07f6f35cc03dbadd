/** `exp plan`: what a sweep file means. Asks the coordinator where there is one; expands here where there is none. */
import type { PlanResponse } from "../../proto/gen/runner/v1/control.ts";
import { required } from "../../shared/kernel/assert.ts";
import { AppError } from "../../shared/kernel/errors.ts";
import { paramsToPlain } from "../../shared/spec/params-json.ts";
import { specError, warningLine } from "../../shared/spec/problems.ts";
import { readSweep } from "../../shared/spec/read-sweep.ts";
import { needsOf } from "../../shared/spec/run-needs.ts";
import { argvOrProblem, shownImage } from "../../shared/spec/shown-command.ts";
import type { ExpandedSweep } from "../../shared/spec/types.ts";
import { EXIT } from "../exit-codes.ts";
import { type PlanPointView, type PlanView, planLines } from "../render/plan.ts";
import { shellWord } from "../render/text.ts";
import type { Command, Session } from "../session.ts";
import { readSpecFile } from "../spec-file.ts";
import { collectSource, OVERRIDE_OPTIONS, overridesOf, type SweepSource } from "../sweep-source.ts";

const SHOW_DEFAULT = 3;

export const plan: Command = {
  options: {
    show: { describe: `how many commands to show [${SHOW_DEFAULT}]` },
    force: { describe: "as if nothing had completed before", type: "flag" },
    ...OVERRIDE_OPTIONS,
  },
  examples: [["exp plan sweep.toml --show 10", "the first ten commands"]],
  async run(session, args) {
    const file = args.required("file");
    const show = args.integer("show", 0) ?? SHOW_DEFAULT;
    const source = await collectSource(await readSpecFile(session, file), overridesOf(args));
    const view = (await askCoordinator(session, source, args.flag("force"), show)) ?? planLocally(source, show);
    await session.out.single({ json: view, lines: planLines(view), name: view.name });
    for (const line of view.warnings) session.out.warn(line);
    session.out.next(`exp submit ${shellWord(file)}`);
    return EXIT.ok;
  },
};

/** Undefined where no coordinator answers and the user has not named one. */
async function askCoordinator(
  session: Session,
  source: SweepSource,
  force: boolean,
  show: number,
): Promise<PlanView | undefined> {
  let named = session.config.server !== undefined || session.config.context !== undefined;
  try {
    named ||= (await session.locate()).explicit;
    const client = await session.connect();
    return viewOf(await client.plan({ source: source.message, force, show }));
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable" && !named) return undefined;
    throw error;
  }
}

function viewOf(response: PlanResponse): PlanView {
  const { steps, estimate } = response;
  const orNull = (text: string) => (text === "" ? null : text);
  return {
    name: response.name,
    total: response.total,
    new: response.fresh,
    reused: response.reused,
    reuseChecked: true,
    rerun: response.rerun,
    axes: response.axes.map(({ key, size, step, variant }) => ({ key, size, step, variant: variant || null })),
    product: steps?.product ?? response.total,
    where: response.where,
    duplicates: steps?.duplicates ?? 0,
    cut: steps?.cut ?? 0,
    leftOut: steps?.leftOut ?? 0,
    steps: steps?.taken ?? [],
    order: steps?.order ?? "",
    shuffleSeed: steps?.shuffleSeed ?? 0,
    waiting: { points: response.waiting, example: orNull(response.waitingFor) },
    failedBefore: { points: response.failedBefore, example: orNull(response.failedExample) },
    reasons: response.reasons.map(({ text, points, example }) => ({ reason: text, points, example })),
    needs: response.needs.map(({ timeMs, ...need }) => ({ ...need, timeSeconds: timeMs > 0 ? timeMs / 1000 : null })),
    estimate: estimate
      ? {
          medianSeconds: estimate.medianMs / 1000,
          likeRuns: estimate.likeRuns,
          totalSeconds: estimate.totalMs / 1000,
          ahead: estimate.ahead,
        }
      : null,
    warnings: response.warnings,
    points: response.points.map(({ index, paramsJson, argv, image, reusedFrom, waitsFor }) => ({
      index,
      params: JSON.parse(paramsJson) as unknown,
      argv,
      image: orNull(image),
      reusedFrom: orNull(reusedFrom),
      waitsFor: orNull(waitsFor),
    })),
  };
}

/** Throws AppError (invalid) with the place of the first problem. */
function planLocally({ source, message }: SweepSource, show: number): PlanView {
  const { code = "", env = "", data = "" } = message.digests ?? {};
  const known = { ...(code && { code }), ...(env && { env }), ...(data && { data }) };
  const read = readSweep(source, known);
  if ("problems" in read) throw specError(read.problems);
  const { sweep, shapes, points, total, report } = read.sweep;
  const shown: PlanPointView[] = [];
  for (const { index, params, shape } of points) {
    if (shown.length === show) break;
    const { template, resources } = required(shapes[shape], "the shape of a point");
    const name = `${sweep.name}.N`;
    const run = { id: "run_…", name: `${name}.${index}`, index, sweep: name, gpus: resources.gpus };
    const argv = argvOrProblem(template, params, run);
    if ("problem" in argv) throw new AppError("invalid", argv.problem, { id: "spec.command" });
    const image = shownImage(template, params, run) ?? null;
    shown.push({ index, params: paramsToPlain(params), argv, image, reusedFrom: null, waitsFor: null });
  }
  const { axes, product, where, duplicates, cut, steps, order, shuffleSeed, warnings } = report;
  return {
    name: sweep.name,
    total,
    new: total,
    reused: 0,
    reuseChecked: false,
    rerun: sweep.rerun,
    axes: axes.map(({ key, size, step, variant }) => ({ key, size, step, variant: variant ?? null })),
    product,
    where,
    duplicates,
    cut,
    leftOut: 0,
    steps,
    order,
    shuffleSeed,
    waiting: { points: 0, example: null },
    failedBefore: { points: 0, example: null },
    reasons: [],
    needs: needsOf(shapes, runsByShape(read.sweep)).map(({ request, runs, timeMs }) => ({
      request,
      runs,
      timeSeconds: timeMs > 0 ? timeMs / 1000 : null,
      fitNow: null,
      fitEver: null,
      nodes: [],
    })),
    estimate: null,
    warnings: warnings.map(warningLine),
    points: shown,
  };
}

function runsByShape({ shapes, points, total }: ExpandedSweep): Map<number, number> {
  if (shapes.length === 1) return new Map([[0, total]]);
  const runs = new Map<number, number>();
  for (const { shape } of points) runs.set(shape, (runs.get(shape) ?? 0) + 1);
  return runs;
}
