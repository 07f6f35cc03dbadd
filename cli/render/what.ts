/** What an event says. */

/** The text, and whose token it was asked for with. */
export function whatOf({ text, by }: { readonly text: string; readonly by: string | null }): string {
  if (by === null) return text;
  return text === "" ? `by ${by}` : `${text}, by ${by}`;
}
