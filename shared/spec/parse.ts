/**
 * From the text of a sweep file to what its points are made from, or to everything that is wrong with it, each with its
 * place. Never throws for a bad file. Nothing is guessed: what is not known is refused.
 */
import { POINTS_DEFAULT_MAX, RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { type Block, type Drawn, loadBlock, sizeOf } from "./block.ts";
import { type BlockContext, type BlockPlan, planBlock } from "./block-plan.ts";
import { readCapture } from "./capture-section.ts";
import { type Condition, type Expressions, planConditions, planDerived } from "./conditions.ts";
import { grouped, type SpecSource } from "./document.ts";
import { type Loaded, loadDocument } from "./extends.ts";
import { type Level, readLevel } from "./level.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import type { SpecProblem } from "./problems.ts";
import { checkRemedyNames } from "./remedy-section.ts";
import { createReport, problemsOf, type Report, wrongType, wrongValue } from "./report.ts";
import { planRuns } from "./runs-plan.ts";
import { readSeeds } from "./seeds.ts";
import { readRetry, readSettings } from "./settings-section.ts";
import { type OuterShape, type OwnShape, planShape } from "./shape-plan.ts";
import { checkBytes, checkCount } from "./size-check.ts";
import { VARIANT_KEYS } from "./sweep-keys.ts";
import { readTable, readTop } from "./table-reader.ts";
import type { SweepSettings } from "./types.ts";

export type { SpecSource } from "./document.ts";
export type { SpecProblem } from "./problems.ts";

/** What a sweep file says, checked, before its points are made. */
export interface SweepSpec {
  readonly settings: SweepSettings;
  /** In the order of expansion: variants, then explicit runs. */
  readonly blocks: readonly Block[];
  readonly variants: number;
  readonly seeds: readonly number[] | undefined;
  readonly conditions: readonly Condition[];
  readonly order: "listed" | "shuffled" | "cheap-first";
  readonly shuffleSeed: number;
  /** For what shows only when points are made; it holds the warnings too. */
  readonly report: Report;
}

/** The spec, or at least one problem; problems come in the order of the file. */
export function parseSpec(source: SpecSource): { spec: SweepSpec } | { problems: SpecProblem[] } {
  const loaded = loadDocument(source);
  if ("message" in loaded) return { problems: [loaded] };
  const report = createReport(loaded.files);
  const spec = readSpec(report, source, loaded);
  return spec && report.findings.length === 0 ? { spec } : { problems: problemsOf(report) };
}

/** Variants, and sets of explicit runs that differ in more than values. */
const BLOCKS_MAX = 10_000;

const ORDERS: readonly SweepSpec["order"][] = ["listed", "shuffled", "cheap-first"];

/** A block on its way from the file. */
interface Draft {
  readonly plan: BlockPlan;
  readonly own: OwnShape;
  readonly priority: number | undefined;
}

/** Of use only when the report stays empty. */
function readSpec(report: Report, source: SpecSource, loaded: Loaded): SweepSpec | undefined {
  const { root, overridden } = loaded;
  const top = readTop(report, root);
  const settings = readSettings(report, root, top);
  const seeds = readSeeds(report, root, top.repeats);
  const outer = readLevel(report, source, root, "");
  const context: BlockContext = { report, seeds: seeds?.node, randoms: new Map(), overridden };
  const variants = planVariants(context, source, outer, childOf(root, "variants"));
  const runs = planRuns(context, source, outer, childOf(root, "runs"));
  const hasProduct = runs.length === 0 || hasCombinations(loaded.written);
  const product = hasProduct ? [{ plan: planBlock(context, outer), own: {}, priority: undefined }] : [];
  const drafts: Draft[] = [...(variants.length > 0 ? variants : product), ...runs];
  const outerShape: OuterShape = {
    root,
    run: tableOf(root, "run"),
    resources: childOf(root, "resources"),
    limits: childOf(root, "limits"),
    tags: settings.tags,
    retry: readRetry(report, childOf(root, "retry")),
    capture: readCapture(report, childOf(root, "capture"), settings.objective !== undefined),
  };
  if (drafts.length > BLOCKS_MAX) {
    const message = `the runs differ in more than their values in over ${grouped(BLOCKS_MAX)} places`;
    wrongValue(report, childOf(root, "runs") ?? root, message, "give neighbouring runs the same parameters");
    return undefined;
  }
  const expressions: Expressions = { report, read: new Map(), conditions: new Map() };
  const rests = planRests(expressions, outerShape, drafts);
  const isSmall = checkCount(report, root, {
    sizes: drafts.map(({ plan }) => ({ plan, points: sizeOf(plan) })),
    seeds: seeds?.count ?? 1n,
    max: Math.min(RUNS_PER_SWEEP_MAX, Math.max(POINTS_DEFAULT_MAX, settings.runsMax)),
  });
  if (!isSmall) return undefined;
  const values = seeds?.load();
  const drawn: Drawn = new Map();
  const blocks = drafts.map(({ plan }, i) => {
    const rest = rests[i];
    return rest && loadBlock(report, plan, values, drawn, rest);
  });
  const whole = blocks.filter((block) => block !== undefined);
  if (report.findings.length > 0 || whole.length < drafts.length) return undefined;
  checkBytes(report, root, whole);
  checkRemedyNames(report, childOf(root, "retry"), new Set(whole.flatMap(paramNames)));
  return {
    settings,
    blocks: whole,
    variants: variants.length,
    seeds: values,
    conditions: [...expressions.conditions.values()],
    order: ORDERS.find((order) => order === top.order) ?? "listed",
    shuffleSeed: top.shuffle_seed ?? 0,
    report,
  };
}

function paramNames({ constants, axes, derived }: Block): string[] {
  return [
    ...constants.map(([name]) => name),
    ...axes.flatMap(({ names }) => names),
    ...derived.map(({ name }) => name),
  ];
}

/** Of the files: explicit runs alone do not mean one more run without any of their parameters. */
function hasCombinations(written: SpecNode): boolean {
  return ["grid", "zip", "random"].some((key) => {
    const node = childOf(written, key);
    return node !== undefined && (entriesOf(node).length > 0 || itemsOf(node).length > 0);
  });
}

function planVariants(context: BlockContext, source: SpecSource, outer: Level, node: SpecNode | undefined): Draft[] {
  if (!node) return [];
  const { report } = context;
  if (kindOf(node.raw) !== "list") {
    wrongType(report, node, "variants", "a list of tables", "write each as [[variants]]");
    return [];
  }
  const items = itemsOf(node);
  if (items.length > BLOCKS_MAX) {
    wrongValue(report, node, `variants has more than ${grouped(BLOCKS_MAX)} alternatives`);
    return [];
  }
  if (items.length === 0) wrongValue(report, node, "variants is an empty list, so there would be no run at all");
  return items.flatMap((item, i) => {
    const label = `variants[${i}]`;
    if (kindOf(item.raw) !== "table") {
      wrongType(report, item, label, "a table", "write it as [[variants]]");
      return [];
    }
    const table = readTable(report, item, label, VARIANT_KEYS);
    const own: OwnShape = {
      label,
      ...(table.run && { run: table.run }),
      ...(table.resources && { resources: table.resources }),
      ...(table.limits && { limits: table.limits }),
      ...(table.tags && { tags: table.tags }),
    };
    const plan = planBlock(context, outer, readLevel(report, source, item, `${label}.`), i + 1);
    return [{ plan, own, priority: undefined }];
  });
}

/** Expressions and shapes, which may name a parameter of any block: an expression can ask whether it is there. */
function planRests(expressions: Expressions, outer: OuterShape, drafts: readonly Draft[]) {
  const known = new Set(drafts.flatMap(({ plan }) => [...plan.names]));
  return drafts.map(({ plan, own, priority }) => {
    const derived = planDerived(expressions, plan.derive, known);
    const conditions = planConditions(expressions, plan.where, known, derived);
    // Names that were refused count as well, so that one mistake is reported once.
    const names = new Set([...plan.names, ...plan.derive.map(({ name }) => name)]);
    const shape = planShape(expressions, outer, own, names, known, derived);
    return { derived, conditions, shape, priority };
  });
}

function tableOf(root: SpecNode, key: string): SpecNode | undefined {
  const node = childOf(root, key);
  return node && kindOf(node.raw) === "table" ? node : undefined;
}
