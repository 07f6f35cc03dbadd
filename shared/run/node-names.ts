/** What `[resources] where` may say about a node: one list for those who check it and those who evaluate it. */

/** Names with a value of their own. Labels are `node.labels.NAME`, with any name. */
export const NODE_NAMES = [
  "node.name",
  "node.hostname",
  "node.os",
  "node.arch",
  "node.cpus",
  "node.memory",
  "node.gpus",
  "node.gpu_model",
  "node.gpu_memory",
] as const;
export type NodeFactName = (typeof NODE_NAMES)[number];

export const LABEL_PREFIX = "node.labels.";

/** Undefined when an expression over a node may use the name, else what is wrong with it. */
export function nodeNameProblem(name: string): string | undefined {
  if ((NODE_NAMES as readonly string[]).includes(name)) return undefined;
  if (name.startsWith(LABEL_PREFIX) && name.length > LABEL_PREFIX.length) return undefined;
  return `"${name}" is nothing that a node has; there are ${NODE_NAMES.join(", ")} and node.labels.NAME`;
}
