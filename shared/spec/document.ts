/** From the text of a sweep file to a tree of values with their places. */
import { parse, TomlError } from "smol-toml";
import type { SourcePlace } from "../kernel/errors.ts";
import { SPEC_BYTES_MAX } from "../run/limits.ts";
import { readJson } from "./json-reader.ts";
import { DEPTH_MAX, type SpecNode } from "./node.ts";
import type { SpecOverrides } from "./overrides.ts";
import type { SpecProblem } from "./problems.ts";
import { placeOf } from "./source-files.ts";
import { tomlPlaces } from "./toml-places.ts";

/** A sweep file as it arrives. */
export interface SpecSource {
  /** For messages; empty for a spec made from a command line. */
  readonly path: string;
  readonly text: string;
  readonly format: "toml" | "json";
  /** Absolute; relative paths of the spec start here. */
  readonly directory: string;
  /** Where the command was typed, absolute: relative paths of EXP's own files start there. */
  readonly workingDirectory?: string;
  /** Home of who hands the file in: "~" in EXP's own files. */
  readonly home?: string;
  /** Text of a file that the spec names, by absolute path; undefined where it is not at hand. */
  readonly readFile?: (path: string) => string | undefined;
  /** What the command line says over the file; absent: nothing. */
  readonly overrides?: SpecOverrides;
}

/** The root table of a source, or why there is none. */
export function readDocument(source: SpecSource): SpecNode | SpecProblem {
  const bytes = Buffer.byteLength(source.text);
  if (bytes > SPEC_BYTES_MAX) {
    return {
      id: "spec.too-large",
      message: `the sweep file has ${grouped(bytes)} bytes; the limit is ${grouped(SPEC_BYTES_MAX)}`,
      ...placeField(placeAt(source, 0, 0)),
    };
  }
  return source.format === "toml" ? readToml(source) : readJsonDocument(source);
}

/** The place of a span in a source that stands alone. */
function placeAt(source: SpecSource, start: number, end: number): SourcePlace | undefined {
  return placeOf([{ ...source, origin: 0 }], { start, end });
}

/** "10,000,000", whatever the locale. */
export function grouped(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function placeField(place: SourcePlace | undefined): { place?: SourcePlace } {
  return place ? { place } : {};
}

function readToml(source: SpecSource): SpecNode | SpecProblem {
  let raw: unknown;
  try {
    raw = parse(source.text, { integersAsBigInt: true, maxDepth: DEPTH_MAX });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = /^Invalid TOML document: (.*)/.exec(error.message)?.[1] ?? "it cannot be read";
    const start = offsetOf(source.text, error.line, error.column);
    if (what.includes("excessively nested")) return tooDeep(source, start);
    const place = placeField(placeAt(source, start, start + 1));
    const hint = what === "invalid value" ? { hint: "texts are written in quotes" } : {};
    return { id: "spec.syntax", message: `not valid TOML: ${what}`, ...place, ...hint };
  }
  const at = tomlPlaces(source.text);
  return "tooDeepAt" in at ? tooDeep(source, at.tooDeepAt) : { raw, at };
}

function readJsonDocument(source: SpecSource): SpecNode | SpecProblem {
  const node = readJson(source.text);
  if ("message" in node) {
    const place = placeAt(source, node.offset, node.offset + 1);
    return { id: "spec.syntax", message: `not valid JSON: ${node.message}`, ...placeField(place) };
  }
  if (typeof node.raw === "object" && node.raw !== null && !Array.isArray(node.raw)) return node;
  const place = placeAt(source, node.at.start, node.at.end);
  return { id: "spec.syntax", message: "a sweep file in JSON is one object", ...placeField(place) };
}

function tooDeep(source: SpecSource, start: number): SpecProblem {
  const place = placeAt(source, start, start + 1);
  return { id: "spec.too-deep", message: `nested deeper than ${DEPTH_MAX} levels`, ...placeField(place) };
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) start = text.indexOf("\n", start) + 1;
  return start + column - 1;
}
