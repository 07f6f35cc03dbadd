/**
 * Ends runs and sweeps before their time, as `[stop]` of their sweeps says. Looks once a second at what has news; what it finds
 * goes to the core like a user's cancel. Nothing is lost by a kill: how runs stood at their rungs is in the store, and all that
 * runs is looked at after a start.
 */
import { evaluate } from "../../shared/expression/evaluate.ts";
import { type Expression, parseExpression } from "../../shared/expression/parse.ts";
import { scopeOfRun } from "../../shared/expression/run-scope.ts";
import { isTruthy, type Value } from "../../shared/expression/value.ts";
import type { Scope } from "../../shared/expression/walk.ts";
import { errorMessage } from "../../shared/kernel/errors.ts";
import type { Fence, RunId, SweepId } from "../../shared/kernel/ids.ts";
import type { RunRecord } from "../../shared/run/records.ts";
import { FloatParam } from "../../shared/spec/types.ts";
import { rungsReached, whyBehind } from "../core/early-stop.ts";
import type { Event } from "../core/events.ts";
import type { Feed } from "../feed.ts";
import type { EarlyStops, StoppableAttempt, SweepCondition } from "../store/early-stops.ts";

export interface StopLoopOptions {
  readonly stops: EarlyStops;
  readonly feed: Pick<Feed, "subscribe">;
  readonly run: (id: RunId) => RunRecord | undefined;
  /** Value of the objective of the best run that succeeded; undefined: there is none. */
  readonly best: (id: SweepId) => { readonly value: number } | undefined;
  readonly apply: (event: Extract<Event, { kind: "cancel" | "stop-sweep" }>) => Promise<unknown>;
  readonly wallMs: () => number;
  readonly logger: { error(fields: object, message: string): void; debug(fields: object, message: string): void };
}

const LOOK_MS = 1_000;
const EXPRESSIONS_MAX = 1_000;

export function startStopLoop(options: StopLoopOptions): { stop(): void } {
  const { stops, feed, apply, logger } = options;
  const due = new Set<Fence>(stops.running());
  /** The rung at which each was last found good enough. */
  const passed = new Map<Fence, number>();
  const expressions = new Map<string, Expression | undefined>();
  let hasNews = true;
  const unsubscribe = feed.subscribe((news) => {
    for (const fence of news.outputs) due.add(fence);
    if (news.runs.size > 0 || news.outputs.size > 0) hasNews = true;
  });
  const timer = setInterval(look, LOOK_MS);
  timer.unref();

  function look(): void {
    if (!hasNews) return;
    hasNews = false;
    const fences = [...due];
    due.clear();
    try {
      if (!stops.any()) return;
      for (const fence of fences) lookAtRun(fence);
      for (const sweep of stops.sweeps()) lookAtSweep(sweep);
    } catch (error) {
      logger.error({ error: errorMessage(error) }, "[stop] not looked at");
    }
  }

  function lookAtRun(fence: Fence): void {
    const attempt = stops.attempt(fence);
    if (!attempt) {
      passed.delete(fence);
      return;
    }
    if (attempt.state === "assigned") {
      due.add(fence);
      return;
    }
    const why = whyByRung(attempt) ?? whyByCondition(attempt);
    if (why !== undefined && attempt.state === "running") tell({ kind: "cancel", runIds: [attempt.runId], why });
  }

  function whyByCondition({ rules, runId, step }: StoppableAttempt): string | undefined {
    if (rules.when.length === 0) return undefined;
    const run = options.run(runId);
    if (!run) return undefined;
    const ofRun = scopeOfRun(run, options.wallMs());
    const scope: Scope = (name) => ofRun(name) ?? (name === "step" ? step : undefined);
    const text = rules.when.find((condition) => holds(condition, scope));
    return text && `${text} ([stop] when)`;
  }

  function whyByRung(attempt: StoppableAttempt): string | undefined {
    const { ladder } = attempt.rules;
    const { objective, goal, fence } = attempt;
    if (!ladder || !objective || !goal) return undefined;
    const reached = rungsReached(ladder, objective.step);
    if (reached === 0 || passed.get(fence) === reached) return undefined;
    for (let rung = stops.rungsOf(attempt); rung < reached; rung++) stops.noteRung(attempt, rung, objective.value);
    const at = stops.atRung(attempt, reached - 1);
    const why = at && whyBehind(ladder, goal, reached - 1, at.own, at.earlier);
    if (why === undefined) passed.set(fence, reached);
    return why && `${why} ([stop] policy = "${ladder.policy}")`;
  }

  function lookAtSweep({ sweepId, when, total, counts }: SweepCondition): void {
    const best = options.best(sweepId);
    const ended = ["succeeded", "failed", "cancelled", "skipped"].reduce((sum, state) => sum + (counts[state] ?? 0), 0);
    const known = new Map<string, Value | undefined>([
      ["objective.best", best && new FloatParam(best.value)],
      ["sweep.total", total],
      ["sweep.ended", ended],
      ["sweep.succeeded", counts.succeeded ?? 0],
      ["sweep.failed", counts.failed ?? 0],
    ]);
    if (!holds(when, (name) => known.get(name))) return;
    tell({ kind: "stop-sweep", sweepId, why: when, from: "[stop] sweep_when" });
  }

  /** What has no value yet, or does not fit, holds nothing. */
  function holds(text: string, scope: Scope): boolean {
    if (!expressions.has(text)) {
      if (expressions.size >= EXPRESSIONS_MAX) expressions.clear();
      expressions.set(text, parseExpression(text).expression);
    }
    const expression = expressions.get(text);
    const found = expression && evaluate(expression, scope);
    return found !== undefined && found.problem === undefined && isTruthy(found.value);
  }

  function tell(event: Extract<Event, { kind: "cancel" | "stop-sweep" }>): void {
    apply(event).catch((error: unknown) =>
      logger.debug({ error: errorMessage(error) }, "early stop not taken: stopping"),
    );
  }

  return {
    stop: () => {
      clearInterval(timer);
      unsubscribe();
    },
  };
}
