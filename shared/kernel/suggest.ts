/** The one name that a misspelt word most likely meant, for "did you mean" lines. */
import { editDistance, nearest } from "./nearest.ts";

/** The candidate closest to `word`; undefined where none is close. Short words must differ in one place only. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const [best] = nearest(word, candidates, 1);
  if (best === undefined) return undefined;
  const distance = editDistance(word.toLowerCase(), best.toLowerCase());
  return distance <= Math.max(1, Math.floor(Math.max(word.length, best.length) / 3)) ? best : undefined;
}
