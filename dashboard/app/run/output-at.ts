/** From a point of a curve to the output of that moment: the moment goes into the address, which the output follows. */
import type { AttemptView, PlaceAnswer } from "../../../shared/run/dashboard.ts";
import { notice } from "../actions.tsx";
import { get } from "../api.ts";
import { t } from "../i18n/i18n.ts";
import { setQuery } from "../router.ts";

interface Point {
  /** Handle. */
  readonly run: string;
  readonly attempt: AttemptView | undefined;
  readonly key: string;
  readonly x: string;
  /** Place on the axis. */
  readonly value: number;
}

/** `at` of the address: milliseconds since the attempt started. Says so where the moment is not known. */
export async function showOutputAt({ run, attempt, key, x, value }: Point): Promise<void> {
  try {
    const number = attempt ? { attempt: String(attempt.number) } : {};
    const query = new URLSearchParams({ key, x, value: String(value), ...number });
    const { ms, offset } = await get<PlaceAnswer>(`/runs/${encodeURIComponent(run)}/place?${query}`);
    if (ms === null || offset === null) notice.value = { text: t("log.no-place"), good: false };
    else setQuery({ at: String(Math.round(ms)) });
  } catch (error) {
    notice.value = { text: error instanceof Error ? error.message : String(error), good: false };
  }
}
