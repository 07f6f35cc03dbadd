/**
 * The shape of a block: what the file says of its runs besides parameters, with what a variant or a run says over it. Where
 * resources depend on the point, the shape is made for each combination of values that occurs.
 */
import type { Value } from "../expression/value.ts";
import { inContainer, type ResourceRequest } from "../run/devices.ts";
import type { CheckedExpression } from "./checked-expression.ts";
import { type ComputedPlace, computedPlaces, withComputed } from "./computed-values.ts";
import { type Derived, type Expressions, planExpression } from "./conditions.ts";
import { mergeNodes } from "./merge.ts";
import { childOf, kindOf, type SpecNode, writtenAt } from "./node.ts";
import { hasKind, type Report } from "./report.ts";
import { readResources } from "./resources-section.ts";
import { readRun } from "./run-section.ts";
import { checkOwnLimits, readRunLimits } from "./settings-section.ts";
import { OWN_LIMIT_KEYS, SECTION_KEYS } from "./sweep-keys.ts";
import { checkKeys } from "./table-reader.ts";
import type { RunShape, RunTemplate } from "./types.ts";

/** What a variant or a run says of its own. */
export interface OwnShape {
  /** For messages: "variants[0]". */
  readonly label?: string;
  readonly run?: SpecNode;
  readonly command?: SpecNode;
  readonly resources?: SpecNode;
  readonly limits?: SpecNode;
  readonly tags?: readonly string[];
}

/** What all blocks start from. */
export interface OuterShape {
  readonly root: SpecNode;
  readonly run: SpecNode | undefined;
  readonly resources: SpecNode | undefined;
  readonly limits: SpecNode | undefined;
  readonly tags: readonly string[];
  readonly retry: RunShape["retry"];
  /** Undefined: as usual. */
  readonly capture: RunTemplate["capture"];
}

export interface ShapePlan {
  readonly shape: RunShape;
  readonly resources: SpecNode | undefined;
  readonly limits: SpecNode | undefined;
  readonly label: string;
  readonly command: SpecNode | undefined;
  /** Empty: the shape is the same for all points of the block. */
  readonly expressions: readonly { readonly place: ComputedPlace; readonly checked: CheckedExpression }[];
}

/** `names`: the parameters of the block, which its command may use. `known`: those of any block. */
export function planShape(
  expressions: Expressions,
  outer: OuterShape,
  own: OwnShape,
  names: ReadonlySet<string>,
  known: ReadonlySet<string>,
  derived: readonly Derived[],
): ShapePlan {
  const { report } = expressions;
  const prefix = own.label === undefined ? "" : `${own.label}.`;
  const run = overlaid(report, outer.run, withCommand(own), `${prefix}run`);
  if (outer.run) checkKeys(report, outer.run, "run", Object.keys(SECTION_KEYS.run));
  if (own.run) checkKeys(report, own.run, `${prefix}run`, Object.keys(SECTION_KEYS.run));
  checkOwnLimits(report, own.limits, `${prefix}limits`);
  const limits = overlaid(report, outer.limits, own.limits, `${prefix}limits`);
  const resources = overlaid(report, outer.resources, own.resources, `${prefix}resources`);
  const label = own.resources ? `${prefix}resources` : "resources";
  const plan = (places: readonly ComputedPlace[]) =>
    places.flatMap((place) => {
      const checked = planExpression(expressions, place.expr, place.label, known, derived);
      return checked ? [{ place, checked }] : [];
    });
  const asked = computedPlaces(resources, label, SECTION_KEYS.resources);
  const bounds = computedPlaces(limits, "limits", OWN_LIMIT_KEYS);
  const template: RunTemplate = {
    ...readTemplate(report, outer.root, run, own, names, known),
    ...(outer.capture && { capture: outer.capture }),
  };
  const shape: RunShape = {
    template,
    // A request with expressions is read once their values are known.
    resources:
      asked.length > 0 ? { gpus: undefined, cpus: undefined } : readRequest(report, resources, label, template),
    limits: readRunLimits(report, limits && withComputed(limits, bounds), "limits"),
    retry: outer.retry,
    tags: [...new Set([...outer.tags, ...(own.tags ?? [])])],
  };
  return {
    shape,
    resources,
    limits,
    label,
    command: run && childOf(run, "command"),
    expressions: plan([...asked, ...bounds]),
  };
}

/** The shape for certain values of the expressions; of use only when the report stays empty. */
export function shapeFor(report: Report, plan: ShapePlan, values: readonly Value[]): RunShape {
  const { shape, resources, limits, label } = plan;
  const { template } = shape;
  if (plan.expressions.length === 0) return shape;
  const places = plan.expressions.map(({ place }) => place);
  const filled = (node: SpecNode | undefined) => node && withComputed(node, places, values);
  return {
    ...shape,
    resources: readRequest(report, filled(resources), label, template),
    limits: readRunLimits(report, filled(limits), "limits"),
  };
}

/** As `readResources`, with what the command itself needs of a host. */
function readRequest(
  report: Report,
  node: SpecNode | undefined,
  label: string,
  { image }: RunTemplate,
): ResourceRequest {
  const request = readResources(report, node, label);
  return image === undefined ? request : inContainer(request);
}

/** As `readRun`, but says of a parameter that only others have which block lacks it. */
function readTemplate(
  report: Report,
  root: SpecNode,
  run: SpecNode | undefined,
  own: OwnShape,
  names: ReadonlySet<string>,
  known: ReadonlySet<string>,
): RunShape["template"] {
  const before = report.findings.length;
  const template = readRun(report, root, run, names);
  for (const [i, finding] of report.findings.entries()) {
    const name = /^\$\{\s*(.+?)\s*\} is not a parameter of this sweep$/.exec(finding.message)?.[1];
    if (i < before || name === undefined || !known.has(name)) continue;
    const message = `\${${name}} is not a parameter of ${own.label ?? "the combinations of [grid]"}`;
    const hint = `give it a value in [base], or write \${${name} if defined(${name}) else ''}`;
    report.findings[i] = { ...finding, message, hint };
  }
  return template;
}

function overlaid(
  report: Report,
  outer: SpecNode | undefined,
  own: SpecNode | undefined,
  label: string,
): SpecNode | undefined {
  if (!own || !hasKind(report, own, label, "table")) return outer;
  if (!outer || kindOf(outer.raw) !== "table") return own;
  // Each value of `[resources]` and `[run]` is one value: an inner table never mixes with an outer one, but for `env`.
  return mergeNodes(outer, own, (path) => path[0] !== "env");
}

/** `command = …` of a run is short for `run = { command = … }`. */
function withCommand({ run, command }: OwnShape): SpecNode | undefined {
  if (!command) return run;
  const raw: { [key: string]: unknown } = Object.create(null);
  raw.command = command.raw;
  const at = writtenAt(command.at.keyStart, command.at.keyEnd, command.at.start, command.at.end);
  at.children.set("command", command.at);
  const node = { raw, at };
  return run && kindOf(run.raw) === "table" ? mergeNodes(run, node) : node;
}
