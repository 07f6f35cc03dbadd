/** [P] The few colours in use, by meaning. */

export type Colour = "good" | "bad" | "active" | "quiet" | "strong";

const CODES: Record<Colour, readonly [number, number]> = {
  good: [32, 39],
  bad: [31, 39],
  active: [36, 39],
  quiet: [2, 22],
  strong: [1, 22],
};

/** The text itself where colour is off. */
export function paint(text: string, colour: Colour | undefined, enabled: boolean): string {
  if (!enabled || colour === undefined || text === "") return text;
  const [on, off] = CODES[colour];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

const STATE_COLOURS = new Map<string, Colour>([
  ["succeeded", "good"],
  ["ready", "good"],
  ["failed", "bad"],
  ["unknown", "bad"],
  ["dirty", "bad"],
  ["gone", "bad"],
  ["running", "active"],
  ["busy", "active"],
  ["assigned", "active"],
  ["cancelled", "quiet"],
  ["skipped", "quiet"],
]);

/** Colour of the state of a run, a node or a device. */
export function stateColour(state: string): Colour | undefined {
  return STATE_COLOURS.get(state);
}

/** Colours of curves, in order: all read on dark and on light. */
const PLOT_CODES = [36, 33, 35, 32, 34, 31, 96, 95] as const;

export const PLOT_COLOURS = PLOT_CODES.length;

export function paintPlot(text: string, n: number, enabled: boolean): string {
  return enabled ? `\u001b[${PLOT_CODES[n % PLOT_COLOURS]}m${text}\u001b[39m` : text;
}
