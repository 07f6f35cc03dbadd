/** The command template of an assignment. The runs of a sweep share its text, so it is read once for all of them. */
import { type CaptureOptions, captureOptions } from "../shared/capture/options.ts";
import { templateFromJson } from "../shared/spec/template-json.ts";
import type { RunTemplate } from "../shared/spec/types.ts";

interface Read {
  readonly template: RunTemplate;
  readonly capture: CaptureOptions;
}

/** Sweeps that a host works on at the same time. */
const KNOWN_MAX = 64;
const known = new Map<string, Read>();

/** Throws a plain error for a text that no coordinator of this version sends. */
export function assignedTemplate(templateJson: string): Read {
  const before = known.get(templateJson);
  if (before) return before;
  const template = templateFromJson(templateJson);
  const read = { template, capture: captureOptions(template.capture) };
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(templateJson, read);
  return read;
}
