/** Sizes in bytes as users write them ("80GB", "512 MiB"). GB is 10^9 and GiB is 2^30, as on a data sheet. */

const UNITS = new Map([
  ["b", 1],
  ["kb", 1e3],
  ["mb", 1e6],
  ["gb", 1e9],
  ["tb", 1e12],
  ["kib", 2 ** 10],
  ["mib", 2 ** 20],
  ["gib", 2 ** 30],
  ["tib", 2 ** 40],
]);

/** Bytes of "80GB" or "1.5 GiB"; undefined where the text is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]{1,3})$/i.exec(text);
  const unit = match && UNITS.get((match[2] ?? "").toLowerCase());
  return unit ? Math.round(Number(match[1]) * unit) : undefined;
}

/** "80GB", "1.5GB", "512MB": decimal units, at most one digit after the point. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
  return `${text}${units[unit]}`;
}
