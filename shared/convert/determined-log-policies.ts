/** [P] Determined's `log_policies`: what a line of a trial's output is answered with. */
import { CAUSES_MAX, causeProblem } from "../run/causes.ts";
import type { SweepDraft } from "./sweep-writer.ts";
import { fieldOf, shown, textOf } from "./yaml-fields.ts";
import type { YamlNode } from "./yaml-reader.ts";

/** Policies whose pattern is a text with gaps become `[retry] never` and `avoid_node`; all others are left out, each with its line. */
export function addLogPolicies(draft: SweepDraft, node: YamlNode | undefined): void {
  if (node?.kind !== "list") {
    if (node) draft.leave(`log_policies: ${shown(node)}`);
    return;
  }
  const never = new Set<string>();
  let avoids = false;
  for (const policy of node.items) {
    const map = policy.kind === "map" ? policy : undefined;
    const action = fieldOf(map, "action");
    // Older files have a table here: {type: cancel_retries}.
    const kind = textOf(action?.kind === "map" ? fieldOf(action, "type") : action);
    const pattern = textOf(fieldOf(map, "pattern"));
    const cause = pattern === undefined ? undefined : causeOf(pattern);
    if (kind === "cancel_retries" && cause !== undefined && never.size < CAUSES_MAX) never.add(cause);
    else if (kind === "exclude_node" && cause !== undefined) avoids = true;
    else draft.leave(`log_policies: ${shown(policy)}${cause === undefined ? ", which is no text with gaps" : ""}`);
  }
  const retry = draft.table("retry");
  if (never.size > 0) retry.set("never", [...never], "cancel_retries");
  if (avoids) retry.set("avoid_node", true, "exclude_node; here after every failure, whatever the output says");
}

/** `log:TEXT` for a regular expression of plain text and `.*`; undefined for any other. */
function causeOf(pattern: string): string | undefined {
  const parts: string[] = [];
  for (const part of pattern.split(/(?<!\\)\.\*/)) {
    const text = part.replaceAll(/\\([^A-Za-z0-9\s])/g, "$1");
    const isPlain = !/(?<!\\)[.^$*+?()[\]{}|]|\\[A-Za-z0-9\s]|\\$/.test(part);
    // Such a gap is written as itself.
    if (!isPlain || text.includes(".*")) return undefined;
    parts.push(text);
  }
  const cause = `log:${parts.join(".*").replace(/^(?:\.\*)+|(?:\.\*)+$/g, "")}`;
  return causeProblem(cause) === undefined ? cause : undefined;
}
