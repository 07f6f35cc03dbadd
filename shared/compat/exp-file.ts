/**
 * [P] EXP's own file, `[scheduler]` and `[[experiments]]`: from its tree of values to the queue that EXP would make of it,
 * each value read as EXP's code reads it. What has no meaning on a fleet becomes a warning, one for each key.
 */
import { PRIORITY_MAX, RUNS_PER_SWEEP_MAX } from "../run/limits.ts";
import { grouped } from "../spec/document.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "../spec/node.ts";
import { addFinding, hasKind, keySpan, type Report, valueSpan, wrongType, wrongValue } from "../spec/report.ts";
import { type LoadedEntry, readExperiment } from "./exp-entry.ts";
import { noteResultsPlace, readFloat, readInt } from "./exp-fields.ts";
import type { Notes } from "./exp-notes.ts";
import { inExpOrder } from "./exp-order.ts";
import type { UserPlaces } from "./exp-paths.ts";
import { type LarkKeys, NO_LARK, readLark } from "./lark.ts";
import { pythonTruth } from "./python-values.ts";

/** One run of an EXP file. */
export interface ExpEntry extends Omit<LoadedEntry, "priority" | "repeats" | "further"> {
  readonly priority: number;
  /** From 1: which of the runs of the same name and command this is. */
  readonly repeat: number;
  /** From 1: the runs that one entry of the file was repeated to share it. */
  readonly group: number;
}

export interface ExpFile {
  /** In EXP's order. */
  readonly entries: readonly ExpEntry[];
  readonly parallel: number;
}

const SCHEDULER_KEYS = [
  "base_experiment_dir",
  "max_concurrent_experiments",
  "check_interval",
  "auto_restart_on_error",
  "linger_when_idle",
  "lark_url",
  "lark_config",
];

/** True for a file of EXP's shape; one with `[run]` or `[grid]` is ours, whatever else it has. */
export function isExpShape(root: SpecNode): boolean {
  if (childOf(root, "run") || childOf(root, "grid")) return false;
  const scheduler = childOf(root, "scheduler");
  const experiments = childOf(root, "experiments");
  return (scheduler !== undefined && kindOf(scheduler.raw) === "table") || experiments !== undefined;
}

/** Of use only when `report` stays empty. `notes` takes the warnings. */
export function readExpFile(report: Report, notes: Notes, root: SpecNode, places: UserPlaces): ExpFile {
  for (const [key, node] of entriesOf(root)) {
    if (key !== "scheduler" && key !== "experiments") notes.unknown(node, key, ["scheduler", "experiments"], "EXP");
  }
  const scheduler = readScheduler(report, notes, childOf(root, "scheduler"), root, places);
  const experiments = childOf(root, "experiments");
  const loaded: LoadedEntry[] = [];
  if (experiments && kindOf(experiments.raw) !== "list") {
    wrongType(report, experiments, "experiments", "a list of tables");
  } else if (!experiments || itemsOf(experiments).length === 0) {
    const span = experiments ? valueSpan(experiments) : { start: root.at.start, end: root.at.start };
    addFinding(report, { id: "spec.missing", message: "the file has no [[experiments]]", span });
  } else {
    for (const [i, node] of itemsOf(experiments).entries()) {
      const entry = readExperiment(report, notes, node, i + 1, places, scheduler.lark);
      if (entry) loaded.push(entry);
    }
    checkCount(report, experiments, loaded);
  }
  if (report.findings.length > 0) return { entries: [], parallel: scheduler.parallel };
  return { entries: queueOf(loaded, scheduler.restarts), parallel: scheduler.parallel };
}

interface Scheduler {
  readonly parallel: number;
  /** Whether `max_retries` counts. */
  readonly restarts: boolean;
  /** What experiments do not say themselves. */
  readonly lark: LarkKeys;
}

function readScheduler(
  report: Report,
  notes: Notes,
  node: SpecNode | undefined,
  root: SpecNode,
  places: UserPlaces,
): Scheduler {
  const base = node && childOf(node, "base_experiment_dir");
  if (!base || (typeof base.raw === "string" && base.raw.trim() === "")) {
    notes.add(
      "no base",
      base ?? node ?? root,
      "scheduler.base_experiment_dir is missing, without which EXP refuses a file",
    );
  }
  if (!node || !hasKind(report, node, "scheduler", "table")) return { parallel: 1, restarts: false, lark: NO_LARK };
  for (const [key, child] of entriesOf(node)) {
    if (!SCHEDULER_KEYS.includes(key)) notes.unknown(child, key, SCHEDULER_KEYS, "[scheduler]");
  }
  if (base) noteResultsPlace(report, notes, base, "scheduler.base_experiment_dir", places);
  const interval = childOf(node, "check_interval");
  if (interval) {
    readFloat(report, interval, "scheduler.check_interval");
    notes.add("check_interval", interval, "scheduler.check_interval has no effect: nothing is polled");
  }
  const linger = childOf(node, "linger_when_idle");
  if (linger) {
    notes.add("linger_when_idle", linger, "scheduler.linger_when_idle has no effect: the coordinator always stays");
  }
  const concurrent = childOf(node, "max_concurrent_experiments");
  const parallel = (concurrent && readInt(report, concurrent, "scheduler.max_concurrent_experiments")) ?? 1n;
  if (concurrent && parallel < 1n) {
    const hint = "EXP itself would wait for ever";
    wrongValue(report, concurrent, `scheduler.max_concurrent_experiments must be 1 or more, not ${parallel}`, hint);
  }
  return {
    parallel: Number(parallel < RUNS_PER_SWEEP_MAX ? parallel : BigInt(RUNS_PER_SWEEP_MAX)),
    restarts: pythonTruth(childOf(node, "auto_restart_on_error")?.raw),
    lark: readLark(notes, node, "scheduler", NO_LARK),
  };
}

function checkCount(report: Report, node: SpecNode, loaded: readonly LoadedEntry[]): void {
  let count = 0;
  for (const { repeats } of loaded) count += repeats;
  if (count <= RUNS_PER_SWEEP_MAX) return;
  const message = `the file makes more than ${grouped(RUNS_PER_SWEEP_MAX)} runs`;
  addFinding(report, { id: "spec.too-many", message, span: keySpan(node), hint: "lower repeats" });
}

/** In EXP's order, repeats in place. */
function queueOf(loaded: readonly LoadedEntry[], restarts: boolean): ExpEntry[] {
  const seen = new Map<string, number>();
  return inExpOrder(loaded).flatMap((entry, position) => {
    const { further: _, repeats, ...kept } = entry;
    const key = JSON.stringify([entry.name, entry.command]);
    const before = seen.get(key) ?? 0;
    seen.set(key, before + repeats);
    return Array.from({ length: repeats }, (_, i) => ({
      ...kept,
      priority: Number(clamp(entry.priority, BigInt(PRIORITY_MAX))),
      retries: restarts ? entry.retries : 0,
      repeat: before + i + 1,
      group: position + 1,
    }));
  });
}

function clamp(value: bigint, max: bigint): bigint {
  return value > max ? max : value < -max ? -max : value;
}
