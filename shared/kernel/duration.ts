/** Durations as users write them ("90s", "1h30m") and as programs keep them (milliseconds). */

const UNIT_MS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/** Milliseconds of "250ms", "30s", "1h30m", "2d"; undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  let total = 0;
  PART.lastIndex = 0;
  if (text.length === 0 || text.length > 40) return undefined;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (!match) return undefined;
    total += Number(match[1]) * (UNIT_MS.get(match[2] ?? "") ?? 0);
  }
  return Math.round(total);
}

/** Short form for people: "850ms", "12s", "4m10s", "1h20m", "3d4h". Two units at most. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return join(Math.floor(seconds / 60), "m", seconds % 60, "s");
  if (seconds < 86_400) return join(Math.floor(seconds / 3_600), "h", Math.floor((seconds % 3_600) / 60), "m");
  return join(Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3_600), "h");
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
}
