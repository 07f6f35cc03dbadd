/** Parameters as they stand in a table: nested tables unfolded to dotted paths. */

import { orderOf } from "./merge.ts";
import { entriesOf, kindOf, type SpecNode } from "./node.ts";
import { parameterNameProblem } from "./param-value.ts";
import { addFinding, hasKind, keySpan, type Report } from "./report.ts";

export interface Leaf {
  /** Dotted path of the parameter. */
  readonly name: string;
  /** Where it is set, for messages: "[grid]", "[[variants]] 2". */
  readonly table: string;
  /** For messages: "grid.optim.lr". */
  readonly label: string;
  readonly node: SpecNode;
}

/** The leaves below a table in the order of the file. `isValue` tells tables that are one value. */
export function leavesOf(
  report: Report,
  root: SpecNode | undefined,
  table: string,
  label: string,
  isValue: (node: SpecNode) => boolean = () => false,
): Leaf[] {
  if (!root || !hasKind(report, root, label, "table")) return [];
  const leaves: Leaf[] = [];
  const walk = (node: SpecNode, prefix: string): void => {
    for (const [key, child] of entriesOf(node)) {
      const name = prefix === "" ? key : `${prefix}.${key}`;
      const problem = parameterNameProblem(name);
      if (problem) addFinding(report, { ...problem, span: keySpan(child) });
      else if (kindOf(child.raw) !== "table" || isValue(child))
        leaves.push({ name, table, label: `${label}.${name}`, node: child });
      else walk(child, name);
    }
  };
  walk(root, "");
  return leaves.sort((a, b) => orderOf(a.node) - orderOf(b.node));
}
