/** Numbers, times and sizes as people read them. The same text in both languages, but for the words. */

/** "0.0012", "1.23e-7", "12345", "0.9667": five significant digits at most, without trailing zeros. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(5)));
}

/** "1d 4h", "3h 12m", "12m 5s", "4.2s", "80ms". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${Math.floor(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** Bytes in powers of 1024: "80 GB". */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} ${UNITS[unit]}`;
}

/** How the values of a metric are written: of one that counts bytes as such. */
export function formatOf(metric: string): (value: number) => string {
  return metric.endsWith("_bytes") ? bytes : number;
}

/** The user's own clock: "2026-11-21 13:05:09". */
export function time(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return (
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  );
}

const DAY_MS = 86_400_000;

/** Marks along the user's own clock, `stepMs` apart: "13:05:09", "13:05", "11-21 13:05" or "11-21". */
export function clockMarks(times: readonly number[], stepMs: number): string[] {
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return times.map((ms) => {
    const text = time(ms);
    if (stepMs >= DAY_MS) return text.slice(5, 10);
    return span >= DAY_MS ? text.slice(5, 16) : text.slice(11, stepMs % 60_000 === 0 ? 16 : 19);
  });
}

/** A value of a table or a parameter as text. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
