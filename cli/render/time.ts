/** [P] Times as people read them. */
import { formatDuration } from "../../shared/kernel/duration.ts";

/** How long ago an ISO time was; "" where there is none. Clocks that disagree give "0ms", never a negative time. */
export function ageText(iso: string | null, nowMs: number): string {
  return iso === null ? "" : formatDuration(Math.max(0, nowMs - Date.parse(iso)));
}

/** From start to end, or to now where it goes on; "" before the start. */
export function spanText(from: string | null, to: string | null, nowMs: number): string {
  return from === null ? "" : formatDuration(Math.max(0, (to === null ? nowMs : Date.parse(to)) - Date.parse(from)));
}

/** "2026-01-31 12:00:05" in UTC; "" where there is none. */
export function clockText(iso: string | null): string {
  return iso === null ? "" : iso.slice(0, 19).replace("T", " ");
}
