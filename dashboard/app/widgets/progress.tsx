/** How far many runs are: one bar with a part for each state. */
import { RUN_STATES, type RunState } from "../../../shared/run/states.ts";
import { t } from "../i18n/i18n.ts";

/** From what is done to what waits. */
const ORDER: readonly RunState[] = [
  "succeeded",
  "failed",
  "skipped",
  "cancelled",
  "unknown",
  "running",
  "assigned",
  "held",
  "queued",
];

export interface Counts {
  readonly [state: string]: number;
}

export function Progress({ counts, total }: { counts: Counts; total: number }) {
  return (
    <span class="progress" role="img" aria-label={countsText(counts)} title={countsText(counts)}>
      {ORDER.map((state) => {
        const share = total > 0 ? (counts[state] ?? 0) / total : 0;
        if (share === 0) return null;
        return <span key={state} class={`progress-part progress-${state}`} style={{ width: `${100 * share}%` }} />;
      })}
    </span>
  );
}

/** "12 succeeded, 3 failed" */
export function countsText(counts: Counts): string {
  return ORDER.filter((state) => (counts[state] ?? 0) > 0)
    .map((state) => `${(counts[state] ?? 0).toLocaleString("en")} ${t(`state.${state}`)}`)
    .join(", ");
}

/** Runs that are over. */
export function doneOf(counts: Counts): number {
  return (["succeeded", "failed", "skipped", "cancelled"] as const).reduce(
    (sum, state) => sum + (counts[state] ?? 0),
    0,
  );
}

export function statesOf(counts: Counts): RunState[] {
  return RUN_STATES.filter((state) => (counts[state] ?? 0) > 0);
}
