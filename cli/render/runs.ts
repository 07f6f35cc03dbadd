/** [P] Runs as a table: only what differs between them, and what waits or failed last, so that it may be long. */
import type { JsonValue, RunView } from "../../shared/run/views.ts";
import { stateColour } from "./colour.ts";
import type { Column } from "./table.ts";
import { plural, shortNumber } from "./text.ts";
import { ageText, spanText } from "./time.ts";

const PARAM_COLUMNS_MAX = 6;

export interface RunTableOptions {
  readonly nowMs: number;
  /** Metrics to show, in this order. */
  readonly metrics: readonly string[];
  /** Short name of a device, such as "gpu-01:2", by UUID. */
  readonly deviceNames: ReadonlyMap<string, string>;
}

export function runColumns(runs: readonly RunView[], options: RunTableOptions): Column<RunView>[] {
  return [
    { title: "NAME", cell: (run) => run.ref },
    { title: "STATE", cell: (run) => run.state, colour: (run) => stateColour(run.state) },
    ...varyingParams(runs).map(
      (key): Column<RunView> => ({ title: key, cell: (run) => paramText(run.params[key]), rank: 1 }),
    ),
    ...options.metrics.map(
      (key): Column<RunView> => ({ title: key, align: "right", cell: (run) => metricText(run, key) }),
    ),
    { title: "WHERE", cell: (run) => whereText(run, options.deviceNames), optional: true, rank: 2 },
    { title: "ATTEMPT", cell: (run) => String(run.attempt), align: "right", wide: true },
    { title: "EXIT", cell: (run) => (run.exitCode === null ? "" : String(run.exitCode)), align: "right", wide: true },
    { title: "ID", cell: (run) => run.id, wide: true },
    { title: "TOOK", cell: (run) => spanText(run.startedAt, run.finishedAt, options.nowMs), optional: true, rank: 2 },
    { title: "AGE", cell: (run) => ageText(run.createdAt, options.nowMs), rank: 3 },
    { title: "WHY", cell: whyText, optional: true },
  ];
}

/** "13 runs: 1 running, 11 queued, 1 failed" */
export function runsFooter(runs: readonly RunView[]): string {
  const counts: { [state: string]: number } = {};
  for (const { state } of runs) counts[state] = (counts[state] ?? 0) + 1;
  return `${plural(runs.length, "run")}: ${countsText(counts)}`;
}

const ORDER = ["running", "assigned", "unknown", "queued", "held", "succeeded", "failed", "cancelled", "skipped"];

/** "1 running, 11 queued"; states that are not there are not named. */
export function countsText(counts: { readonly [state: string]: number }): string {
  const rank = (state: string) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}

/** Keys whose value differs between the runs, in the order of the parameters; the first few of many. */
export function varyingParams(runs: readonly RunView[]): string[] {
  return varyingKeys(runs.map(({ params }) => params));
}

/** As `varyingParams`, of parameters alone. */
export function varyingKeys(all: readonly { readonly [key: string]: JsonValue }[]): string[] {
  const first = new Map<string, string>();
  const varying = new Set<string>();
  for (const [n, params] of all.entries()) {
    for (const [key, value] of Object.entries(params)) {
      const text = paramText(value);
      const seen = first.get(key);
      if (seen === undefined) {
        first.set(key, text);
        if (n > 0) varying.add(key);
      } else if (seen !== text) varying.add(key);
    }
  }
  for (const key of first.keys()) if (all.some((params) => params[key] === undefined)) varying.add(key);
  return [...first.keys()].filter((key) => varying.has(key)).slice(0, PARAM_COLUMNS_MAX);
}

/** Why it is in its state, and that its results are gone. */
function whyText({ reason, prunedAt }: RunView): string {
  if (prunedAt === null) return reason;
  return `${reason}${reason === "" ? "" : "; "}results pruned`;
}

export function paramText(value: JsonValue | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function metricText(run: RunView, key: string): string {
  const value = run.metrics[key];
  return value === undefined ? "" : shortNumber(value);
}

function whereText(run: RunView, deviceNames: ReadonlyMap<string, string>): string {
  if (run.node === null) return "";
  const [device, ...others] = run.devices;
  if (device === undefined) return run.node;
  const name = deviceNames.get(device) ?? run.node;
  return others.length === 0 ? name : `${name}+${others.length}`;
}
