/**
 * Whether the commands of a sweep can be made, told before anything runs: values that the style of the arguments cannot
 * carry, and expressions that fail at a point. What only a host knows is left to the host.
 */
import { argsProblem } from "./args.ts";
import type { Block } from "./block.ts";
import type { BlockCursor } from "./block-cursor.ts";
import type { SweepSpec } from "./parse.ts";
import { ARGS_NAME, parsePlaceholders } from "./placeholders.ts";
import type { PointMaker } from "./point-maker.ts";
import { addFinding, keySpan, valueSpan } from "./report.ts";
import { commandProblem } from "./template.ts";
import { textsOf, usesArgs } from "./template-check.ts";
import type { ParamValue, RunTemplate } from "./types.ts";

/** Values of one parameter, and points of a sweep, that are looked at: what is wrong is seldom wrong only later. */
const VALUES_CHECKED_MAX = 10_000;
const POINTS_CHECKED_MAX = 1_000;

/** A point that becomes a run. */
export interface Queued {
  /** Its number through all blocks. */
  readonly point: number;
  /** The number of its run. */
  readonly index: number;
}

/** Adds a finding for the first problem of each block. `queue`: what becomes runs, in its order. */
export function checkCommands(spec: SweepSpec, maker: PointMaker, queue: Iterable<Queued>): void {
  for (const block of spec.blocks) {
    const problem = valueProblem(block);
    if (problem !== undefined) refuse(spec, block, problem);
  }
  if (spec.report.findings.length > 0) return;
  const computed = new Set(spec.blocks.filter(isComputed));
  if (computed.size === 0) return;
  let looked = 0;
  for (const { point, index } of queue) {
    if (++looked > POINTS_CHECKED_MAX) return;
    const block = maker.blockOf(point);
    if (!computed.has(block)) continue;
    const problem = pointProblem(block, maker.move(point), index);
    if (problem === undefined) continue;
    refuse(spec, block, problem);
    return;
  }
}

/** A parameter's name alone is all that most placeholders hold. */
const NAME = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

/** True where a point's command depends on more than single values of the file. */
function isComputed({ derived, shape }: Block): boolean {
  return derived.length > 0 || hasExpressions(shape.shape.template);
}

function hasExpressions(template: RunTemplate): boolean {
  return textsOf(template).some(([text]) =>
    parsePlaceholders(text).some(
      (segment) => segment.kind === "placeholder" && segment.text !== ARGS_NAME && !NAME.test(segment.text),
    ),
  );
}

function valueProblem({ constants, axes, derived, shape }: Block): string | undefined {
  const { args, argsOptions = {} } = shape.shape.template;
  if (!usesArgs(shape.shape.template)) return undefined;
  const computed = new Set(derived.map(({ name }) => name));
  const problemOf = (name: string, value: ParamValue) =>
    computed.has(name) ? undefined : argsProblem(args, argsOptions, name, value);
  for (const [name, value] of constants) {
    const problem = problemOf(name, value);
    if (problem !== undefined) return problem;
  }
  for (const { names, columns } of axes) {
    for (const [i, column] of columns.entries()) {
      for (let at = 0; at < Math.min(column.length, VALUES_CHECKED_MAX); at++) {
        const problem = problemOf(names[i] ?? "", column.at(at));
        if (problem !== undefined) return problem;
      }
    }
  }
  return undefined;
}

/** Its expressions have been tried before: what fails here is the command. */
function pointProblem({ shape }: Block, cursor: BlockCursor, index: number): string | undefined {
  cursor.derive();
  cursor.deriveLate(index);
  const problem = commandProblem(shape.shape.template, cursor.params(), index);
  const point = cursor.describe();
  return problem === undefined || point === "" ? problem : `${problem} (at ${point})`;
}

function refuse({ report }: SweepSpec, { shape }: Block, message: string): void {
  const { command } = shape;
  const span = command
    ? command.at.keyEnd > command.at.keyStart
      ? keySpan(command)
      : valueSpan(command)
    : { start: 0, end: 0 };
  addFinding(report, { id: "spec.command", message, span });
}
