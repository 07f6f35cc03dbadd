/**
 * [P] Metrics of one attempt as tables and curves show them, made from its client events in their order: where a program said
 * no step or no time, the next step and the last time are taken.
 */
import {
  type ClientEvent,
  type MetricEvent,
  numericCells,
  type RowEvent,
  stepOfCells,
} from "../../shared/run/client-event.ts";
import { METRIC_KEYS_MAX } from "../../shared/run/limits.ts";
import { cellOfNumber } from "./python-text.ts";
import { isWritableTime } from "./timestamps.ts";

export interface MetricPoint {
  readonly step: number;
  /** Unix ms. */
  readonly at: number;
  /** Numbers only, NaN and infinities included. */
  readonly values: ReadonlyMap<string, number>;
  readonly split: string;
  readonly phase: string;
  /** The point as a row of a CSV. */
  readonly cells: ReadonlyMap<string, string>;
}

/** What is taken where the next event does not say it. */
export interface PointDefaults {
  readonly step: number;
  /** Unix ms. */
  readonly at: number;
}

/** Turns events into points. One for each pass over the events of an attempt. */
export class PointReader {
  #nextStep: number;
  #lastAt: number;

  /** `startedAt` (Unix ms) is the time of events before the first one that says its own; the step is that of the next event. */
  constructor(startedAt: number, step = 0) {
    this.#lastAt = startedAt;
    this.#nextStep = step;
  }

  /** With them another reader goes on from here. */
  get defaults(): PointDefaults {
    return { step: this.#nextStep, at: this.#lastAt };
  }

  /** Undefined for an event that is no point. */
  read(event: ClientEvent): MetricPoint | undefined {
    const at = event.at === undefined ? Number.NaN : event.at * 1000;
    if (isWritableTime(at)) this.#lastAt = at;
    if (event.kind === "metric") return this.#ofMetric(event);
    return event.kind === "row" ? this.#ofRow(event) : undefined;
  }

  #ofMetric(event: MetricEvent): MetricPoint {
    const step = this.#step(event.step);
    const cells = new Map<string, string>(event.context);
    cells.set("step", cellOfNumber(step));
    const values = new Map<string, number>();
    for (const [key, value] of event.values) {
      cells.set(key, typeof value === "number" ? cellOfNumber(value) : value);
      if (typeof value === "number") values.set(key, value);
    }
    const split = event.context.get("split") ?? "train";
    return { step, at: this.#lastAt, values, split, phase: event.context.get("phase") ?? "fit", cells };
  }

  #ofRow(event: RowEvent): MetricPoint {
    const values = numericCells(event);
    const step = this.#step(stepOfCells(values));
    return { step, at: this.#lastAt, values, split: "train", phase: "fit", cells: event.cells };
  }

  #step(said: number | undefined): number {
    const step = said ?? this.#nextStep;
    this.#nextStep = Math.floor(step) + 1;
    return step;
  }
}

/** What remains of an attempt's events in the end: last and final values, why it was skipped, what it died of. */
export class MetricSummary {
  skipReason = "";
  /** Of the last exception that the program's hook recorded; empty where there was none. */
  traceback = "";
  /** Values that are in no final value, because there are too many names. */
  leftOut = 0;
  readonly #lasts = new Map<string, number>();
  readonly #finals = new Map<string, number | string>();

  addPoint(point: MetricPoint): void {
    for (const [key, value] of point.values) this.#keep(this.#lasts, key, value);
  }

  addOther(event: ClientEvent): void {
    if (event.kind === "skip") this.skipReason = event.reason;
    if (event.kind === "other" && event.letter === "w" && typeof event.body.traceback === "string") {
      this.traceback = event.body.traceback;
    }
    if (event.kind !== "summary") return;
    for (const [key, value] of event.values) this.#keep(this.#finals, key, value);
  }

  /** What the program called final, and of the other metrics the last value. */
  finals(): ReadonlyMap<string, number | string> {
    return new Map<string, number | string>([...this.#lasts, ...this.#finals]);
  }

  #keep<T>(kept: Map<string, T>, key: string, value: T): void {
    if (kept.size < METRIC_KEYS_MAX || kept.has(key)) kept.set(key, value);
    else this.leftOut += 1;
  }
}
