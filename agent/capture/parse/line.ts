/** [P] One line of output: which metrics and what progress it shows, by the forms that were asked for. */

import type { OutputForm } from "../../../shared/capture/options.ts";
import type { Pattern } from "../../../shared/capture/pattern.ts";
import { isStepName, numberOf, type Point, type Progress, pointOfTable, pointOfValues } from "./captured.ts";
import { readPairs } from "./key-value.ts";
import { readTable } from "./literal.ts";
import { readBar } from "./tqdm.ts";

/** A longer line is no line of metrics. */
export const LINE_BYTES_MAX = 16 * 1024;

export interface LineContent {
  readonly point: Point | undefined;
  /** How the point was written. */
  readonly form: "json" | "dict" | "keyvalue" | "pattern" | undefined;
  readonly progress: Progress | undefined;
}

const NOTHING: LineContent = { point: undefined, form: undefined, progress: undefined };
const ESCAPE = "\u001b";
/** Colours, and moves of the cursor between several bars. */
const ESCAPES = new RegExp(`${ESCAPE}\\[[0-9;?]{0,16}[A-Za-z]`, "g");

export class LineReader {
  readonly #forms: ReadonlySet<OutputForm>;
  readonly #patterns: readonly Pattern[];
  /** Of the last line that said nothing but a step, for pairs without their own. */
  #step: number | undefined;

  constructor(forms: readonly OutputForm[], patterns: readonly Pattern[]) {
    this.#forms = new Set(forms);
    this.#patterns = patterns;
  }

  /** False where only lines with a brace or a bar can hold anything, so that others need not be looked at. */
  get readsAllLines(): boolean {
    return this.#forms.has("keyvalue") || this.#patterns.length > 0;
  }

  get readsTables(): boolean {
    return this.#forms.has("json") || this.#forms.has("dict");
  }

  get readsBars(): boolean {
    return this.#forms.has("tqdm");
  }

  /** `segment`: what is between two line ends or carriage returns. Never throws. */
  read(segment: string): LineContent {
    const line = segment.includes(ESCAPE) ? segment.replace(ESCAPES, "").trim() : segment.trim();
    if (line.startsWith("{")) {
      const found = this.#table(line);
      if (found) return found;
    }
    if (this.readsBars) {
      const bar = readBar(line);
      // A print over a bar follows right behind it.
      const rest = bar && line.slice(bar.end).trim();
      if (bar) return { ...((rest?.startsWith("{") && this.#table(rest)) || NOTHING), progress: bar.progress };
    }
    for (const pattern of this.#patterns) {
      const point = pointOfMatch(pattern.match(line));
      if (point) return { point, form: "pattern", progress: undefined };
    }
    return (this.#forms.has("keyvalue") && this.#pairs(line)) || NOTHING;
  }

  #table(line: string): LineContent | undefined {
    // Of an empty or a strange table nobody needs the form.
    const form = /^\{\s*"/.test(line) ? "json" : "dict";
    if (!this.#forms.has(form)) return undefined;
    const found = readTable(line);
    if (!found || line.slice(found.end).trim() !== "") return undefined;
    const point = pointOfTable(found.table, form === "dict");
    return point && { point, form, progress: undefined };
  }

  #pairs(line: string): LineContent | undefined {
    const values = readPairs(line);
    if (!values) return undefined;
    const point = pointOfValues(new Map(values), false);
    if (!point) {
      const [name, value] = [...values][0] ?? [];
      if (name !== undefined && isStepName(name)) this.#step = value;
      return undefined;
    }
    return { point: { ...point, step: point.step ?? this.#step }, form: "keyvalue", progress: undefined };
  }
}

/** Each group is a metric of its name; `_key` and `_val` name one in the line itself, as in Guild. */
function pointOfMatch(groups: ReadonlyMap<string, string> | undefined): Point | undefined {
  if (!groups) return undefined;
  const values = new Map<string, number>();
  for (const [name, text] of groups) {
    if (name === "_key") continue;
    const key = name === "_val" ? groups.get("_key") : name;
    const value = numberOf(text);
    if (key !== undefined && key !== "" && value !== undefined) values.set(key, value);
  }
  return pointOfValues(values, false);
}
