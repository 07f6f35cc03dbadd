/**
 * [P] Times as EXP and ztxexp write them: with an offset in figures and six digits of fraction, because Python before 3.11
 * does not read `Z`.
 */

/** Asia/Shanghai has had no summer time since 1991. */
const SHANGHAI_OFFSET_MS = 8 * 3_600_000;
/** The first moment that does not fit into four digits of year. */
const TIME_MAX_MS = Date.UTC(10_000, 0);

/** "2026-11-21T05:05:09.120000+00:00" for Unix milliseconds, which may have a fraction. */
export function utcTime(ms: number): string {
  return `${clockText(ms)}+00:00`;
}

/** "2026-11-21T13:05:09.120000+08:00" */
export function shanghaiTime(ms: number): string {
  return `${clockText(ms + SHANGHAI_OFFSET_MS)}+08:00`;
}

/** "2026-11-21__13-05-09": the time in the name of a directory. */
export function shanghaiStamp(ms: number): string {
  const text = clockText(Math.trunc(ms) + SHANGHAI_OFFSET_MS);
  return `${text.slice(0, 10)}__${text.slice(11, 19).replaceAll(":", "-")}`;
}

/** Whether a time that a program gave can be written. */
export function isWritableTime(ms: number): boolean {
  return ms >= 0 && ms < TIME_MAX_MS;
}

/** The last second that was written, and its text: a stream of metrics has many points in one. */
let known = { second: Number.NaN, text: "" };

function clockText(ms: number): string {
  const second = Math.floor(ms / 1000);
  // Rounded down rather than up into the next second.
  const micros = Math.min(999_999, Math.round((ms - second * 1000) * 1000));
  if (second !== known.second) known = { second, text: new Date(second * 1000).toISOString().slice(0, 19) };
  return `${known.text}.${String(micros).padStart(6, "0")}`;
}
