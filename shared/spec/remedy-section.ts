/** [P] `[[retry.remedy]]` in a sweep file: read, and checked against the parameters that there are. */
import { suggest } from "../kernel/suggest.ts";
import { causeProblem } from "../run/causes.ts";
import type { Remedy } from "../run/retry.ts";
import { namesAreKnown, readExpression } from "./checked-expression.ts";
import { childOf, entriesOf, itemsOf, kindOf, type SpecNode } from "./node.ts";
import { addFinding, excerpt, keySpan, type Report, readText, wrongType, wrongValue } from "./report.ts";

/** Refuses remedies that name what is no parameter of any run. `known`: names of the parameters. */
export function checkRemedyNames(report: Report, retry: SpecNode | undefined, known: ReadonlySet<string>): void {
  const list = retry && childOf(retry, "remedy");
  for (const item of list ? itemsOf(list) : []) {
    const set = childOf(item, "set");
    for (const [name, child] of set && kindOf(set.raw) === "table" ? entriesOf(set) : []) {
      if (!known.has(name)) {
        const message = `${excerpt(name)} is no parameter of this sweep`;
        const near = suggest(name, known);
        const hint = near === undefined ? "a remedy changes parameters that there are" : `did you mean "${near}"?`;
        addFinding(report, { id: "spec.unknown-key", message, span: keySpan(child), hint });
      }
      const checked = readExpression(report, child, `retry.remedy.set.${name}`);
      if (checked) namesAreKnown(report, checked, known);
    }
  }
}

export function readRemedies(report: Report, node: SpecNode): Remedy[] {
  const items = kindOf(node.raw) === "list" ? itemsOf(node) : [];
  if (items.length === 0) {
    wrongType(report, node, "retry.remedy", "a list of tables", "write it as [[retry.remedy]]");
    return [];
  }
  const remedies: Remedy[] = [];
  for (const [i, item] of items.entries()) {
    const label = `retry.remedy[${i}]`;
    if (kindOf(item.raw) !== "table") {
      wrongType(report, item, label, "a table");
      continue;
    }
    for (const [key, child] of entriesOf(item)) {
      if (key === "when") checkCause(report, child, `${label}.when`);
      else if (key === "set") checkExpressionTable(report, child, `${label}.set`);
      else {
        const message = `${excerpt(key)} is not a key of [[retry.remedy]]`;
        addFinding(report, { id: "spec.unknown-key", message, span: keySpan(child), hint: "keys: when, set" });
      }
    }
    for (const key of ["when", "set"]) {
      if (childOf(item, key)) continue;
      addFinding(report, { id: "spec.missing", message: `[[retry.remedy]] has no ${key}`, span: keySpan(item) });
    }
    const when = childOf(item, "when")?.raw;
    const set = childOf(item, "set");
    const texts =
      set && kindOf(set.raw) === "table" ? entriesOf(set).map(([name, { raw }]) => [name, raw] as const) : [];
    // What is no text was refused above.
    remedies.push({ when: String(when), set: Object.fromEntries(texts.map(([name, raw]) => [name, String(raw)])) });
  }
  return remedies;
}

function checkCause(report: Report, node: SpecNode, label: string): void {
  const cause = readText(report, node, label);
  const problem = cause === undefined ? undefined : causeProblem(cause);
  if (problem !== undefined) wrongValue(report, node, `${label}, ${excerpt(cause ?? "")}, ${problem}`);
}

function checkExpressionTable(report: Report, node: SpecNode, label: string): void {
  if (kindOf(node.raw) !== "table") {
    wrongType(report, node, label, "a table of expressions");
    return;
  }
  for (const [key, child] of entriesOf(node)) readExpression(report, child, `${label}.${key}`);
}
