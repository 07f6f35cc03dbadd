/**
 * Kinds of GPUs as users name them. A pattern is a part of the model's name, whole words of it: "A100" is in "NVIDIA
 * A100-SXM4-80GB", "A10" is not. Case, spaces, "-" and "_" do not count ("rtx3090" is an RTX 3090), and "*" stands for any
 * text. Linear in the name for any pattern, however it is written.
 */
import { parseBytes } from "../kernel/bytes.ts";

/** Patterns of one request, and characters of one pattern. */
const PATTERNS_MAX = 32;
const PATTERN_CHARS_MAX = 64;

/** True when one of the patterns is in the model's name. */
export function matchesModel(model: string, patterns: readonly string[]): boolean {
  const name = squeeze(model);
  return patterns.some((pattern) => contains(name, pattern));
}

/** What a text such as "A100|H100", "A100:80GB", "24GB..40GB:2" asks for. */
export interface GpuText {
  /** Empty: any. */
  readonly models: readonly string[];
  readonly memoryBytes: number | undefined;
  readonly memoryMaxBytes: number | undefined;
  /** GPUs; undefined where the text does not say. */
  readonly count: number | undefined;
}

/**
 * Reads `gpu = "…"`: models separated by "|" or ",", or parts separated by ":" in any order, each a model, a memory size
 * ("80GB", "24GB..", "24GB..40GB"), or a count.
 */
export function parseGpuText(text: string): GpuText | { readonly problem: string } {
  let models: readonly string[] = [];
  let memory: { from: number | undefined; to: number | undefined } | undefined;
  let count: number | undefined;
  for (const raw of text.split(":")) {
    const part = raw.trim();
    const size = sizeRange(part);
    if (part === "") return { problem: text.trim() === "" ? "is empty" : 'has an empty part between ":"' };
    if (/^\d+$/.test(part)) {
      if (count !== undefined) return { problem: `names two counts, ${count} and ${part}` };
      count = Number(part);
    } else if (/^\d*\.\.\d*$/.test(part)) {
      return { problem: `asks for ${part} GPUs; a range of counts is not supported: write one number` };
    } else if (size) {
      if (memory) return { problem: `names two memory sizes` };
      if (size.from !== undefined && size.to !== undefined && size.from > size.to) {
        return { problem: `asks for ${part}, and the first is larger than the second` };
      }
      memory = size;
    } else if (part.toLowerCase() === "nvidia") {
      // The vendor of every GPU that is offered.
    } else {
      if (models.length > 0) return { problem: 'names models in two parts; separate them with "|"' };
      models = part.split(/[|,]/).map((model) => model.trim());
      const problem = modelsProblem(models);
      if (problem !== undefined) return { problem };
    }
  }
  return { models, memoryBytes: memory?.from, memoryMaxBytes: memory?.to, count };
}

function modelsProblem(models: readonly string[]): string | undefined {
  if (models.length > PATTERNS_MAX) return `names more than ${PATTERNS_MAX} models`;
  const bad = models.find((model) => !/^[A-Za-z0-9 ._*+/()-]+$/.test(model) || model.length > PATTERN_CHARS_MAX);
  if (bad !== undefined)
    return bad === "" ? "has an empty model name" : `names ${JSON.stringify(bad)}, which is no model`;
  const empty = models.find((model) => squeeze(model).text.replaceAll("*", "") === "");
  return empty === undefined ? undefined : `names ${JSON.stringify(empty)}, which is no model`;
}

/** "80GB" is at least that; "24GB..40GB", "24GB..", "..40GB" are ranges with both ends. Undefined: it is no size. */
function sizeRange(text: string): { from: number | undefined; to: number | undefined } | undefined {
  const parts = text.split("..").map((part) => part.trim());
  if (parts.length === 1) {
    const from = parseBytes(text);
    return from === undefined ? undefined : { from, to: undefined };
  }
  const [first = "", second = ""] = parts;
  if (parts.length !== 2 || (first === "" && second === "")) return undefined;
  const from = first === "" ? undefined : parseBytes(first);
  const to = second === "" ? undefined : parseBytes(second);
  if ((first !== "" && from === undefined) || (second !== "" && to === undefined)) return undefined;
  return { from, to };
}

interface Squeezed {
  readonly text: string;
  /** True where a word begins (and one before it has ended). */
  readonly starts: readonly boolean[];
}

function squeeze(text: string): Squeezed {
  let squeezed = "";
  const starts: boolean[] = [];
  let between = true;
  for (const char of text.toLowerCase()) {
    if (char === " " || char === "-" || char === "_") {
      between = true;
      continue;
    }
    for (let i = 0; i < char.length; i++) starts.push(i === 0 && between);
    squeezed += char;
    between = false;
  }
  return { text: squeezed, starts };
}

function contains(name: Squeezed, pattern: string): boolean {
  const pieces = squeeze(pattern).text.split("*");
  const [first = "", ...rest] = pieces;
  const last = rest.pop();
  const isEnd = (at: number): boolean => at === name.text.length || name.starts[at] === true;
  for (let from = 0; ; from++) {
    const start = name.text.indexOf(first, from);
    if (start < 0) return false;
    from = start;
    if (first !== "" && !name.starts[start]) continue;
    let at = start + first.length;
    if (last === undefined) {
      if (isEnd(at)) return true;
      continue;
    }
    for (const piece of rest) {
      const found = name.text.indexOf(piece, at);
      // What is not found after the first possible start is not found after a later one.
      if (found < 0) return false;
      at = found + piece.length;
    }
    if (last === "") return true;
    for (let end = name.text.indexOf(last, at); end >= 0; end = name.text.indexOf(last, end + 1)) {
      if (isEnd(end + last.length)) return true;
    }
    return false;
  }
}
