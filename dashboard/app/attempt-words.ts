/** [P] How an attempt stands or ended, as what `t` takes. */
import type { AttemptView } from "../../shared/run/dashboard.ts";
import type { Outcome } from "../../shared/run/states.ts";
import type { attempt } from "./i18n/en-attempt.ts";

export type AttemptWords = [key: keyof typeof attempt, values?: { readonly [name: string]: string | number }];

export function attemptWords({ phase, outcome }: Pick<AttemptView, "phase" | "outcome">): AttemptWords {
  return outcome === null ? [`attempt.${phase}`] : outcomeWords(outcome);
}

export function outcomeWords(outcome: Outcome): AttemptWords {
  switch (outcome.kind) {
    case "failed":
      return [`attempt.${outcome.stage ?? "exit"}`, { code: outcome.exitCode }];
    case "signalled":
      return ["attempt.signalled", { signal: outcome.signal }];
    case "lost":
      return [`attempt.lost-${outcome.reason}`];
    case "rejected":
      return ["attempt.rejected", { reason: outcome.reason }];
    default:
      return [`attempt.${outcome.kind}`];
  }
}
