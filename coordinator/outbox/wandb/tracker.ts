/**
 * Runs in W&B, by the id that they have here: one that was begun before is gone on with. Its steps are the numbers of the points
 * in the order in which they were sent, so that a point that comes again is passed over; what programs call a step is a metric
 * of that name, and the x axis.
 */
import { isTerminal } from "../../../shared/run/states.ts";
import { paramsToNested } from "../../../shared/spec/params-json.ts";
import { RunGone, type Tracker } from "../run-tracker.ts";
import type { SharedRun } from "../shared-run.ts";
import type { HelperProcess } from "./helper-process.ts";

export interface WandbTrackerOptions {
  /** As `wandb:name`. */
  readonly name: string;
  readonly helper: HelperProcess;
  readonly entity: string;
  readonly project: string;
}

const VALUES_MAX = 5_000;
/** Runs that the helper has open: each has threads of its own. */
const OPEN_MAX = 16;
const PROJECT = "expfleet";
const TAG_CHARS_MAX = 64;

export function createWandbTracker({ name, helper, entity, project }: WandbTrackerOptions): Tracker {
  /** In the order of their last use, with the exit code that they would end with. */
  const opened = new Map<string, number>();
  let generation = 0;

  async function finish(id: string, signal: AbortSignal): Promise<void> {
    const exitCode = opened.get(id) ?? 0;
    opened.delete(id);
    await helper.request("finish", { run: id, exit_code: exitCode }, signal);
  }

  return {
    name,
    valuesMax: VALUES_MAX,
    async open(run, _remote, sent, signal) {
      const { runId: id, runRef, sweepRef, params, state } = run.record;
      if (generation !== helper.generation) opened.clear();
      const isOpen = opened.delete(id);
      const [oldest] = opened.keys();
      if (opened.size >= OPEN_MAX && oldest !== undefined) await finish(oldest, signal);
      const tags = tagsOf(run);
      const answer = await helper.request(
        "open",
        {
          run: {
            id,
            name: runRef,
            group: sweepRef,
            project: project || run.project || PROJECT,
            ...(entity !== "" && { entity }),
            config: paramsToNested(params),
            ...(tags.length > 0 && { tags }),
          },
        },
        signal,
      );
      generation = helper.generation;
      opened.set(id, state === "failed" || state === "cancelled" ? 1 : 0);
      const there = Number(answer.step);
      // Offline nothing is known of what there was before.
      if (!isOpen && answer.offline !== true && there < sent) {
        throw new RunGone(`W&B has ${there} of ${sent} points`);
      }
      return id;
    },
    async send(_run, remote, { points, before }, signal) {
      const rows = points.map(({ step, at, values, texts, isFinal }) => ({
        step,
        at: at / 1000,
        // What JSON cannot say Python reads from text.
        values: Object.fromEntries(Array.from(values, ([key, value]) => [key, jsonOrText(value)])),
        ...(isFinal && { final: true, texts: Object.fromEntries(texts) }),
      }));
      await helper.request("log", { run: remote, first: before, points: rows }, signal);
      return 0;
    },
    description: (run) => JSON.stringify([tagsOf(run), run.annotation.note, summaryOf(run), run.isComplete]),
    async describe(run, remote, signal) {
      const body = { run: remote, tags: tagsOf(run), notes: run.annotation.note, summary: summaryOf(run) };
      await helper.request("describe", body, signal);
      if (run.isComplete) await finish(remote, signal);
    },
    async probe(signal) {
      await helper.request("finish", { run: "", exit_code: 0 }, signal);
      return `the package wandb ${helper.version}`;
    },
    close: () => helper.close(),
  };
}

function tagsOf({ record, annotation }: SharedRun): string[] {
  return [...new Set([...record.tags, ...annotation.tags])].map((tag) => tag.slice(0, TAG_CHARS_MAX));
}

function summaryOf({ record, attempts }: SharedRun): object {
  const { state, reason, sweepRef, finishedAt } = record;
  const ended = isTerminal(state) && finishedAt !== undefined ? { finished: new Date(finishedAt).toISOString() } : {};
  const said = { sweep: sweepRef, state, reason, attempt: attempts.length, node: attempts.at(-1)?.node, ...ended };
  return { expfleet: said };
}

function jsonOrText(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
