/** [P] Warnings about an EXP file: what is accepted and has no effect on a fleet. */
import { suggest } from "../kernel/suggest.ts";
import type { SpecNode } from "../spec/node.ts";
import { addFinding, excerpt, keySpan, type Report } from "../spec/report.ts";

/** Collects warnings, one for each subject: a key that has no effect in a hundred places is one line. */
export class Notes {
  readonly #subjects = new Map<string, { readonly message: string; readonly node: SpecNode; count: number }>();

  add(subject: string, node: SpecNode, message: string): void {
    const known = this.#subjects.get(subject);
    if (known) known.count += 1;
    else this.#subjects.set(subject, { message, node, count: 1 });
  }

  unknown(node: SpecNode, key: string, known: readonly string[], where: string): void {
    const meant = suggest(key, known);
    const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
    this.add(`unknown ${where} ${key}`, node, `${excerpt(key)} is not a key of ${where}, which ignores it${hint}`);
  }

  /** Puts them into a report, in the order in which they came up. */
  intoReport(report: Report): void {
    for (const { message, node, count } of this.#subjects.values()) {
      const more = count === 1 ? "" : ` (and in ${count - 1} more place${count === 2 ? "" : "s"})`;
      addFinding(report, { id: "spec.no-effect", message: `${message}${more}`, span: keySpan(node) });
    }
  }
}
