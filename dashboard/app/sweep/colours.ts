/** Colours of values: from dark over green to amber, brighter with each step, for either theme. */
import { colour } from "../theme.ts";

/** Gives the colour of a place from 0 to 1; of none, the grey of lines. */
export function createRamp(): (place: number | undefined) => string {
  const stops = ["--ramp-1", "--ramp-2", "--ramp-3"].map((name) => channels(colour(name)));
  const none = colour("--series-8");
  return (place) => {
    if (place === undefined) return none;
    const at = Math.min(1, Math.max(0, place)) * (stops.length - 1);
    const low = stops[Math.floor(at)] ?? [];
    const high = stops[Math.ceil(at)] ?? [];
    const mixed = low.map((value, i) => Math.round(value + (at - Math.floor(at)) * ((high[i] ?? value) - value)));
    return `rgb(${mixed.join(" ")})`;
  };
}

/** "#0072b2" as three numbers. */
function channels(hex: string): number[] {
  return [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
}
